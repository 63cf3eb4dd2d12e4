"""From a window to its apodised FFT amplitude, in cycles per window."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float32 = NDArray[np.float32]

MAX_NAN_SHARE = 0.05
"""A window with a greater share of NaN is not analysed."""


def analysable(windows: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which windows (n, w, w) have few enough NaN or infinite pixels, shape (n,)."""
    if windows.dtype.kind != "f":
        return np.ones(len(windows), dtype=bool)
    return np.asarray(np.isfinite(windows).mean(axis=(1, 2)) >= 1 - MAX_NAN_SHARE)


def half_amplitude(windows: NDArray[Any]) -> Float32:
    """Compute the apodised FFT amplitude of windows, for the half plane kx >= 0.

    Each window loses its mean, gains unit variance and is weighted with a Hann window. The
    other half plane is the same by symmetry.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
        Any real dtype; NaN and infinite pixels count as the window's mean.

    Returns
    -------
    ndarray, shape (n, w, w // 2 + 1), float32
        Amplitude; ky in FFT order along axis 1, kx from 0 along axis 2, both in cycles per
        window. Zero for a constant window.
    """
    pixels = _standardised(windows)
    pixels *= _hann(pixels.shape[-1])
    spectrum = scipy.fft.rfft2(pixels, axes=(1, 2), workers=-1, overwrite_x=True)
    amplitude: Float32 = np.abs(spectrum)
    return amplitude


def _standardised(windows: NDArray[Any]) -> Float32:
    # Double precision, as small contrast may ride on a large offset.
    pixels = windows.astype(np.float64)
    finite = np.isfinite(pixels)
    pixels[~finite] = 0
    count = np.maximum(finite.sum(axis=(1, 2), keepdims=True), 1)
    pixels -= pixels.sum(axis=(1, 2), keepdims=True) / count
    pixels[~finite] = 0
    deviation = pixels.std(axis=(1, 2), keepdims=True)
    pixels /= np.where(deviation > 0, deviation, 1)
    return pixels.astype(np.float32)


@lru_cache(maxsize=16)
def _hann(size: int) -> Float32:
    taper = np.hanning(size).astype(np.float32)
    weights = taper[:, None] * taper
    weights.flags.writeable = False
    return weights
