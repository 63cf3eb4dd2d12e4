"""The spectrum as a picture, as the published network sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.spectrum.amplitude import half_amplitude

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 64


def cartesian_spectrum(windows: NDArray[Any]) -> NDArray[np.float32]:
    """Cut the low frequencies out of the FFT amplitude of windows.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
        Any window size and real dtype.

    Returns
    -------
    ndarray, shape (n, SIDE, SIDE), float32
        Amplitude from -SIDE / 2 to SIDE / 2 - 1 cycles per window along both axes, each
        window scaled to a range of 0 to 1 as in the original publication; zero beyond the
        Nyquist frequency and for a constant window.
    """
    amplitude = half_amplitude(windows)
    size = amplitude.shape[1]
    reach = min(SIDE // 2, (size - 1) // 2)
    rows = np.arange(-reach, reach)
    right = amplitude[:, rows % size, :reach]
    # |F(-k)| = |F(k)|: the missing half plane is the stored one, turned by 180 degrees.
    left = amplitude[:, -rows % size, reach:0:-1]
    spectrum = np.concatenate([left, right], axis=2)
    margin = SIDE // 2 - reach
    spectrum = np.pad(spectrum, ((0, 0), (margin, margin), (margin, margin)))
    brightest = spectrum.max(axis=(1, 2), keepdims=True)
    return np.asarray(spectrum / np.where(brightest > 0, brightest, 1), dtype=np.float32)
