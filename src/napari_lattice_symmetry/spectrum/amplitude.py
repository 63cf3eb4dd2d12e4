"""From a window to its apodized FFT amplitude, in cycles per window."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

MAX_NAN_SHARE = 0.05
"""A window of which a greater share is NaN, or padding, is not analyzed."""


def analyzable(windows: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which windows show enough of an image.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
        NaN and infinite pixels are missing, and so are rows and columns of one value from an edge
        on, and nowhere else, as the correction of drift leaves them. A constant window is nothing
        else.

    Returns
    -------
    ndarray of bool, shape (n,)
        Whether at most `MAX_NAN_SHARE` is missing.
    """
    missing = 1 - np.isfinite(windows).mean(axis=(1, 2))
    edges = windows[:, [0, -1]], windows[:, :, [0, -1]].swapaxes(1, 2)
    flat = [(edge == edge[:, :, :1]).all(axis=2).any(axis=1) for edge in edges]
    padded = np.flatnonzero(np.logical_or(*flat))
    missing[padded] += _padding(windows[padded])
    return np.asarray(missing <= MAX_NAN_SHARE)


def _padding(windows: NDArray[Any]) -> NDArray[np.float64]:
    """Return the share of windows (n, w, w) that rows and columns of one value at an edge take."""
    left = np.ones(len(windows))
    for across in (windows, windows.swapaxes(1, 2)):
        lines = np.zeros(len(windows))
        for inwards in (across, across[:, ::-1]):
            same = (inwards == inwards[:, :1, :1]).all(axis=2)
            near, far = (
                np.logical_and.accumulate(side, axis=1).sum(axis=1)
                for side in (same, same[:, ::-1])
            )
            # Where few counts fall between rows of atoms, lines further in have that value too.
            lines += np.where(same.sum(axis=1) > near + far, 0, near)
        left *= np.clip(1 - lines / windows.shape[1], 0, 1)
    return np.asarray(1 - left)


def half_amplitude(windows: NDArray[Any], columns: int | None = None) -> Float32:
    """Compute the apodized FFT amplitude of windows, for the half plane kx >= 0.

    Each window loses its mean, gains unit variance and is weighted with a Hann window. The
    other half plane is the same by symmetry.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
        Any real dtype; NaN and infinite pixels count as the window's mean.
    columns : int, optional
        How many columns along kx are wanted; all ``w // 2 + 1`` if not given.

    Returns
    -------
    ndarray, shape (n, w, columns), float32
        Amplitude; ky in FFT order along axis 1, kx from 0 along axis 2, both in cycles per
        window. Zero for a constant window.
    """
    amplitude: Float32 = np.abs(half_spectrum(standardized(windows), columns))
    return amplitude


def half_spectrum(pixels: Float32, columns: int | None = None) -> NDArray[np.complex64]:
    """Compute the complex spectrum of `standardized` windows, whose `half_amplitude` is its own."""
    rows = scipy.fft.rfft(pixels * _hann(pixels.shape[-1]), axis=2)[..., :columns]
    return np.asarray(scipy.fft.fft(rows, axis=1))


def standardized(windows: NDArray[Any]) -> Float32:
    """Bring windows (n, w, w) to a mean of 0, which missing pixels take, and a variance of 1."""
    # Where single precision does not hold every value, small contrast may ride on a large offset.
    exact = np.can_cast(windows.dtype, np.float32)
    pixels: NDArray[np.floating[Any]] = windows.astype(np.float32 if exact else np.float64)
    mean = pixels.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    if not np.isfinite(mean).all():
        mean = fill_gaps(pixels)
    pixels -= mean.astype(pixels.dtype)
    energy = np.einsum("nyx,nyx->ny", pixels, pixels).sum(axis=1, dtype=np.float64)[:, None, None]
    deviation = np.sqrt(energy / (pixels.shape[1] * pixels.shape[2]))
    pixels /= np.where(deviation > 0, deviation, 1).astype(pixels.dtype)
    return pixels.astype(np.float32, copy=False)


def fill_gaps(pixels: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Fill NaN and infinite pixels (n, w, w), in place, with the mean of their window.

    Returns
    -------
    ndarray, shape (n, 1, 1), float64
        The means.
    """
    finite = np.isfinite(pixels)
    pixels[~finite] = 0
    count = np.maximum(finite.sum(axis=(1, 2), keepdims=True), 1)
    mean: NDArray[np.float64] = pixels.sum(axis=(1, 2), keepdims=True, dtype=np.float64) / count
    np.copyto(pixels, mean, where=~finite, casting="same_kind")
    return mean


@lru_cache(maxsize=16)
def _hann(size: int) -> Float32:
    taper = np.hanning(size).astype(np.float32)
    weights = taper[:, None] * taper
    weights.flags.writeable = False
    return weights
