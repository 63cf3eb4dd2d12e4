"""Lattices drawn with a known basis."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.lattice.basis import lattice_points
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms


def _draw_lattice(
    basis,
    rng,
    *,
    counts=30,
    size=128,
    sites=((0, 0),),
    weights=(1.0,),
    sigma=0.18,
    disorder=0.0,
    within=None,
):
    spacing = np.hypot(*basis[0])
    points = lattice_points(basis, (size, size), rng.uniform(0, size, 2), 4 * spacing)
    atoms = (points[:, np.newaxis] + np.array(sites) @ basis).reshape(-1, 2)
    atoms = atoms + disorder * spacing * rng.standard_normal(atoms.shape)
    brightness = np.tile(weights, len(points))
    if within is not None:
        inside = within(atoms)
        atoms, brightness = atoms[inside], brightness[inside]
    image = draw_atoms(atoms, brightness, sigma * spacing, (size, size))
    return count_electrons(image + 0.1, counts, rng)


@pytest.fixture(scope="session")
def draw_lattice():
    """Draw a window: basis, rng, counts a pixel, size, atoms of a cell, width, disorder.

    `within` keeps the atoms, (n, 2) positions, for which it is true.
    """
    return _draw_lattice
