"""Fourier coefficients of windows at any frequency, under weights that fall off at the edges.

Positions are counted from the window's center.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from napari_lattice_symmetry.spectrum.waves import transform

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]


MAX_INDEX = 8
"""Greatest h and k of a node."""

SIDE = 2 * MAX_INDEX + 1
NODES = np.stack(
    [each.ravel() for each in np.mgrid[-MAX_INDEX : MAX_INDEX + 1, -MAX_INDEX : MAX_INDEX + 1]],
    axis=-1,
)
"""Indices (h, k) of all nodes, shape (289, 2); the node i from the end is minus the node i."""

HALF = slice(len(NODES) // 2 + 1, None)
"""The nodes of one half plane; the others are their complex conjugates."""

MAX_FREQUENCY = 0.35
"""Cycles a pixel beyond which a lens or the pixels themselves leave nothing but noise."""

# Share of a window's side over which the weights of amplitudes fall off, both ends together: the
# more is even, the less noise; what this lets strong nodes leak into others is taken off.
_TAPER = 0.25
_CYCLES, _FINER = 48, 256  # how far out, and how fine, the spectrum of the weights is listed
_PASSES = 2
_CONVOLVED = scipy.fft.next_fast_len(2 * SIDE - 1)


def centered(windows: NDArray[Any]) -> tuple[NDArray[np.float32], Float, Float]:
    """Bring windows (n, w, w) to a mean of 0, under the Hann weights, and a deviation of 1.

    Single precision holds them in whatever unit they were. Also gives means and deviations.
    """
    pixels = windows.astype(np.float64)
    finite = np.isfinite(pixels)
    if not finite.all():
        pixels = np.where(finite, pixels, np.nan)
        pixels = np.where(finite, pixels, np.nanmean(pixels, axis=(1, 2), keepdims=True))
    mean = np.einsum("nyx,yx->n", pixels, hann_weights(pixels.shape[-1]))
    pixels = pixels - mean[:, np.newaxis, np.newaxis]
    deviation = np.sqrt(np.square(pixels).mean(axis=(1, 2)))
    deviation[deviation == 0] = 1
    return (pixels / deviation[:, np.newaxis, np.newaxis]).astype(np.float32), mean, deviation


@lru_cache(maxsize=16)
def hann_weights(size: int) -> NDArray[np.float32]:
    """Weigh the pixels of a window, with sum 1, by a Hann window that is even about its center."""
    taper = np.hanning(size)
    weights = (taper[:, np.newaxis] * taper / taper.sum() ** 2).astype(np.float32)
    weights.flags.writeable = False
    return np.asarray(weights)


@lru_cache(maxsize=16)
def even_weights(size: int) -> NDArray[np.float32]:
    """Weigh the pixels of a window, with sum 1, alike but for the edges (Tukey's window)."""
    # Without SciPy's own, which loads all of its statistics: 0.7 s of every command's start.
    from_edge = np.minimum(np.arange(size), np.arange(size)[::-1]) / (size - 1)
    taper = (1 - np.cos(np.pi * np.minimum(2 * from_edge / _TAPER, 1))) / 2
    weights = (taper[:, np.newaxis] * taper / taper.sum() ** 2).astype(np.float32)
    weights.flags.writeable = False
    return np.asarray(weights)


@cache
def noise_ratio(size: int) -> float:
    """Compare the power of noise under `even_weights` with that under `hann_weights`."""
    even, hann = (np.square(each(size)).sum() for each in (even_weights, hann_weights))
    return float(even / hann)


@lru_cache(maxsize=16)
def _axis_spectrum(size: int) -> Float:
    """List the spectrum of the weights along one axis, every `_FINER`-th of a cycle a window."""
    # Without SciPy's own, which loads all of its statistics: 0.7 s of every command's start.
    from_edge = np.minimum(np.arange(size), np.arange(size)[::-1]) / (size - 1)
    taper = (1 - np.cos(np.pi * np.minimum(2 * from_edge / _TAPER, 1))) / 2
    spectrum = scipy.fft.fft(taper, _FINER * size)[: _CYCLES * _FINER + 1]
    turns = np.arange(len(spectrum)) * (size - 1) / (2 * _FINER * size)
    listed = (spectrum * np.exp(2j * np.pi * turns)).real / taper.sum()
    listed[-1] = 0  # what is farther away leaks nothing
    return np.asarray(listed)


def leak(apart: Float, size: int) -> Float:
    """Return the share of a coefficient seen this far (..., 2) from it, in cycles a pixel."""
    listed = _axis_spectrum(size)
    index = np.rint(np.abs(apart) * (size * _FINER)).astype(np.intp)
    return np.asarray(listed[np.minimum(index, len(listed) - 1)].prod(axis=-1))


def _leak_kernel(basis: Float, size: int) -> Complex:
    """Transform what a node leaks into others, by the difference of indices."""
    steps = np.fft.fftfreq(_CONVOLVED, 1 / _CONVOLVED)
    h, k = np.meshgrid(steps, steps, indexing="ij")
    apart = np.stack([h, k], axis=-1) @ np.linalg.inv(basis).swapaxes(1, 2)[:, np.newaxis]
    return np.asarray(scipy.fft.fft2(leak(apart, size).astype(np.complex64)))


def _leaks(values: Complex, kernel: Complex) -> Complex:
    """Sum what all nodes, the own one too, leak into each: a convolution over their indices."""
    grid = np.zeros(kernel.shape, dtype=np.complex64)
    h, k = NODES.T % _CONVOLVED
    grid[:, h, k] = values
    return np.asarray(scipy.fft.ifft2(scipy.fft.fft2(grid) * kernel)[:, h, k])


def amplitudes(pixels: NDArray[np.float32], basis: Float) -> tuple[Complex, NDArray[np.bool_]]:
    """Fit the structure factors of windows by least squares, with `even_weights`.

    Parameters
    ----------
    pixels : ndarray, shape (n, w, w), float32
        As `centered` gives them.
    basis : ndarray, shape (n, 2, 2)
        Lattice vectors (x, y) in rows, in pixels.

    Returns
    -------
    values : ndarray, shape (n, 289), complex128
        At `NODES`; that of the node 0, 0 is what is left of the mean.
    seen : ndarray of bool, shape (n, 289)
        Nodes that are not beyond `MAX_FREQUENCY`; values are 0 at others.
    """
    size = pixels.shape[-1]
    frequency = NODES @ np.linalg.inv(basis).swapaxes(1, 2)
    seen = np.asarray(np.linalg.norm(frequency, axis=-1) < MAX_FREQUENCY)
    weighted = pixels * even_weights(size)
    half = np.zeros((len(pixels), len(NODES) // 2), dtype=np.complex128)
    near = seen[:, HALF].any(axis=0)
    half[:, near] = transform(weighted, frequency[:, HALF][:, near])
    mean = weighted.sum(axis=(1, 2))[:, np.newaxis]
    measured = np.concatenate([half[:, ::-1].conj(), mean, half], axis=1) * seen
    found, kernel = measured, _leak_kernel(basis, size)
    for _ in range(_PASSES):  # towards the solution of the normal equations
        found = found + seen * (measured - _leaks(found, kernel))
    return found, seen
