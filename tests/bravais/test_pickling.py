from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest

from napari_lattice_symmetry.bravais import load_model

CLASSIFY = """
import pickle, sys
import numpy as np

model = pickle.loads(sys.stdin.buffer.read())
windows = np.random.default_rng(0).normal(size=(3, 48, 48))
sys.stdout.buffer.write(pickle.dumps((model.name, model.sha256, model.classify(windows, 5).mean)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("network", ["compact", "published"])
def test_network_is_the_same_in_another_process(network):
    model = load_model(network)
    done = subprocess.run(
        [sys.executable, "-c", CLASSIFY], input=pickle.dumps(model), capture_output=True, check=True
    )
    name, sha256, mean = pickle.loads(done.stdout)
    assert (name, sha256) == (model.name, model.sha256)
    windows = np.random.default_rng(0).normal(size=(3, 48, 48))
    np.testing.assert_array_equal(mean, model.classify(windows, 5).mean)
