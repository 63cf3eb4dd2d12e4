"""Drawing atoms as images, exactly, at sub-pixel positions.

Atoms are spread onto the pixel grid with a cubic B-spline, whose transfer function is then
divided out while the Gaussian atom shape is multiplied in, both in Fourier space. A row of
the scan that is displaced sideways is a phase ramp along x, at no extra cost.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Float = NDArray[np.float64]

# Narrower atoms than this are not sampled by the pixels: they would alias.
MIN_SIGMA = 0.6


def draw_atoms(
    positions: Float,
    weights: Float,
    sigma: float,
    shape: tuple[int, int],
    row_shift: Float | None = None,
) -> Float:
    """Draw Gaussian atoms.

    Parameters
    ----------
    positions : ndarray, shape (n, 2)
        Atom centers (x, y) in pixels; those up to 4 `sigma` outside still reach in.
    weights : ndarray, shape (n,)
        Peak brightness of each atom.
    sigma : float
        Standard deviation of an atom in pixels, at least `MIN_SIGMA` (smaller is raised).
    shape : (int, int)
        Image size (Y, X).
    row_shift : ndarray, shape (Y,), optional
        Sideways displacement of each row in pixels (scan jitter).

    Returns
    -------
    ndarray, shape (Y, X), float64
        The image; an isolated atom of weight 1 peaks at 1.
    """
    sigma = max(sigma, MIN_SIGMA)
    shift = 0.0 if row_shift is None else float(np.abs(row_shift).max())
    pad = int(np.ceil(4 * sigma + shift)) + 3
    padded = tuple(scipy.fft.next_fast_len(n + 2 * pad, real=True) for n in shape)
    grid = _spread(positions + pad, weights, padded)

    transfer_y, transfer_x = (_atom_transfer(n, round(sigma, 3)) for n in padded)
    spectrum = scipy.fft.rfft2(grid, overwrite_x=True)
    spectrum *= transfer_y[:, None]
    spectrum *= transfer_x[: spectrum.shape[1]]
    rows = scipy.fft.ifft(spectrum, axis=0, overwrite_x=True)[pad : pad + shape[0]]
    if row_shift is not None:
        frequency = np.arange(rows.shape[1]) / padded[1]
        rows *= np.exp(-2j * np.pi * row_shift[:, None] * frequency)
    image: Float = scipy.fft.irfft(rows, padded[1], axis=1)
    return image[:, pad : pad + shape[1]]


def _spread(positions: Float, weights: Float, shape: tuple[int, ...]) -> Float:
    """Spread points (x, y) onto a grid with a 4 x 4 cubic B-spline each."""
    height, width = shape
    inside = np.all((positions >= 1) & (positions < [width - 2, height - 2]), axis=1)
    positions, weights = positions[inside], weights[inside]
    base = np.floor(positions).astype(np.intp)
    x, y = _cubic_spline(positions - base)
    taps = np.arange(-1, 3)
    index = (base[:, 1, None] + taps)[:, :, None] * width + (base[:, 0, None] + taps)[:, None, :]
    values = (y * weights[:, None])[:, :, None] * x[:, None, :]
    grid = np.bincount(index.ravel(), values.ravel(), minlength=height * width)
    return np.asarray(grid, dtype=np.float64).reshape(shape)


def _cubic_spline(fraction: Float) -> tuple[Float, Float]:
    """Weights of the four taps along x and along y, each of shape (n, 4)."""
    t = fraction
    rest = 1 - t
    weights = np.stack(
        [
            rest**3 / 6,
            2 / 3 - t**2 + t**3 / 2,
            2 / 3 - rest**2 + rest**3 / 2,
            t**3 / 6,
        ],
        axis=-1,
    )
    return weights[:, 0], weights[:, 1]


@lru_cache(maxsize=512)
def _atom_transfer(n: int, sigma: float) -> Float:
    """Fourier transform of the atom along one axis over that of the B-spline."""
    frequency = scipy.fft.fftfreq(n)
    gaussian = np.sqrt(2 * np.pi) * sigma * np.exp(-2 * (np.pi * sigma * frequency) ** 2)
    return np.asarray(gaussian / np.sinc(frequency) ** 4)


def scan_jitter(rows: int, amplitude: float, slow: bool, rng: np.random.Generator) -> Float:
    """Draw the sideways displacement of scan rows.

    Parameters
    ----------
    rows : int
        Number of rows.
    amplitude : float
        Root-mean-square displacement in pixels.
    slow : bool
        A slow wander from row to row instead of white noise.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (rows,)
        Displacements in pixels.
    """
    shift = rng.standard_normal(rows)
    if slow:
        shift = np.cumsum(shift)
        # A straight line is a shear of the lattice, which drift already is.
        shift -= np.polyval(np.polyfit(np.arange(rows), shift, 1), np.arange(rows))
    deviation = shift.std()
    return np.asarray(shift * (amplitude / deviation if deviation > 0 else 0.0))


def count_electrons(image: Float, counts: float, rng: np.random.Generator) -> Float:
    """Draw Poisson counts of `image`, `counts` a pixel where it is brightest.

    Returns
    -------
    ndarray, shape (Y, X), float64
        Counts; all zero for an image without brightness.
    """
    image = np.clip(image, 0, None)
    brightest = float(image.max()) or 1.0
    return rng.poisson(image * (counts / brightest)).astype(np.float64)
