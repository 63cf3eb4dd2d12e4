"""Sums of windows times waves of any frequency, between the bins of an FFT, and their moments.

Positions are counted from the window's center. A window's even and odd part along an axis say all
in a half of it, which halves the work.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Complex = NDArray[np.complex128]

# BLAS shares larger products out among threads, who then wait for the next one at full speed: of
# so small ones, on a busy machine, it takes ten times the time. Wide windows are worth it.
_ALONE, _MIN_ROWS = 2**18, 8


def transform(image: Float32, frequency: Float) -> Complex:
    """Sum ``image * exp(-2 pi i q . x)``, x from the center.

    Parameters
    ----------
    image : ndarray, shape (n, w, w), float32
    frequency : ndarray, shape (n, k, 2)
        q along x and y, in cycles a pixel.

    Returns
    -------
    ndarray, shape (n, k), complex128
    """
    even, odd = _folded(image)
    (cos_x, sin_x), (cos_y, sin_y) = (_waves(frequency[..., i], image.shape[-1]) for i in (0, 1))
    rows = _product(cos_x, _columns(even)), _product(sin_x, _columns(odd))
    return _across(*rows, cos_y, sin_y)


def moments(image: Float32, frequency: Float) -> tuple[Complex, Complex, Complex]:
    """Sum ``image * exp(-2 pi i q . x)``, and that times x and times y; see `transform`."""
    even, odd = map(_columns, _folded(image))
    (cos_x, sin_x), (cos_y, sin_y) = (_waves(frequency[..., i], image.shape[-1]) for i in (0, 1))
    place = _places(image.shape[-1])
    of_even = _product(np.concatenate([cos_x, place * sin_x], axis=1), even)
    of_odd = _product(np.concatenate([sin_x, place * cos_x], axis=1), odd)
    k = frequency.shape[1]
    rows, moved = (of_even[:, :k], of_odd[:, :k]), (of_odd[:, k:], of_even[:, k:])
    # Times y, an even part along y is odd, and an odd one even.
    real, imaginary = (np.roll(each, each.shape[-1] // 2, axis=-1) for each in rows)
    return (
        _across(*rows, cos_y, sin_y),
        _across(*moved, cos_y, sin_y),
        _across(real, imaginary, place * cos_y, place * sin_y),
    )


def _across(real: Float32, imaginary: Float32, cos: Float32, sin: Float32) -> Complex:
    """Sum ``(real - i imaginary) * exp(-2 pi i q y)`` over y, even parts before odd ones."""
    (a, b), (c, d) = (np.split(each, 2, axis=-1) for each in (real, imaginary))
    found = np.einsum("nky,nky->nk", cos, a) - np.einsum("nky,nky->nk", sin, d)
    negative = np.einsum("nky,nky->nk", cos, c) + np.einsum("nky,nky->nk", sin, b)
    return np.asarray(found - 1j * negative, dtype=np.complex128)


def _product(waves: Float32, columns: Float32) -> Float32:
    """Multiply (n, k, m) by (n, m, w), in pieces that one thread does."""
    rows = max(_ALONE // int(np.prod(columns.shape[1:])), _MIN_ROWS)
    pieces = [waves[:, k : k + rows] @ columns for k in range(0, max(waves.shape[1], 1), rows)]
    return np.concatenate(pieces, axis=1)


def _folded(image: Float32) -> tuple[Float32, Float32]:
    """Return the even and the odd part along the last axis, of which a half says all."""
    half = (image.shape[-1] + 1) // 2
    right, left = image[..., -half:], image[..., half - 1 :: -1]
    even = right + left
    if image.shape[-1] % 2:  # the middle is its own mirror image
        even[..., 0] /= 2
    return even, right - left


def _columns(image: Float32) -> Float32:
    """Lay the even and the odd part along y side by side, x going down."""
    return np.concatenate(_folded(image.swapaxes(-1, -2)), axis=-1)


def _places(size: int) -> Float32:
    """Return the positions of the pixels of half a window."""
    return np.arange((size + 1) // 2, dtype=np.float32) + np.float32(0.5 * (size % 2 == 0))


def _waves(frequency: Float, size: int) -> tuple[Float32, Float32]:
    """Return cosine and sine of frequencies (n, k) at the pixels of half a window."""
    turns = frequency[..., np.newaxis] * _places(size)
    angle = (2 * np.pi * (turns - np.rint(turns))).astype(np.float32)
    return np.cos(angle), np.sin(angle)
