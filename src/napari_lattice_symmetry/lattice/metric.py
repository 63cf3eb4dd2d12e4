"""What a measured metric (a, b, gamma) says of symmetry, within a tolerance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.lattice.basis import cell_parameters
from napari_lattice_symmetry.lattice.classes import CLASSES, HIGHER, LABELS

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
    label = metric_labels(np.array([distances[name] for name in CLASSES[:4]]), tolerance)
    return CLASSES[int(label) - 1]


def metric_labels(distances: NDArray[np.float64], tolerance: float) -> NDArray[np.uint8]:
    """Return the label values of the names that `metric_class` gives, for distances (..., 4).

    Their last axis is in the order of `CLASSES`, as `departures` gives it.
    """
    label = np.full(distances.shape[:-1], LABELS["oblique"], dtype=np.uint8)
    for pair in (("rectangular", "centered rectangular"), ("square", "hexagonal")):
        values = np.array([LABELS[name] for name in pair], dtype=np.uint8)
        of_pair = distances[..., values - 1]
        near = of_pair.min(axis=-1) <= tolerance
        label = np.where(near, values[of_pair.argmin(axis=-1)], label)
    return label


def nearest_higher(name: str, distances: Mapping[str, float]) -> str | None:
    """Name the nearest symmetry above the class `name`; None above square and hexagonal."""
    return min(HIGHER[name], key=distances.__getitem__, default=None)


def axis_indices(basis: Basis, label: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Choose the lattice vector that stands for the orientation of reduced bases (n, 2, 2).

    The vector a; for a centered rectangle (by the label values) the shorter side of its
    conventional cell, which unlike a is not one of two equal vectors where the rhombus is the
    reduced cell.

    Returns
    -------
    ndarray, shape (n, 2)
        Indices of that vector.
    """
    a, b, gamma = np.moveaxis(cell_parameters(basis), -1, 0)
    equal_sides = np.log(b / a) < np.abs(np.cos(np.deg2rad(gamma)) - a / (2 * b))
    rhombus = (label == LABELS["centered rectangular"]) & equal_sides
    return np.stack([np.ones(len(basis)), np.where(rhombus, -1.0, 0.0)], axis=1)
