"""Peaks of FFT amplitudes: where they lie between the bins, how far above the noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.spectrum.amplitude import half_spectrum, standardized
from napari_lattice_symmetry.spectrum.waves import sharpened

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Index = NDArray[np.intp]
Complex64 = NDArray[np.complex64]

MAX_PEAKS = 40
"""How many peaks are listed for a window, the clearest first."""

MIN_SIGNIFICANCE = 3.2
"""Height over the noise from which a local maximum is listed."""

PART = 32
"""Windows taken at a time: they stay in the processor's cache."""

# Slower variations than this many cycles a window are background, not lattice.
_MIN_FREQUENCY = 2.5
# Half width, in bins, of the main lobe that a Hann window makes of a wave.
_LOBE = 2
_LEFT = _LOBE  # so many columns of negative kx are looked at, beside those of zero
# Its side lobes stay below these shares of the wave's height, within two lobes and beyond.
_NEAR_SIDE_LOBES, _FAR_SIDE_LOBES = 0.04, 0.01
# Rounding errors of single precision, as a share of the highest peak.
_ROUNDING = 1e-6
# The noise is read off a low quantile of amplitudes, as spots crowd the low frequencies.
_QUANTILE = 0.25
_QUANTILE_OF_NOISE = float(np.sqrt(-np.log(1 - _QUANTILE)))
# Diffuse intensity is looked at around so many peaks, from so clear ones on, this far from them.
_DIFFUSE_PEAKS, _DIFFUSE_CLEAR, _MIN_DIFFUSE = 12, 6.0, 0.1
_AROUND = np.array(
    [
        [x, y]
        for x in range(6)
        for y in range(-5, 6)
        if max(x, abs(y)) >= _LOBE + 1 and x * x + y * y <= 25 and (x > 0 or y > 0)
    ]
)
# Standard deviation of a position, in bins, times the significance of the peak: 0.31 for a wave in
# white noise; where atoms are bright their own noise makes the peaks of a lattice err together.
_POSITION_ERROR = 0.33


