from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import Atoms, score
from napari_lattice_symmetry.atoms.score import match


def best_by_trying(found, true, radius):
    """Most pairs, and of those least sum of squares."""
    few, many = sorted((found, true), key=len)
    best = (0, 0.0)
    for order in permutations(range(len(many)), len(few)):
        apart = np.linalg.norm(few - many[list(order)], axis=1)
        allowed = apart <= radius
        best = max(best, (int(allowed.sum()), -float((apart[allowed] ** 2).sum())))
    return best


@pytest.mark.parametrize("seed", range(12))
def test_as_many_pairs_as_can_be_and_the_nearest_of_those(seed):
    rng = np.random.default_rng(seed)
    found, true = rng.uniform(0, 4, (5, 2)), rng.uniform(0, 4, (4, 2))
    i, j = match(found, true, 1.5)
    assert len(set(i)) == len(set(j)) == len(i)
    apart = np.linalg.norm(found[i] - true[j], axis=1)
    assert (len(i), -float((apart**2).sum())) == pytest.approx(best_by_trying(found, true, 1.5))


def test_a_column_found_twice_counts_once():
    told = score(Atoms.at([10, 10.2], [10, 10]), [[10.0, 10]], 2)
    assert (told.precision, told.recall) == (0.5, 1)
    assert told.extra.tolist() == [1]


def test_classes_and_error_and_bias():
    found = Atoms.at([0, 10, 20], [0, 0, 0], label=["Mo", "S", "S"])
    truth = Atoms.at([0.3, 10.3, 20.3], [0.4, 0.4, 0.4], label=["Mo", "S", "Mo"])
    told = score(found, truth, 2)
    assert told.error == pytest.approx(0.5)
    assert told.bias == pytest.approx((-0.3, -0.4))
    assert told.f1 == 1
    assert told.classes["Mo"].recall == 0.5
    assert told.classes["S"].precision == 0.5
    assert told.classes["S"].f1 == pytest.approx(2 / 3)


def test_the_radius_is_in_nanometers_where_pixels_have_a_size():
    found, truth = Atoms.at([0, 9], [0, 0], pixel_size=(0.1, 0.1)), [[0, 3], [9, 3]]
    assert score(found, truth, 0.31).f1 == 1
    assert score(found, truth, 0.29).f1 == 0
    assert score(found, truth, 3.1, unit="px").f1 == 1
    with pytest.raises(nls.LatticeSymmetryError, match="no pixel size"):
        score(Atoms.at([0], [0]), truth, 0.3, unit="nm")


def test_frames_are_apart():
    found = Atoms.at([0, 0], [0, 0], frame=[0, 1])
    assert score(found, [[1, 0, 0], [2, 0, 0]], 1).f1 == 0.5


def test_what_is_ignored_counts_neither_way():
    found = Atoms.at([0, 5], [0, 0])
    assert score(found, [[0, 0]], 1).precision == 0.5
    assert score(found, [[0, 0]], 1, ignore=[[5.5, 0]]).precision == 1
    assert score(found, [[0, 0], [5, 0.1]], 1, ignore=[[5.5, 0]]).f1 == 1


def test_nothing_found_or_nothing_there():
    nothing, one = Atoms.at([], []), Atoms.at([1], [1])
    assert score(nothing, one, 1).recall == 0
    assert np.isnan(score(nothing, one, 1).precision)
    assert score(one, nothing, 1).precision == 0


@pytest.mark.parametrize(
    ("truth", "radius", "said"),
    [
        ([[0.0, 0], [1, 1], [2, 2]], 1, "other units"),
        (np.arange(50)[:, np.newaxis] * [1.0, 1.0], 1, "other units"),  # angstrom for nm
        ([[0, 0]], 0, "positive"),
        ([0, 0], 1, "no truth"),
        ([[0, np.nan]], 1, "no truth"),
    ],
)
def test_what_cannot_be_compared_is_said(truth, radius, said):
    found = Atoms.at(np.arange(50) * 10.0, np.arange(50) * 10.0)
    with pytest.raises(nls.LatticeSymmetryError, match=said):
        score(found, truth, radius)


def test_a_file_is_a_truth(tmp_path):
    truth = Atoms.at([1, 2], [3, 40], pixel_size=(0.5, 0.5))
    truth.save(tmp_path / "truth.csv")
    assert score(truth, tmp_path / "truth.csv", 0.1).f1 == 1


def test_a_radius_in_other_units_is_refused():
    y, x = np.mgrid[0:60:10, 0:60:10].reshape(2, -1)
    found = Atoms.at(y, x, pixel_size=(0.02, 0.02))
    assert score(found, found, 0.19).f1 == 1
    with pytest.raises(nls.LatticeSymmetryError, match=r"neighbors of the truth are 0\.2 nm apart"):
        score(found, found, 5)
    assert score(found, found, 5, unit="px").f1 == 1


def test_classes_are_not_compared_where_nothing_was_classified():
    truth = Atoms.at([0, 10], [0, 0], label=["Mo", "S"])
    told = score(Atoms.at([0, 10], [0, 0]), truth, 2)
    assert (told.f1, told.classes) == (1, {})
    assert "classify them first" in told.remarks[0]
    assert set(score(truth, truth, 2).classes) == {"Mo", "S"}
    assert not score(truth, truth, 2).remarks


def test_a_truth_whose_places_are_not_known_is_refused():
    with pytest.raises(nls.LatticeSymmetryError, match="place is not known"):
        score(Atoms.at([0], [0]), Atoms.at([0, np.nan], [0, 1]), 1)
