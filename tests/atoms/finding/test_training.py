from __future__ import annotations

import json

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms.finding import examples, training
from napari_lattice_symmetry.atoms.finding.calibration import fit_confidence
from napari_lattice_symmetry.atoms.finding.examples import draw_example, draw_marks
from napari_lattice_symmetry.atoms.finding.finder import FEATURES, REGISTRY, load_finder
from napari_lattice_symmetry.networks import drawing
from napari_lattice_symmetry.networks.batches import Batches
from napari_lattice_symmetry.networks.calibration import calibration_error


def test_marks_lie_at_atoms_with_fractions_of_a_pixel():
    marks = draw_marks(np.array([[10.25, 20.5], [0, 0], [-3, 5]]), (32, 40), 1.0)
    i, j = np.mgrid[:32, :40]
    part = marks * (i > 4)
    assert (part * i).sum() / part.sum() == pytest.approx(10.25, abs=0.01)
    assert (part * j).sum() / part.sum() == pytest.approx(20.5, abs=0.01)
    assert marks[0, 0] == 1


def test_examples_follow_from_their_numbers():
    one, other = (draw_example(np.random.default_rng(seed), 48) for seed in (3, 3))
    assert np.array_equal(one[0], other[0])
    assert one[0].shape == one[1].shape == (48, 48, 2)
    assert np.isfinite(one[0]).all()
    assert 0 <= one[1].min() <= one[1].max() <= 1


def test_a_fit_of_confidence_recovers_what_is_true():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20_000, 3)) * [2, 1, 0.5]
    logit = features @ [1.5, -0.5, 0.2] + 0.3
    right = rng.uniform(size=len(logit)) < 1 / (1 + np.exp(-logit))
    assert fit_confidence(features, right) == pytest.approx((1.5, -0.5, 0.2, 0.3), abs=0.1)
    assert calibration_error(1 / (1 + np.exp(-logit)), right) < 0.015
    assert calibration_error(np.full(len(right), 0.95), right) > 0.2


@pytest.mark.slow
def test_a_training_goes_on_and_ends_in_a_network_that_loads(tmp_path, monkeypatch):
    small = training.replace(training.RECIPE, validation=40, batch=8, crop=32, filters=4)
    monkeypatch.setattr(training, "RECIPE", small)
    monkeypatch.setattr(training, "_CHUNKS", 1)
    monkeypatch.setattr(drawing, "draw_chunks", lambda orders, _: (each.draw() for each in orders))
    monkeypatch.setattr(training, "ScoredChunk", lambda *_: _Judged())
    path = training.train_finder(tmp_path / "run", pictures=40, epochs=1, progress=False)
    assert load_finder(path).weights == tuple(
        json.loads((tmp_path / "run" / "calibration.json").read_text())["calibration"]
    )
    again = training.train_finder(tmp_path / "run", pictures=40, epochs=1, progress=False)
    assert again == path
    with pytest.raises(nls.LatticeSymmetryError, match="other settings"):
        training.train_finder(tmp_path / "run", pictures=40, epochs=2, progress=False)


def test_batches_hold_every_example_once_but_the_rest():
    seen, marks = np.arange(10, dtype=np.float16), np.arange(10, dtype=np.uint8)
    in_order = Batches(seen, marks, 4)
    assert [in_order[i][0].tolist() for i in range(len(in_order))] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    shuffled = Batches(seen, marks, 4, np.random.default_rng(1))
    order = np.random.default_rng(1).permutation(10)
    assert shuffled[1][1].tolist() == order[4:8].tolist()
    assert [each.dtype for each in shuffled[0]] == [np.float32, np.uint8]


def test_only_a_network_that_finds_atoms_is_refined(tmp_path):
    (tmp_path / "other.keras").write_text("nothing")
    with pytest.raises(
        nls.LatticeSymmetryError, match=r"other\.keras is no network that finds atoms"
    ):
        training.train_finder(tmp_path / "run", start=tmp_path / "other.keras")


class _Judged:
    def draw(self):
        rng = np.random.default_rng(0)
        return rng.normal(size=(50, FEATURES)), rng.uniform(size=50) > 0.5


def test_a_calibration_of_other_features_is_refused(tmp_path):
    shipped = REGISTRY.folder / "atoms.keras"
    (tmp_path / "atoms.keras").write_bytes(shipped.read_bytes())
    (tmp_path / "calibration.json").write_text('{"calibration": [1.9, -0.5, 0.3, -0.1]}')
    with pytest.raises(nls.LatticeSymmetryError, match="has 4 weights instead of 6"):
        load_finder(tmp_path / "atoms.keras")


def test_doses_make_a_column_stand_out_as_much_as_is_asked():
    rng = np.random.default_rng(0)
    sigma, background = 3.0, 2.0
    counts = examples._counts(20.0, sigma, background)
    i, j = np.mgrid[-12:13, -12:13]
    peak = np.exp(-0.5 * (i**2 + j**2) / sigma**2)
    there = rng.poisson(counts * (peak + background), (4000, *peak.shape))
    nothing = rng.poisson(counts * background * np.ones_like(peak), there.shape)
    one, other = ((each * peak).sum(axis=(1, 2)) for each in (there, nothing))
    noise = np.sqrt((one.var() + other.var()) / 2)
    assert (one.mean() - other.mean()) / noise == pytest.approx(20, rel=0.15)
