"""A descriptor of a cluster that does not change when it is turned: distances and angles.

How often two atoms are how far apart, and how often the directions to two near ones enclose which
angle, tell the family of a cluster of unknown orientation. Lengths are in units of the first peak
of the pair distribution, as those of the fingerprint are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.neighbors import neighbor_distance

Float = NDArray[np.float64]
Single = NDArray[np.float32]

_LENGTHS = np.linspace(0.5, 3.5, 121)
_COSINES = np.linspace(-1, 1, 41)
_SHELLS = (1.25, 1.55, 1.85)
"""Within which an atom is near: the first neighbors, and wider ones."""

SIZE = (len(_LENGTHS) - 1) + len(_SHELLS) * (len(_COSINES) - 1)
"""How many numbers it has."""


def pair_descriptor(positions: Float) -> Single:
    """Return distances and angles of a cluster, whatever its orientation and its elements.

    Parameters
    ----------
    positions : ndarray, shape (n, 3)
        In any unit of length.

    Returns
    -------
    ndarray, shape (SIZE,), float32
        Counts of distances over their square, then of cosines of angles at an atom between those
        within three radii. Each is the logarithm of 1 more than a multiple of its mean.

    Raises
    ------
    InputError
        If there are fewer than two atoms.
    """
    from scipy.spatial import cKDTree

    scaled = positions / neighbor_distance(positions)
    pairs = cKDTree(scaled).query_pairs(_LENGTHS[-1], output_type="ndarray")
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    steps = scaled[pairs[:, 1]] - scaled[pairs[:, 0]]
    lengths = np.linalg.norm(steps, axis=1)
    parts = [np.histogram(lengths, _LENGTHS, weights=np.maximum(lengths, 0.1) ** -2)[0]]
    for shell in _SHELLS:
        near = lengths < shell
        cosines = _cosines(pairs[near, 0], steps[near] / lengths[near, np.newaxis])
        parts.append(np.histogram(cosines, _COSINES)[0])
    shares = [part / max(part.mean(), 1e-12) for part in parts]
    return np.asarray(np.log1p(np.concatenate(shares)), np.float32)


def _cosines(atoms: NDArray[np.int64], directions: Float) -> Float:
    """Return the cosines between all directions (n, 3) that begin at the same of the atoms (n,)."""
    order = np.argsort(atoms, kind="stable")
    directions = directions[order]
    counts = np.unique(atoms, return_counts=True)[1]
    if not len(counts):
        return np.empty(0)
    # One row of directions an atom, filled up with NaN, which no bin counts.
    rows = np.full((len(counts), counts.max(), 3), np.nan)
    rows[np.arange(counts.max()) < counts[:, np.newaxis]] = directions
    first, second = np.triu_indices(counts.max(), 1)
    cosines = np.einsum("nik,njk->nij", rows, rows)[:, first, second]
    return np.asarray(cosines[np.isfinite(cosines)])
