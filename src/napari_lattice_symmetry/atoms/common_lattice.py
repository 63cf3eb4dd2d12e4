"""The lattice that atoms have in common: two vectors that take most of them to others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from napari_lattice_symmetry.lattice.basis import reduce_basis

Float = NDArray[np.float64]
Integer = NDArray[np.intp]

SAME = 0.35
"""Spacings within which an atom is where it is expected."""

MIN_ATOMS = 12
"""Of which a lattice can be told."""

_REACH = 6.0  # spacings over which vectors between atoms are looked at
_SHARED = 0.6  # share of the atoms that a lattice vector takes to another
_UNLIKE = -0.2  # correlation of brightness below which atoms are not of one sublattice
_ROUNDS = 3


def common_basis(places: Float, spacing: float, brightness: Float) -> Float | None:
    """Return two shortest vectors that take most atoms to atoms, shape (2, 2) of y and x.

    Parameters
    ----------
    places : ndarray, shape (n, 2)
        y and x of atoms in pixels.
    spacing : float
        Of neighbors in pixels.
    brightness : ndarray, shape (n,)
        Of the atoms: a vector from bright ones to dim ones is none.

    Returns
    -------
    ndarray or None
        None where there are none.
    """
    tree = KDTree(places)
    pairs = tree.query_pairs(_REACH * spacing, output_type="ndarray")
    apart = places[pairs[:, 1]] - places[pairs[:, 0]]
    apart = np.concatenate([apart, -apart])
    near = KDTree(apart)
    candidates = apart[(apart[:, 0] > 0) | ((apart[:, 0] == 0) & (apart[:, 1] > 0))]
    candidates = candidates[np.argsort(np.linalg.norm(candidates, axis=1))]
    found: list[Float] = []
    for start in candidates[:: max(1, len(candidates) // 3000)]:
        if any(np.linalg.norm(start - each) < SAME * spacing for each in found):
            continue
        vector = apart[np.array(near.query_ball_point(start, 0.25 * spacing))].mean(axis=0)
        carried = _carried(tree, places, vector, spacing)
        # One that leads to a false atom is off, and lands near atoms all the same.
        for _ in range(_ROUNDS):
            if carried is None:
                break
            vector = np.median(places[carried[:, 1]] - places[carried[:, 0]], axis=0)
            carried = _carried(tree, places, vector, spacing)
        if carried is None:
            continue
        gray = brightness[carried.T]
        if (gray.std(axis=1) > 0).all() and np.corrcoef(gray)[0, 1] < _UNLIKE:
            continue
        if not found:
            found.append(vector)
        elif abs(np.linalg.det([found[0], vector])) > 0.3 * np.linalg.norm(found[0]) * spacing:
            return reduce_basis(np.stack([found[0], vector]))
    return None


def _carried(tree: KDTree, places: Float, vector: Float, spacing: float) -> Integer | None:
    """Return which atoms a vector takes to which, (n, 2); None if these are too few."""
    to = places + vector
    able = np.flatnonzero(((to >= tree.mins) & (to <= tree.maxes)).all(axis=1))
    distance, partner = tree.query(to[able])
    here = np.asarray(distance) < SAME * spacing
    if here.sum() < MIN_ATOMS / 2 or here.mean() < _SHARED:
        return None
    return np.stack([able[here], np.asarray(partner)[here]], axis=1)
