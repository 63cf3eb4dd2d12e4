import csv
import json

import numpy as np
import pytest

from napari_lattice_symmetry.bravais import load_model, training
from napari_lattice_symmetry.bravais.dataset import CHUNK, TRAINING, plan_chunks
from napari_lattice_symmetry.bravais.registry import REGISTRY
from napari_lattice_symmetry.errors import InputError, ModelError
from napari_lattice_symmetry.networks import training as shared_training
from napari_lattice_symmetry.networks.batches import turn_spectra
from napari_lattice_symmetry.networks.drawing import draw_chunks
from napari_lattice_symmetry.networks.registry import file_sha256


def test_a_chunk_is_the_same_whoever_draws_it():
    plan = plan_chunks("polar", ("paper", "instrument"), 2 * CHUNK, seed=3, stream=TRAINING)
    assert [chunk.track for chunk in plan] == ["paper", "instrument"]
    for chunk, (spectra, classes) in zip(plan, draw_chunks(plan, workers=2), strict=True):
        here, here_classes = chunk.draw()
        np.testing.assert_array_equal(spectra, here)
        np.testing.assert_array_equal(classes, here_classes)


def test_turned_spectra_are_rolled_or_mirrored_along_the_angle():
    spectra = np.random.default_rng(0).normal(size=(20, 96, 3)).astype(np.float32)
    turned = turn_spectra(spectra, np.random.default_rng(1))
    mirrored = 0
    for before, after in zip(spectra, turned, strict=True):
        rolls = [np.array_equal(np.roll(before, k, axis=0), after) for k in range(96)]
        flips = [np.array_equal(np.roll(before[::-1], k, axis=0), after) for k in range(96)]
        assert any(rolls) != any(flips)
        mirrored += any(flips)
    assert 3 < mirrored < 17


class Killed(BaseException):
    """Stands for a signal that no handler sees."""


@pytest.fixture
def small(monkeypatch):
    """A recipe that takes seconds."""
    from dataclasses import replace

    recipe = replace(training.RECIPES["polar"], windows=240, validation=120, epochs=3, batch=24)
    monkeypatch.setitem(training.RECIPES, "polar", recipe)


@pytest.mark.slow
def test_training_goes_on_after_a_kill_and_ends_as_if_undisturbed(small, tmp_path, monkeypatch):
    undisturbed = training.train("polar", tmp_path / "a", seed=1, workers=1, progress=False)

    save = shared_training.save_checkpoint

    def save_once_then_die(output, model, history):
        save(output, model, history)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(shared_training, "save_checkpoint", save_once_then_die)
        with pytest.raises(Killed):
            training.train("polar", tmp_path / "b", seed=1, workers=1, progress=False)
    resumed = training.train("polar", tmp_path / "b", seed=1, workers=1, progress=False)

    first, second = (load_model(path).network.get_weights() for path in (undisturbed, resumed))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    with (tmp_path / "b" / "history.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert (tmp_path / "b" / "training.png").stat().st_size > 1000
    assert json.loads((tmp_path / "b" / "training.json").read_text())["seed"] == 1


def test_a_folder_of_another_training_is_left_alone(tmp_path):
    (tmp_path / "training.json").write_text(json.dumps({"network": "published"}))
    with pytest.raises(InputError, match="other settings"):
        training.train("polar", tmp_path)


def test_unknown_networks_cannot_be_trained(tmp_path):
    with pytest.raises(InputError, match="'resnet'"):
        training.train("resnet", tmp_path / "new")
    with pytest.raises(InputError, match="use 'polar'"):
        training.train("published", tmp_path / "new", start=tmp_path / "published.keras")
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_refinement_starts_from_the_weights_it_is_given(tmp_path, monkeypatch):
    from dataclasses import replace

    still = replace(
        training.REFINEMENTS["polar"],
        windows=240,
        validation=120,
        epochs=1,
        learning_rate=0.0,
        calibrate=False,
    )
    monkeypatch.setitem(training.REFINEMENTS, "polar", still)
    start = REGISTRY.folder / "polar.keras"
    refined = training.train("polar", tmp_path / "run", start=start, workers=1, progress=False)
    for before, after in zip(
        load_model("polar").network.get_weights(),
        load_model(refined).network.get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(before, after)
    settings = json.loads((tmp_path / "run" / "training.json").read_text())
    assert settings["start_sha256"] == file_sha256(start)

    with pytest.raises(ModelError, match="not a 'polar' network"):
        training.train("polar", tmp_path / "other", start=REGISTRY.folder / "published.keras")
