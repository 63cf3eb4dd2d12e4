"""Log-polar spectra: a turn of the lattice is a shift along the angle, a zoom along the radius."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from napari_lattice_symmetry.spectrum.amplitude import half_amplitude

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float32 = NDArray[np.float32]

N_ANGLES = 96
N_RADII = 56
MIN_RADIUS = 3.0
MAX_RADIUS = 32.0

ANGLES = np.arange(N_ANGLES) * (180 / N_ANGLES) - 90
"""Directions in the spectrum in degrees from x towards y; the other 180 are the same."""

RADII = np.geomspace(MIN_RADIUS, MAX_RADIUS, N_RADII)
"""Spatial frequencies in cycles per window."""


def polar_spectrum(windows: NDArray[Any]) -> Float32:
    """Sample the FFT amplitude of windows on the log-polar grid.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
        Any window size and real dtype.

    Returns
    -------
    ndarray, shape (n, N_ANGLES, N_RADII), float32
        ``log1p`` of the amplitude, after scaling to unit mean square over the grid; zero
        beyond the Nyquist frequency and for a constant window.
    """
    amplitude = half_amplitude(windows)
    n, size, half = amplitude.shape
    sampled = (_sampling_matrix(size) @ amplitude.reshape(n, size * half).T).T
    sampled = np.ascontiguousarray(sampled)
    power = np.square(sampled).mean(axis=1, keepdims=True)
    sampled /= np.sqrt(np.where(power > 0, power, 1))
    spectra: Float32 = np.log1p(sampled).reshape(n, N_ANGLES, N_RADII)
    return spectra


@lru_cache(maxsize=16)
def _sampling_matrix(size: int) -> scipy.sparse.csr_array:
    """Bilinear weights from the half-plane amplitude of a window to the polar grid."""
    angle = np.deg2rad(ANGLES)[:, None]
    ky, kx = np.sin(angle) * RADII, np.cos(angle) * RADII
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
