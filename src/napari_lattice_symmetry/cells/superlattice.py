"""Weak spots halfway or a third of the way between those of a lattice, which enlarge its cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.special import chdtrc

from napari_lattice_symmetry.cells.factors import centered, hann_weights
from napari_lattice_symmetry.lattice.basis import reduce_basis

Float = NDArray[np.float64]

# Spots at the first make the second of the cell; where there are several kinds, all of them.
_HALVES = {
    (1 / 2, 0): ((2, 0), (0, 1)),
    (0, 1 / 2): ((1, 0), (0, 2)),
    (1 / 2, 1 / 2): ((1, 1), (1, -1)),
}
_THIRDS = {
    (1 / 3, 0): ((3, 0), (0, 1)),
    (0, 1 / 3): ((1, 0), (0, 3)),
    (1 / 3, 1 / 3): ((1, -1), (1, 2)),
    (1 / 3, 2 / 3): ((1, 1), (-1, 2)),
}
# Places that are farthest from the spots of the lattice and of all these.
_QUARTERS = np.array([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
_STEPS = np.arange(-4, 4)
_NODES = np.stack([each.ravel() for each in np.meshgrid(_STEPS, _STEPS, indexing="ij")], axis=-1)
_MAX_FREQUENCY = 0.35
# Spots of the lattice that are so many times as strong as the noise say how far out to look.
_CLEAR = 9.0
# Weaker spots, as a share of the strongest amplitude, may be side lobes.
_FLOOR = 0.01
# One spot counts at most so many times the noise; diffuse scattering is not quite even.
_MAX_POWER, _UNEVEN = 25.0, 1.3
# Chances at which power between the spots is no noise: of its sum, and of the strongest spot
# alone, since what disorder scatters is spread over all of them.
_CHANCE, _CHANCE_OF_STRONGEST = 1e-4, 1e-2
# Cycles a window from a spot of the lattice within which there is some of its power.
_LEAK = 3.0


def find_superlattices(windows: NDArray[Any], basis: Float) -> Float:
    """Enlarge the cells of windows by the spots that lie between those of the lattice.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
    basis : ndarray, shape (n, 2, 2)
        Reduced lattice vectors (x, y) in rows, in pixels.

    Returns
    -------
    ndarray, shape (n, 2, 2)
        Reduced bases, the same where there is no superlattice.
    """
    found = basis.copy()
    for i, window in enumerate(windows):
        pixels, *_ = centered(window[np.newaxis])
        power = np.abs(scipy.fft.fft2(pixels[0] * hann_weights(window.shape[-1]))) ** 2
        for _ in range(2):
            larger = _enlarged(power, found[i])
            if larger is None:
                break
            found[i] = larger
    return found


def _enlarged(power: NDArray[Any], basis: Float) -> Float | None:
    for order, cells in ((2, _HALVES), (3, _THIRDS)):
        there = [cell for place, cell in cells.items() if _has_spots(power, basis, np.array(place))]
        if there:
            change = np.array(there[0]) if len(there) == 1 else order * np.eye(2)
            return reduce_basis(change @ basis)
    return None


def _has_spots(power: NDArray[Any], basis: Float, place: Float) -> bool:
    """Tell whether the places h + `place` hold more power than those farthest from spots."""
    size = len(power)
    to_frequency = np.linalg.inv(basis).T
    away = np.linalg.norm((_NODES + place) @ to_frequency, axis=1).min()
    if away * size < _LEAK:
        return False
    step = np.linalg.norm(to_frequency, axis=1).min()
    between = (_NODES[:, np.newaxis] + _QUARTERS).reshape(-1, 2) @ to_frequency
    noise, ring = _read(power, between, size), np.linalg.norm(between, axis=-1)

    def read(nodes: Float) -> tuple[Float, Float]:
        """Give the power at nodes over that of the noise, and their frequencies."""
        at = nodes @ to_frequency
        length = np.linalg.norm(at, axis=-1)
        near = np.abs(length[:, np.newaxis] - ring) < 0.75 * step
        level = near @ noise / np.maximum(near.sum(axis=1), 1)
        level = _UNEVEN * level + _FLOOR**2 * power.max()
        return _read(power, at, size) / level, length

    lattice, length = read(_NODES[_NODES.any(axis=1)].astype(np.float64))
    farthest = length[(lattice > _CLEAR) & (length < _MAX_FREQUENCY)].max(initial=0.0)
    spots, length = read(_one_of_each_pair(_NODES + place))
    spots = spots[length <= farthest]
    if not len(spots):
        return False
    strongest = -np.expm1(len(spots) * np.log1p(-np.exp(-spots.max())))
    total = np.minimum(spots, _MAX_POWER).sum()
    return bool(chdtrc(2 * len(spots), 2 * total) < _CHANCE and strongest < _CHANCE_OF_STRONGEST)


def _one_of_each_pair(nodes: Float) -> Float:
    """Leave out the nodes of which the mirror image is listed: they are the same spots."""
    both = (np.abs(nodes[:, np.newaxis] + nodes) < 1e-9).all(axis=2)
    return nodes[~np.triu(both, 1).any(axis=0)]


def _read(power: NDArray[Any], frequency: Float, size: int) -> Float:
    bins = np.rint(frequency * size).astype(np.intp)
    return np.asarray(power[bins[..., 1] % size, bins[..., 0] % size], dtype=np.float64)
