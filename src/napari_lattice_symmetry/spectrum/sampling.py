"""Reading spectra between their bins, and undoing distortions while at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError

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


def linear(offset: Float) -> Float:
    """Weights of two neighboring bins for points at `offset` (0 to 1) from the first."""
    return np.stack([1 - offset, offset])


def cubic(offset: Float) -> Float:
    """Weights of four neighboring bins for points at `offset` (0 to 1) from the second.

    Cubic convolution (Keys, IEEE Trans. Acoust. 29, 1153, 1981). At a slope of -3/4 it follows
    the peaks that a Hann window makes of spots best: averaged over spots between the bins, its
    greatest error is 6 % of the height of the peak, that of linear interpolation 24 %.
    """
    slope = -0.75
    near, far = np.stack([offset, 1 - offset]), np.stack([1 + offset, 2 - offset])
    inner = (slope + 2) * near**3 - (slope + 3) * near**2 + 1
    outer = slope * (far**3 - 5 * far**2 + 8 * far - 4)
    return np.stack([outer[0], inner[0], inner[1], outer[1]])


def sampling_weights(
    ky: Float, kx: Float, size: int, kernel: Callable[[Float], Float]
) -> scipy.sparse.csr_array:
    """Weights that read frequencies off the half-plane amplitude of a window.

    Parameters
    ----------
    ky, kx : ndarray
        Frequencies in cycles per window, kx >= 0; zero is read beyond the Nyquist frequency.
    size : int
        Side of the window in pixels.
    kernel : callable
        `linear` or `cubic`.

    Returns
    -------
    scipy.sparse.csr_array, shape (ky.size, size * (size // 2 + 1)), float32
    """
    row0, column0 = np.floor(ky).astype(int), np.floor(kx).astype(int)
    along_y, along_x = kernel(ky - row0), kernel(kx - column0)
    first = 1 - len(along_y) // 2
    targets, sources, weights = [], [], []
    target = np.arange(ky.size)
    half = size // 2 + 1
    for dy, weight_y in enumerate(along_y, first):
        for dx, weight_x in enumerate(along_x, first):
            row, column = row0 + dy, column0 + dx
            row = np.where(column < 0, -row, row)  # the other half plane is the same
            column = np.abs(column)
            inside = (np.abs(row) <= (size - 1) // 2) & (column < half)
            targets.append(target[inside.ravel()])
            sources.append(((row % size) * half + column)[inside])
            weights.append((weight_y * weight_x)[inside])
    return scipy.sparse.csr_array(
        (
            np.concatenate(weights).astype(np.float32),
            (np.concatenate(targets), np.concatenate(sources)),
        ),
        shape=(ky.size, size * half),
    )
