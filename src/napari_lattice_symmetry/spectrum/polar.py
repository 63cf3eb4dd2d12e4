"""Log-polar spectra: a turn of the lattice is a shift along the angle, a zoom along the radius."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.spectrum.amplitude import half_amplitude
from napari_lattice_symmetry.spectrum.sampling import (
    Key,
    cubic,
    distortion_key,
    sampling_weights,
    seen_frequencies,
)

if TYPE_CHECKING:
    import scipy.sparse

Float32 = NDArray[np.float32]

N_ANGLES = 96
N_RADII = 56
MIN_RADIUS = 3.0
MAX_RADIUS = 32.0

ANGLES = np.arange(N_ANGLES) * (180 / N_ANGLES) - 90
"""Directions in the spectrum in degrees from x towards y; the other 180 are the same."""

RADII = np.geomspace(MIN_RADIUS, MAX_RADIUS, N_RADII)
"""Spatial frequencies in cycles per window."""


def polar_spectrum(windows: NDArray[Any], distortion: NDArray[np.float64] | None = None) -> Float32:
    """Sample the FFT amplitude of windows on the log-polar grid.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
        Any window size and real dtype.
    distortion : ndarray, shape (2, 2), optional
        What the scan did to positions, ``seen = distortion @ true``; the spectrum is sampled
        as that of the undistorted image.

    Returns
    -------
    ndarray, shape (n, N_ANGLES, N_RADII), float32
        ``log(1 + amplitude)``, after scaling to unit mean square over the grid; zero
        beyond the Nyquist frequency and for a constant window.

    Raises
    ------
    InputError
        If `distortion` is no invertible (2, 2) matrix.
    """
    _, columns = _sampling(windows.shape[-1], distortion_key(distortion))
    return polar_of_amplitude(half_amplitude(windows, columns), distortion)


def polar_of_amplitude(
    amplitude: Float32, distortion: NDArray[np.float64] | None = None
) -> Float32:
    """Sample amplitudes (n, w, columns), as `half_amplitude` gives them, as `polar_spectrum` does.

    Parameters
    ----------
    amplitude : ndarray, shape (n, w, columns)
        Of as many columns as are needed, or all.
    distortion : ndarray, shape (2, 2), optional
        As in `polar_spectrum`.
    """
    matrix, columns = _sampling(amplitude.shape[1], distortion_key(distortion))
    n = len(amplitude)
    sampled = np.ascontiguousarray((matrix @ amplitude[..., :columns].reshape(n, -1).T).T)
    np.maximum(sampled, 0, out=sampled)  # beside a peak cubic weights undershoot
    power = np.square(sampled).mean(axis=1, keepdims=True)
    sampled /= np.sqrt(np.where(power > 0, power, 1))
    sampled += 1
    np.log(sampled, out=sampled)  # five times faster than log1p: NumPy vectorizes it
    return sampled.reshape(n, N_ANGLES, N_RADII)


@lru_cache(maxsize=16)
def _sampling(size: int, distortion: Key) -> tuple[scipy.sparse.csr_array, int]:
    """Weights from the half-plane amplitude to the polar grid, and the columns that they need."""
    angle = np.deg2rad(ANGLES)[:, None]
    frequencies = seen_frequencies(np.sin(angle) * RADII, np.cos(angle) * RADII, distortion)
    weights = sampling_weights(*frequencies, size, cubic)
    half = size // 2 + 1
    columns = int((weights.indices % half).max()) + 1
    needed = np.arange(size)[:, None] * half + np.arange(columns)
    return weights[:, needed.ravel()], columns
