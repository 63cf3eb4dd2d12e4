"""The spectrum as a picture, as the published network sees it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.spectrum.amplitude import half_amplitude
from napari_lattice_symmetry.spectrum.sampling import (
    Key,
    distortion_key,
    linear,
    sampling_weights,
    seen_frequencies,
)

if TYPE_CHECKING:
    import scipy.sparse

SIDE = 64

_EDGE = SIDE / 2
EXTENT = (-_EDGE - 0.5, _EDGE - 0.5, _EDGE - 0.5, -_EDGE - 0.5)
"""Left, right, bottom and top of the picture, in cycles per window."""


def cartesian_spectrum(
    windows: NDArray[Any], distortion: NDArray[np.float64] | None = None
) -> NDArray[np.float32]:
    """Cut the low frequencies out of the FFT amplitude of windows.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
        Any window size and real dtype.
    distortion : ndarray, shape (2, 2), optional
        What the scan did to positions, ``seen = distortion @ true``; the spectrum is sampled
        as that of the undistorted image.

    Returns
    -------
    ndarray, shape (n, SIDE, SIDE), float32
        Amplitude from -SIDE / 2 to SIDE / 2 - 1 cycles per window along both axes, each
        window scaled to a range of 0 to 1 as in the original publication; zero beyond the
        Nyquist frequency and for a constant window.

    Raises
    ------
    InputError
        If `distortion` is no invertible (2, 2) matrix.
    """
    return cartesian_of_amplitude(half_amplitude(windows), distortion)


def cartesian_of_amplitude(
    amplitude: NDArray[np.float32], distortion: NDArray[np.float64] | None = None
) -> NDArray[np.float32]:
    """Cut amplitudes (n, w, w // 2 + 1), as `half_amplitude` gives them, as the picture."""
    spectrum = _unscaled(amplitude, distortion)
    brightest = spectrum.max(axis=(1, 2), keepdims=True)
    return np.asarray(spectrum / np.where(brightest > 0, brightest, 1), dtype=np.float32)


def unscaled_spectrum(
    windows: NDArray[Any], distortion: NDArray[np.float64] | None = None
) -> NDArray[np.float32]:
    """Cut the low frequencies out as `cartesian_spectrum` does, and leave amplitudes as they are.

    Those of a window that holds two grains are the sum of theirs, each by its share.
    """
    return _unscaled(half_amplitude(windows), distortion)


def _unscaled(
    amplitude: NDArray[np.float32], distortion: NDArray[np.float64] | None
) -> NDArray[np.float32]:
    key = distortion_key(distortion)
    return _cut(amplitude) if key is None else _sampled(amplitude, key)


def _cut(amplitude: NDArray[np.float32]) -> NDArray[np.float32]:
    size = amplitude.shape[1]
    reach = min(SIDE // 2, (size - 1) // 2)
    rows = np.arange(-reach, reach)
    right = amplitude[:, rows % size, :reach]
    # |F(-k)| = |F(k)|: the missing half plane is the stored one, turned by 180 degrees.
    left = amplitude[:, -rows % size, reach:0:-1]
    spectrum = np.concatenate([left, right], axis=2)
    margin = SIDE // 2 - reach
    return np.pad(spectrum, ((0, 0), (margin, margin), (margin, margin)))


def _sampled(amplitude: NDArray[np.float32], distortion: Key) -> NDArray[np.float32]:
    n, size, half = amplitude.shape
    sampled = (_sampling_matrix(size, distortion) @ amplitude.reshape(n, size * half).T).T
    return np.asarray(sampled.reshape(n, SIDE, SIDE))


@lru_cache(maxsize=16)
def _sampling_matrix(size: int, distortion: Key) -> scipy.sparse.csr_array:
    """Weights from the half-plane amplitude of a window to the cut."""
    ky, kx = np.mgrid[-SIDE // 2 : SIDE // 2, -SIDE // 2 : SIDE // 2].astype(np.float64)
    return sampling_weights(*seen_frequencies(ky, kx, distortion), size, linear)
