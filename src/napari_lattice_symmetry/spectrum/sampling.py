"""Reading spectra between their bins, and undoing distortions while at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import scipy.sparse

from napari_lattice_symmetry.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.float64]

Key: TypeAlias = tuple[tuple[float, float], tuple[float, float]] | None
"""A distortion that can be a key of a cache."""


def distortion_key(distortion: NDArray[np.float64] | None) -> Key:
    """Make a key of a distortion matrix, ``seen = distortion @ true`` for positions (x, y).

    Raises
    ------
    InputError
        If it is no invertible (2, 2) matrix.
    """
    if distortion is None:
        return None
    matrix = np.asarray(distortion, dtype=np.float64)
    if matrix.shape != (2, 2) or not np.isfinite(matrix).all() or not np.linalg.det(matrix):
        raise InputError(f"{matrix.tolist()} is no invertible 2 x 2 distortion matrix.")
    (a, b), (c, d) = matrix.tolist()
    return (a, b), (c, d)


def seen_frequencies(ky: Float, kx: Float, distortion: Key) -> tuple[Float, Float]:
    """Find where true spatial frequencies lie in the spectrum of a distorted image.

    Positions ``D @ r`` make of a frequency k the frequency ``inv(D).T @ k``. The one of the two
    equal halves of the spectrum with kx >= 0 is given.
    """
    if distortion is None:
        return ky, kx
    (xx, yx), (xy, yy) = np.linalg.inv(distortion)
    seen_y, seen_x = yx * kx + yy * ky, xx * kx + xy * ky
    side = np.where(seen_x < 0, -1, 1)
    return side * seen_y, side * seen_x


def bilinear_weights(ky: Float, kx: Float, size: int) -> scipy.sparse.csr_array:
    """Weights that read frequencies off the half-plane amplitude of a window.

    Parameters
    ----------
    ky, kx : ndarray
        Frequencies in cycles per window, kx >= 0; zero is read beyond the Nyquist frequency.
    size : int
        Side of the window in pixels.

    Returns
    -------
    scipy.sparse.csr_array, shape (ky.size, size * (size // 2 + 1)), float32
    """
    row0, column0 = np.floor(ky).astype(int), np.floor(kx).astype(int)
    fy, fx = ky - row0, kx - column0
    targets, sources, weights = [], [], []
    target = np.arange(ky.size)
    half = size // 2 + 1
    for dy in (0, 1):
        for dx in (0, 1):
            weight = (fy if dy else 1 - fy) * (fx if dx else 1 - fx)
            row, column = row0 + dy, column0 + dx
            inside = (np.abs(row) <= (size - 1) // 2) & (column < half)
            targets.append(target[inside.ravel()])
            sources.append(((row % size) * half + column)[inside])
            weights.append(weight[inside])
    return scipy.sparse.csr_array(
        (
            np.concatenate(weights).astype(np.float32),
            (np.concatenate(targets), np.concatenate(sources)),
        ),
        shape=(ky.size, size * half),
    )
