"""What a measured metric (a, b, gamma) says of symmetry, within a tolerance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.lattice.basis import lattice_parameters
from napari_lattice_symmetry.lattice.classes import HIGHER

Basis = NDArray[np.float64]

FOLDS = {"square": 90.0, "hexagonal": 60.0}
"""Turns (degrees) that bring a lattice back onto itself; 180 for all others."""


def metric_class(distances: Mapping[str, float], tolerance: float) -> str:
    """Name the highest symmetry from which a lattice departs by at most `tolerance`.

    Parameters
    ----------
    distances : mapping
        As `symmetry_distances` gives them.
    tolerance : float
        Greatest distance at which a symmetry counts as there.

    Returns
    -------
    str
        One of the five lattice classes; of two that fit equally high, the nearer one.
    """
    for candidates in (("square", "hexagonal"), ("rectangular", "centered rectangular")):
        nearest = min(candidates, key=distances.__getitem__)
        if distances[nearest] <= tolerance:
            return nearest
    return "oblique"


def nearest_higher(name: str, distances: Mapping[str, float]) -> str | None:
    """Name the nearest symmetry above the class `name`; None above square and hexagonal."""
    return min(HIGHER[name], key=distances.__getitem__, default=None)


def axis_indices(basis: Basis, name: str) -> tuple[int, int]:
    """Choose the lattice vector that stands for the orientation of a reduced basis.

    The vector a; for a centered rectangle the shorter side of its conventional cell, which
    unlike a is not one of two equal vectors where the rhombus is the reduced cell.

    Returns
    -------
    (int, int)
        Indices of that vector.
    """
    if name != "centered rectangular":
        return 1, 0
    a, b, gamma = lattice_parameters(basis)
    rhombus = np.log(b / a) < abs(np.cos(np.deg2rad(gamma)) - a / (2 * b))
    return (1, -1) if rhombus else (1, 0)
