"""Weak spots halfway between those of a fitted lattice, which make its cell larger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft

from napari_lattice_symmetry.cells.factors import centered, hann_weights
from napari_lattice_symmetry.lattice.basis import reduce_basis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.float64]

# Cells that spots at (1/2, 0), (0, 1/2), (1/2, 1/2) make, and at two kinds of these.
_HALVES = np.array([[0.5, 0], [0, 0.5], [0.5, 0.5]])
_LARGER = ([[2, 0], [0, 1]], [[1, 0], [0, 2]], [[1, 1], [1, -1]])
_QUARTERS = np.array([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
_REACH = 4
_MAX_FREQUENCY = 0.35
# Weaker spots, as a share of the strongest amplitude, may be side lobes.
_FLOOR = 0.01
# A spot has so many times the power around it, and a superlattice so many, mirror images counted.
_CLEAR, _ENOUGH = 16.0, 4


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
        pixels, _ = centered(window[np.newaxis])
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
    """Tell whether enough spots at h + `place` stand out of what is around them."""
    size = len(power)
    steps = np.arange(-_REACH, _REACH)
    nodes = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    to_frequency = np.linalg.inv(basis).T
    around = (_QUARTERS - 0.5)[np.newaxis]
    at = (nodes + place)[:, np.newaxis]
    spots, level = (_read(power, points @ to_frequency, size) for points in (at, at + around))
    inside = np.linalg.norm(at[:, 0] @ to_frequency, axis=-1) < _MAX_FREQUENCY
    clear = spots[:, 0] > _CLEAR * level.mean(axis=1) + _FLOOR**2 * power.max()
    return int((clear & inside).sum()) >= _ENOUGH


def _read(power: NDArray[Any], frequency: Float, size: int) -> Float:
    bins = np.rint(frequency * size).astype(np.intp)
    return np.asarray(power[bins[..., 1] % size, bins[..., 0] % size])
