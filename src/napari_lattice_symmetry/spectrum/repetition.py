"""The shortest shift that repeats an image, from its autocorrelation."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from napari_lattice_symmetry.spectrum.amplitude import analyzable, half_amplitude
from napari_lattice_symmetry.spectrum.grid import WindowGrid

# Slower variations than this many cycles a window are background, not lattice.
_MIN_FREQUENCY = 3.0
_MIN_PERIOD = 2.5
# A lattice vector repeats the image about as well as its double and its neighbors do.
_AS_GOOD_AS_BEST = 0.6
# Below this correlation with its best repetition an image has no lattice.
_MIN_CORRELATION = 0.12
# Along fringes the correlation stays above this share of that of a repetition; at other lattice
# points than the first ones it is this share at least.
_LINE, _FARTHER = 0.5, 0.5
_MAX_WINDOWS = 16


def shortest_repetition(frame: NDArray[Any], window: int = 256) -> float | None:
    """Estimate the shortest lattice vector of a frame, from its autocorrelation.

    The median over windows. Harmonics stronger than the first order and several atoms a cell
    do not mislead it: only a whole lattice vector repeats the image.

    Parameters
    ----------
    frame : ndarray, shape (Y, X)
        Any real dtype.
    window : int
        Side of the windows that are looked at, at most the frame's.

    Returns
    -------
    float or None
        Period in pixels; None where nothing repeats in at least half of the windows.
    """
    size = min(window, *frame.shape)
    grid = WindowGrid((frame.shape[0], frame.shape[1]), size, max(1, size // 2))
    windows = grid.windows(frame).reshape(-1, size, size)
    windows = windows[:: -(-len(windows) // _MAX_WINDOWS)]
    windows = windows[analyzable(windows)]
    if not len(windows):
        return None
    # Window by window, as grains that are turned against each other share no repetition.
    periods = [_shortest_of(correlation) for correlation in _autocorrelations(windows)]
    found = [period for period in periods if period is not None]
    return float(np.median(found)) if 2 * len(found) >= len(periods) else None


def _autocorrelations(windows: NDArray[Any]) -> NDArray[np.float64]:
    """Autocorrelation of each window, lag 0 in the center, up to a quarter of the window."""
    size = windows.shape[-1]
    power = np.square(half_amplitude(windows), dtype=np.float64)
    ky, kx = scipy.fft.fftfreq(size, 1 / size)[:, None], scipy.fft.rfftfreq(size, 1 / size)
    power *= 1 - np.exp(-(((ky**2 + kx**2) / _MIN_FREQUENCY**2) ** 2))
    correlation = scipy.fft.fftshift(scipy.fft.irfft2(power, (size, size)), axes=(1, 2))
    center, reach = size // 2, size // 4
    near = slice(center - reach, center + reach + 1)
    # The Hann window makes far lags look weaker than they are.
    taper = np.hanning(size)
    overlap = np.convolve(taper, taper)[size - 1 - reach : size + reach]
    return np.asarray(correlation[:, near, near] / (overlap[:, None] * overlap))


def _shortest_of(correlation: NDArray[np.float64]) -> float | None:
    if not correlation.any():
        return None
    vectors, heights = _repetitions(correlation)
    lags = np.linalg.norm(vectors, axis=1)
    if not len(heights) or heights.max() < _MIN_CORRELATION:
        return None
    within_twice = lags <= 2.2 * lags[:, np.newaxis]
    best = np.where(within_twice, heights, 0).max(axis=1)
    shortest = np.where((heights >= _AS_GOOD_AS_BEST * best) & (heights >= _MIN_CORRELATION))[0]
    first = shortest[lags[shortest].argmin()]
    if not _is_two_dimensional(correlation, vectors, heights, first):
        return None
    return float(lags[first])


def _is_two_dimensional(
    correlation: NDArray[np.float64],
    vectors: NDArray[np.float64],
    heights: NDArray[np.float64],
    first: int,
) -> bool:
    """Return whether a lattice repeats, neither lines (fringes) nor neighbors alone (a liquid)."""
    length = np.linalg.norm(vectors[first])
    across = np.abs(vectors @ [-vectors[first, 1], vectors[first, 0]]) / length
    others = np.where((across > 0.4 * length) & (heights >= _AS_GOOD_AS_BEST * heights[first]))[0]
    if not others.size:
        return False
    second = vectors[others[np.linalg.norm(vectors[others], axis=1).argmin()]]
    # Along a line the correlation never falls; between the atoms of a lattice it does.
    angle = np.deg2rad(np.arange(0, 180, 2))[:, np.newaxis]
    radius = np.linspace(0.3, 1.5, 25) * length
    along = _at(correlation, np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=-1))
    if along.min(axis=1).max() > _LINE * heights[first]:
        return False
    farther = np.array([[2, 0], [0, 2], [1, 1], [1, -1], [2, 1], [1, 2]])
    there = _at(correlation, farther @ np.stack([vectors[first], second]))
    return bool(np.median(there) > _FARTHER * heights[first])


def _at(correlation: NDArray[np.float64], lags: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the correlation relative to lag 0 at lags (..., 2) along y and x."""
    center = correlation.shape[0] // 2
    places = np.moveaxis(lags + center, -1, 0)
    found = scipy.ndimage.map_coordinates(correlation, places, order=1, mode="nearest")
    return np.asarray(found / correlation[center, center])


def _repetitions(
    correlation: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """List lags (n, 2) and heights (relative to lag 0) of the maxima of an autocorrelation."""
    center = correlation.shape[0] // 2
    smooth = scipy.ndimage.gaussian_filter(correlation, 0.7)
    highest = scipy.ndimage.maximum_filter(smooth, 5) == smooth
    highest[[0, -1]] = highest[:, [0, -1]] = False
    rows, columns = np.nonzero(highest)
    at = smooth[rows, columns]
    dy = rows - center + _parabola(smooth[rows - 1, columns], at, smooth[rows + 1, columns])
    dx = columns - center + _parabola(smooth[rows, columns - 1], at, smooth[rows, columns + 1])
    vectors = np.column_stack([dy, dx])
    far = np.hypot(dy, dx) >= _MIN_PERIOD
    return vectors[far], at[far] / smooth[center, center]


def _parabola(
    before: NDArray[np.float64], at: NDArray[np.float64], after: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Place the top of the parabola through three neighbors, relative to the middle one."""
    curvature = before - 2 * at + after
    return np.asarray(0.5 * (before - after) / np.where(curvature < 0, curvature, -np.inf))
