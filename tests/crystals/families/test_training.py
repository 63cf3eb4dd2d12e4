"""Training, resumed or not; and the network that is left without its normalization."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lattice_symmetry.crystals.families import networks, training
from napari_lattice_symmetry.crystals.families.data_set import CHUNK
from napari_lattice_symmetry.crystals.families.training import RECIPES, train
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.networks.engines import open_engine
from napari_lattice_symmetry.networks.engines.keras_engine import load_network

SMALL = replace(RECIPES["pairs"], validation=CHUNK, batch=35, sharpened=CHUNK)


@pytest.mark.slow
def test_a_training_that_is_resumed_ends_where_a_whole_one_does(tmp_path, monkeypatch):
    monkeypatch.setitem(training.RECIPES, "pairs", replace(SMALL, structures=CHUNK, epochs=2))
    whole = train("pairs", tmp_path / "whole", workers=1, progress=False)
    calls = []
    fit = training.fit

    def interrupted(model, history, output, *, epochs, **more):
        calls.append(len(history))
        fit(model, history, output, epochs=epochs if len(calls) > 1 else 1, **more)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train("pairs", tmp_path / "parts", workers=1, progress=False)
    resumed = train("pairs", tmp_path / "parts", workers=1, progress=False)
    assert calls == [0, 1]
    one, other = (load_network(path.read_bytes()).get_weights() for path in (whole, resumed))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert (tmp_path / "whole" / "training.png").exists()


def test_other_settings_and_unknown_networks_are_refused(tmp_path):
    (tmp_path / "training.json").write_text("{}")
    with pytest.raises(InputError, match="other settings"):
        train("pairs", tmp_path, workers=1, progress=False)
    with pytest.raises(InputError, match="'fingerprint' or 'pairs'"):
        train("polar", tmp_path)


@pytest.mark.slow
def test_a_folded_network_answers_as_the_whole_one_and_runs_without_tensorflow(tmp_path):
    rng = np.random.default_rng(0)
    whole = networks.fingerprint_network()
    assert whole.count_params() == 365_719 + 129  # of the source, and an eighth answer
    normalization = whole.get_layer("normalization")
    normalization.set_weights([rng.uniform(0.5, 2, 128).astype(np.float32) for _ in range(4)])
    folded = networks.without_normalization(whole)
    images = rng.uniform(size=(3, 64, 64, 3)).astype(np.float32)
    expected = whole.predict_on_batch(images)
    np.testing.assert_allclose(folded.predict_on_batch(images), expected, atol=1e-5)
    path = tmp_path / "fingerprint.keras"
    folded.save(path)
    assert path.stat().st_size < 3e6
    sums = []
    for name in ("onnx", "tensorflow"):
        engine = open_engine(path.read_bytes(), name)
        assert engine.name.startswith("ONNX" if name == "onnx" else "TensorFlow")
        sums.append(engine.heads(10, 0).sums(engine.trunk(images), np.ones(3)).probabilities)
    np.testing.assert_allclose(*sums, rtol=1e-4)