@dataclass(frozen=True, eq=False)
class Peaks:
    """Peaks of n windows in k columns, the clearest first, then none.

    Parameters
    ----------
    position : ndarray, shape (n, k, 2), float64
        (kx, ky) in cycles per window; of a peak and its mirror image only one is listed.
    significance : ndarray, shape (n, k), float64
        Height over the root-mean-square noise at the same frequency; 0 for no peak.
    height : ndarray, shape (n, k), float64
        FFT amplitude; 0 for no peak.
    diffuse : ndarray, shape (n, k), float64
        Share of the noise power that is above the white level: what disorder scatters.
    displaced : ndarray, shape (n,), float64
        How much of that is scattered by displaced atoms, which moves spots: from 0 (none of it,
        atoms are missing) to 2 (all of it); 1 where that is not known.
    """

    position: Float
    significance: Float
    height: Float
    diffuse: Float
    displaced: Float

    @property
    def variance(self) -> Float:
        """Variance (n, k) of each coordinate by noise, in squared cycles per window."""
        return (_POSITION_ERROR / np.maximum(self.significance, 1)) ** 2

    def of(self, windows: Index | slice) -> Peaks:
        """Return the peaks of some windows, by their indices."""
        return Peaks(*(getattr(self, field.name)[windows] for field in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[Peaks]) -> Peaks:
        """Join the peaks of some windows and of others."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def first(self, k: int) -> Peaks:
        """Return the first `k` columns."""
        significance, height, diffuse = (
            each[:, :k] for each in (self.significance, self.height, self.diffuse)
        )
        return Peaks(self.position[:, :k], significance, height, diffuse, self.displaced)


def find_peaks(windows: NDArray[Any]) -> Peaks:
    """Find the peaks in the apodized FFT amplitude of windows.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
        Any real dtype; NaN and infinite pixels count as the window's mean.
    """
    starts = range(0, max(len(windows), 1), PART)
    parts = (standardized(windows[at : at + PART]) for at in starts)
    return Peaks.joined([peaks_in(pixels, half_spectrum(pixels)) for pixels in parts])


def peaks_in(pixels: Float32, spectrum: Complex64) -> Peaks:
    """Find the peaks of `standardized` windows (n, w, w) in what `half_spectrum` gives of them."""
    amplitude = _centered_amplitude(spectrum)
    n, rows, columns = amplitude.shape
    middle = rows // 2
    searched = amplitude * _searched(rows, columns)
    highest = searched.max(axis=(1, 2), keepdims=True)
    noise = np.maximum(_noise(amplitude), _ROUNDING * highest)
    limit = np.maximum(MIN_SIGNIFICANCE * noise, _FAR_SIDE_LOBES * highest)
    high = np.zeros(amplitude.shape, dtype=bool)
    right = searched[..., _LEFT:]
    np.greater(right[:, middle:], limit, out=high[:, middle:, _LEFT:])
    np.greater(right[:, :middle], limit[:, :0:-1], out=high[:, :middle, _LEFT:])
    # Few bins are high, and fewer the highest around: those at hand are asked first.
    place = np.flatnonzero(high)
    for share, among, reach in (
        (1, amplitude, 1),
        (1, amplitude, _LOBE),
        (_NEAR_SIDE_LOBES, searched, 2 * _LOBE),
    ):
        place = place[np.take(amplitude, place) >= share * _highest_around(among, place, reach)]

    window, row, column = np.unravel_index(place, amplitude.shape)
    level = noise[window, np.abs(row - middle), column - _LEFT].astype(np.float64)
    significance = amplitude[window, row, column] / level
    count = np.bincount(window, minlength=n)
    order = np.lexsort((-significance, window))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)

    white = noise.min(axis=(1, 2))[window]
    x, y, height = _refined(amplitude, window, row, column)
    kept = rank < MAX_PEAKS
    table = np.zeros((5, n, MAX_PEAKS))
    values = x, y, significance, height, 1 - (white / level) ** 2
    table[:, window[kept], rank[kept]] = np.stack(values)[:, kept]
    position, (significance, heights, diffuse) = np.moveaxis(table[:2], 0, -1), table[2:]
    most = slice(count.max(initial=0))
    position[:, most] = sharpened(pixels, position[:, most], significance[:, most] > 0)
    peaks = Peaks(position, significance, heights, diffuse, displaced=np.ones(n))
    _measure_displaced(peaks, spectrum, noise)
    return peaks


def _measure_displaced(peaks: Peaks, spectrum: Complex64, noise: Float32) -> None:
    """Measure how odd the diffuse intensity around the clearest peaks is.

    Beside a spot at G and in its phase, displaced atoms scatter amplitudes D with
    D(G + q) = -conj(D(G - q)), and missing ones with D(G + q) = conj(D(G - q)): the mean of
    D(G + q) D(G - q) is -1 or 1 of that of abs(D)**2. White noise does one as much as the other.
    """
    n, size, _ = spectrum.shape
    window, rank = np.nonzero(peaks.significance[:, :_DIFFUSE_PEAKS] >= _DIFFUSE_CLEAR)
    if not window.size:
        return
    fine = peaks.position[window, rank]
    middle, twice = (np.rint(each).astype(np.intp) for each in (fine, 2 * fine))
    forth = middle[:, np.newaxis] + _AROUND
    back = twice[:, np.newaxis] - forth
    reach = (size - 1) // 2
    inside = ((np.abs(forth) <= reach) & (np.abs(back) <= reach)).all(axis=-1)

    def bins(place: Index) -> tuple[Complex64, NDArray[np.bool_]]:
        """Return what is in bins, in units of the noise, and whether that may be diffuse."""
        side = np.where(place[..., 0] < 0, -1, 1)
        x, y = (np.clip(side * place[..., i], -reach, reach) for i in (0, 1))
        at = window.reshape(-1, *[1] * (x.ndim - 1))
        value = spectrum[at, y, x] / noise[at, np.abs(y), x]
        return np.where(side < 0, np.conj(value), value), np.abs(value) < MIN_SIGNIFICANCE

    # Phases are those about the center of the window.
    turn = np.exp(1j * np.pi * (size - 1) / size * (twice - 2 * middle).sum(axis=1))
    turn *= np.exp(-2j * np.angle(bins(middle)[0]))
    (ahead, low_ahead), (behind, low_behind) = bins(forth), bins(back)
    used = inside & low_ahead & low_behind
    product = (ahead * behind * used).sum(axis=1) * turn
    power = ((np.square(np.abs(ahead)) + np.square(np.abs(behind))) * used).sum(axis=1)
    even, power = (np.bincount(window, each, n) for each in (2 * product.real, power))
    total = np.bincount(window, peaks.diffuse[window, rank], n)
    diffuse = total / np.maximum(np.bincount(window, minlength=n), 1)
    known = (power > 0) & (diffuse > _MIN_DIFFUSE)
    peaks.displaced[known] = np.clip(1 - even[known] / power[known] / diffuse[known], 0, 2)


def _centered_amplitude(half: Complex64) -> Float32:
    """Put ky = 0 into the middle row and some columns of negative kx before column 0."""
    n, size, columns = half.shape
    reach = (size - 1) // 2
    amplitude = np.empty((n, 2 * reach + 1, _LEFT + columns), np.float32)
    np.abs(half[:, : reach + 1], out=amplitude[:, reach:, _LEFT:])
    np.abs(half[:, -reach:], out=amplitude[:, :reach, _LEFT:])
    amplitude[..., :_LEFT] = amplitude[:, ::-1, 2 * _LEFT : _LEFT : -1]
    return amplitude


@lru_cache(maxsize=16)
def _frequencies(rows: int, columns: int) -> tuple[Index, Index]:
    """(ky, kx) of the rows and columns of `_centered_amplitude`."""
    return np.arange(rows)[:, np.newaxis] - rows // 2, np.arange(columns) - _LEFT


@lru_cache(maxsize=16)
def _searched(rows: int, columns: int) -> Float32:
    """Return 1 where peaks are looked for, half a plane without its center and its rim; else 0."""
    ky, kx = _frequencies(rows, columns)
    half = (kx > 0) | ((kx == 0) & (ky > 0))
    highest = rows // 2 - _LOBE
    inside = (np.abs(ky) <= highest) & (kx <= highest)
    return np.asarray(half & inside & (np.hypot(ky, kx) >= _MIN_FREQUENCY), dtype=np.float32)


def _highest_around(amplitude: Float32, place: Index, reach: int) -> Float32:
    """Maximum over the square of +-`reach` bins around bins given by their flat indices.

    Where that runs over the rim, it meets bins that are not searched.
    """
    step = np.arange(-reach, reach + 1)
    around = (step[:, np.newaxis] * amplitude.shape[2] + step).ravel()
    highest: Float32 = np.take(amplitude, place[:, np.newaxis] + around, mode="clip").max(axis=1)
    return highest


def _noise(amplitude: Float32) -> Float32:
    """Root-mean-square noise at the bins of a quarter, ky and kx from 0.

    From rings of one frequency and from columns, equal for ky and -ky.
    """
    n, rows, columns = amplitude.shape
    order, starts, inner, fraction = _rings(rows, columns)
    rings = np.take(amplitude.reshape(n, rows * columns), order, axis=1, mode="clip")
    for ring in np.split(rings, starts[1:], axis=1):
        ring.sort(axis=1)
    levels = _levels(rings, starts)
    radial = np.take(np.diff(levels, axis=1), inner, axis=1, mode="clip")
    radial *= fraction
    radial += np.take(levels, inner, axis=1, mode="clip")
    # Noise from row to row of a scan is white along ky; far out no spots hide it. As that of a
    # single column is known to some 10 %, it counts where it is clearly the higher one.
    right, far = amplitude[..., _LEFT:], rows // 4
    outer = np.concatenate([right[:, :far], right[:, -far:]], axis=1).swapaxes(1, 2)
    streaks = _levels(np.sort(outer, axis=2).reshape(-1, 2 * far), np.zeros(1, np.intp))
    noise: Float32 = radial.reshape(n, rows - rows // 2, columns - _LEFT)
    np.maximum(noise, 0.85 * streaks.reshape(n, 1, columns - _LEFT), out=noise)
    return noise


def _levels(ascending: Float32, starts: Index) -> Float32:
    """Root-mean-square noise of groups of amplitudes (n, m), each sorted; some belong to spots."""
    m = np.diff(starts, append=ascending.shape[1])
    level = ascending[:, starts + (_QUANTILE * m).astype(np.intp)] / _QUANTILE_OF_NOISE
    low = ascending <= np.repeat(np.float32(MIN_SIGNIFICANCE) * level, m, axis=1)
    noise_alone = np.add.reduceat(low, starts, axis=1, dtype=np.intp)
    place = starts + (_QUANTILE * noise_alone).astype(np.intp)
    return np.asarray(np.take_along_axis(ascending, place, axis=1) / _QUANTILE_OF_NOISE, np.float32)


@lru_cache(maxsize=16)
def _rings(rows: int, columns: int) -> tuple[Index, Index, Index, Float32]:
    """Bins ring by ring, where rings start; for a quarter's bins the ring inside, how far on."""
    ky, kx = _frequencies(rows, columns)
    radius = np.where(kx >= 0, np.hypot(ky, kx), np.inf)
    edges = [_MIN_FREQUENCY]
    while edges[-1] < rows / 2:
        edges.append(edges[-1] + max(2.0, 0.12 * edges[-1]))
    rings = [np.flatnonzero((radius >= low) & (radius < high)) for low, high in pairwise(edges)]
    starts = np.cumsum([0, *(len(ring) for ring in rings[:-1])])
    centers = (np.array(edges[:-1]) + edges[1:]) / 2
    quarter = radius[rows // 2 :, _LEFT:].ravel()
    place = np.interp(quarter, centers, np.arange(len(centers)))
    inner = np.minimum(place.astype(np.intp), len(centers) - 2)
    return np.concatenate(rings), starts, inner, (place - inner).astype(np.float32)


def _refined(
    amplitude: Float32, window: Index, row: Index, column: Index
) -> tuple[Float, Float, Float]:
    """Place peaks between the bins; gives kx, ky and heights.

    A wave under a Hann window whose frequency lies d bins from the highest bin m gives its
    neighbors such heights l and r that d = 2 (r - l) / (l + 2 m + r), exactly where the
    window's period is its length N. That of `numpy.hanning` is N - 1, hence the last factor.
    """
    _, rows, columns = amplitude.shape

    def at(dy: int, dx: int) -> Float:
        return amplitude[window, row + dy, column + dx].astype(np.float64)

    def offset(before: Float, after: Float) -> Float:
        shift = 2 * (after - before) / (before + 2 * middle + after)
        return np.asarray(np.clip(shift * (1 + 1.36 / rows), -0.5, 0.5))

    middle = at(0, 0)
    x, y = offset(at(0, -1), at(0, 1)), offset(at(-1, 0), at(1, 0))
    lobe = np.sinc(x) / (1 - x**2) * np.sinc(y) / (1 - y**2)
    ky, kx = _frequencies(rows, columns)
    return kx[column] + x, ky[row, 0] + y, middle / lobe
