"""Weak spots halfway between those of a fitted lattice, which make its cell larger."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.special import chdtrc

from napari_lattice_symmetry.cells.factors import centered, hann_weights
from napari_lattice_symmetry.lattice.basis import reduce_basis

Float = NDArray[np.float64]

# Cells that spots at (1/2, 0), (0, 1/2), (1/2, 1/2) make, and at two kinds of these.
_HALVES = np.array([[0.5, 0], [0, 0.5], [0.5, 0.5]])
_LARGER = ([[2, 0], [0, 1]], [[1, 0], [0, 2]], [[1, 1], [1, -1]])
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
# The chance at which power between the spots is no noise.
_CHANCE = 1e-6


def find_superlattices(windows: NDArray[Any], basis: Float) -> Float:
    """Enlarge the cells of windows by the spots that lie halfway between those of the lattice.

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
    there = [_has_spots(power, basis, place) for place in _HALVES]
    if not any(there):
        return None
    change = _LARGER[there.index(True)] if sum(there) == 1 else [[2, 0], [0, 2]]
    return reduce_basis(np.array(change) @ basis)


def _has_spots(power: NDArray[Any], basis: Float, place: Float) -> bool:
    """Tell whether the places h + `place` hold more power than those farthest from spots."""
    size = len(power)
    to_frequency = np.linalg.inv(basis).T
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
    # Mirror images are the same spots.
    spots, length = read(_NODES[_STEPS.size // 2 * _STEPS.size :] + place)
    spots = np.minimum(spots[length <= farthest], _MAX_POWER)
    return bool(chdtrc(2 * max(len(spots), 1), 2 * spots.sum()) < _CHANCE)


def _read(power: NDArray[Any], frequency: Float, size: int) -> Float:
    bins = np.rint(frequency * size).astype(np.intp)
    return np.asarray(power[bins[..., 1] % size, bins[..., 0] % size], dtype=np.float64)
