from __future__ import annotations

import subprocess
import sys

import pytest

DRAW = """
from vispy import app, gloo
canvas = app.Canvas(show=True)
canvas.events.draw.connect(lambda event: gloo.clear("white"))
canvas.app.process_events()
assert canvas.render().all()
"""
LEARN = """
from napari_lattice_symmetry.networks.keras_loading import keras
assert float(keras.ops.sum(keras.ops.ones((2, 3)) @ keras.ops.ones((3, 2)))) == 12
"""
CLASSIFY = """
import numpy as np
from napari_lattice_symmetry import load_model
windows = np.random.default_rng(0).normal(size=(40, 32, 32))
assert np.isfinite(load_model().classify(windows, 5).mean).all()
"""

LOAD = """
import sys, threading

class Spy:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            loaders.append(threading.get_ident())

loaders = []
sys.meta_path.insert(0, Spy())
from napari_lattice_symmetry.networks import keras_loading
assert loaders
assert threading.get_ident() not in loaders
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        DRAW + LEARN + DRAW,
        LEARN + DRAW + LEARN,
        DRAW + CLASSIFY + DRAW + LEARN + DRAW,
        CLASSIFY + DRAW + CLASSIFY,
    ],
)
def test_shares_a_process_with_opengl(code, qapp):
    subprocess.run([sys.executable, "-c", code], check=True, timeout=500)


@pytest.mark.slow
def test_tensorflow_is_loaded_in_a_thread_of_its_own():
    subprocess.run([sys.executable, "-c", LOAD], check=True, timeout=500)
