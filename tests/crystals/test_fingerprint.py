"""The diffraction fingerprint, against where reflections have to be."""

from __future__ import annotations

from itertools import product
from math import sqrt

import numpy as np
import pytest
from ase import Atoms
from scipy.ndimage import maximum_filter

from napari_lattice_symmetry.crystals import Crystal, fingerprint, prototype
from napari_lattice_symmetry.crystals.clusters import cluster
from napari_lattice_symmetry.crystals.fingerprint import (
    INNER,
    OUTER,
    SIZE,
    STEP,
    diffract,
)
from napari_lattice_symmetry.crystals.neighbors import neighbor_distance
from napari_lattice_symmetry.errors import InputError

# Side of the cube over the distance of neighbors, and which reflections there are.
CUBIC = {
    "Cu": (sqrt(2), lambda h: len({*(h % 2)}) == 1),
    "Fe": (2 / sqrt(3), lambda h: h.sum() % 2 == 0),
    "Po": (1.0, lambda h: True),
}
CENTER = (SIZE - 1) / 2


def expected_spots(side, allowed, axis):
    """Pixels (y, x) of the reflections in the plane across the beam, for both turns."""
    spots = []
    for turn in np.deg2rad([45, -45]):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        matrix = np.eye(3)
        matrix[[i, i, j, j], [i, j, i, j]] = np.cos(turn), np.sin(turn), -np.sin(turn), np.cos(turn)
        for h in product(range(-6, 7), repeat=3):
            x, y, z = 2 * np.pi / side * np.array(h) @ matrix
            if abs(z) < 1e-9 and any(h) and allowed(np.array(h)):
                spots.append((y / STEP + CENTER, x / STEP + CENTER))
    return np.unique(np.round(spots, 6), axis=0)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("name", CUBIC)
def test_reflections_of_cubic_crystals_are_where_they_have_to_be(name, axis):
    image = fingerprint(prototype(name))[..., axis]
    expected = expected_spots(*CUBIC[name], axis)
    peaks = np.argwhere((image == maximum_filter(image, 5)) & (image > 0.05))
    off = np.linalg.norm(peaks[:, np.newaxis] - expected, axis=2)
    assert off.min(axis=1).max() < 1.5, "no spot elsewhere; the ring cuts some in half"
    radius = np.linalg.norm(expected - CENTER, axis=1)
    whole = expected[(radius > INNER + 1) & (radius < OUTER - 1)]
    assert len(whole) >= 4
    strong = [float(image[tuple(np.rint(spot).astype(int))]) for spot in whole]
    assert min(strong) > 0.02, "no reflection is missing"


def test_it_is_an_image_of_a_ring():
    image = fingerprint(prototype("Si"))
    assert image.shape == (64, 64, 3)
    assert image.dtype == np.float32
    assert image.min() == 0
    assert image.max() == 1
    y, x = np.mgrid[:SIZE, :SIZE] - CENTER
    assert not image[(np.hypot(x, y) <= INNER) | (np.hypot(x, y) >= OUTER)].any()


def test_it_does_not_depend_on_the_size_of_the_cell():
    aluminum, copper = (fingerprint(prototype(name)).ravel() for name in ("Al", "Cu"))
    assert np.corrcoef(aluminum, copper)[0, 1] > 0.99
    iron = fingerprint(prototype("Fe")).ravel()
    assert np.corrcoef(aluminum, iron)[0, 1] < 0.6


@pytest.mark.parametrize("name", ["Cu", "Fe", "Si", "Ti"])
def test_the_scale_holds_with_displacements_and_vacancies(name):
    positions, _ = cluster(prototype(name))
    distance = neighbor_distance(positions)
    rng = np.random.default_rng(0)
    moved = positions + rng.normal(0, 0.05 * distance, positions.shape)
    assert neighbor_distance(moved) == pytest.approx(distance, rel=0.03)
    kept = positions[rng.uniform(size=len(positions)) > 0.5]
    assert neighbor_distance(kept) == pytest.approx(distance, rel=0.01)


@pytest.mark.parametrize(("name", "distance"), [("Cu", 3.61 / sqrt(2)), ("Si", 5.43 * sqrt(3) / 4)])
def test_the_scale_is_the_distance_of_neighbors(name, distance):
    assert neighbor_distance(cluster(prototype(name))[0]) == pytest.approx(distance, rel=1e-3)


def test_vacancies_leave_spots_where_they_are():
    positions, symbols = cluster(prototype("Cu"))
    kept = np.random.default_rng(1).uniform(size=len(positions)) > 0.5
    half = diffract(positions[kept], symbols[: int(kept.sum())]).ravel()
    assert np.corrcoef(half, diffract(positions, symbols).ravel())[0, 1] > 0.9


def test_about_250_atoms_as_cubic_as_possible():
    for name in ("Cu", "Ti", "LaMnO3", "graphene"):
        positions, symbols = cluster(prototype(name))
        assert 180 < len(positions) == len(symbols) < 380
    sides = np.ptp(cluster(prototype("LaMnO3"))[0], axis=0)
    assert sides.max() < 1.6 * sides.min()


def test_a_cluster_is_taken_as_it_lies():
    positions, symbols = cluster(prototype("Cu"))
    lying = Crystal("cluster", Atoms(symbols, positions))
    np.testing.assert_allclose(fingerprint(lying), fingerprint(prototype("Cu")), atol=1e-6)
    with pytest.raises(InputError, match=r"^one is one atom .* at least two atoms"):
        fingerprint(Crystal("one", Atoms("Cu")))
    with pytest.raises(InputError, match="lie where another one does"):
        fingerprint(Crystal("heap", Atoms("Cu3")))
