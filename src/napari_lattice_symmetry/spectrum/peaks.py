"""Peaks of FFT amplitudes: where they lie between the bins, how far above the noise."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.spectrum.amplitude import half_spectrum

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Index = NDArray[np.intp]
Complex64 = NDArray[np.complex64]

MIN_COLUMNS, MAX_PEAKS = 8, 40
"""How many peaks are listed for a window, the clearest first."""

MIN_SIGNIFICANCE = 3.2
"""Height over the noise from which a local maximum is listed."""

# Slower variations than this many cycles a window are background, not lattice.
_MIN_FREQUENCY = 2.5
# Half width, in bins, of the main lobe that a Hann window makes of a wave.
_LOBE = 2
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
# Standard deviation of a refined position, in bins, times the significance of the peak: 0.61 for
# a peak on a bin, 0.68 for one halfway between two.
_POSITION_ERROR = 0.65


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

    def of(self, windows: Index) -> Peaks:
        """Give the peaks of some windows, by their indices."""
        return Peaks(*(getattr(self, field.name)[windows] for field in fields(self)))


def find_peaks(windows: NDArray[Any]) -> Peaks:
    """Find the peaks in the apodized FFT amplitude of windows.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
        Any real dtype; NaN and infinite pixels count as the window's mean.
    """
    spectrum = _centered(half_spectrum(windows))
    amplitude = np.abs(spectrum)
    n, rows, columns = amplitude.shape
    searched = amplitude * _searched(rows, columns)
    highest = searched.max(axis=(1, 2), keepdims=True)
    noise = np.maximum(_noise(amplitude), _ROUNDING * highest)
    limit = np.maximum(MIN_SIGNIFICANCE * noise, _FAR_SIDE_LOBES * highest)
    np.maximum(limit, _NEAR_SIDE_LOBES * _highest_within(searched, 2 * _LOBE), out=limit)
    found = (searched > limit) & (searched == _highest_within(amplitude, _LOBE))

    window, row, column = np.nonzero(found)
    level = noise[found].astype(np.float64)
    significance = amplitude[found] / level
    count = np.bincount(window, minlength=n)
    order = np.lexsort((-significance, window))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    kept = rank < MAX_PEAKS
    place = window[kept], rank[kept]

    x, y, height = _refined(amplitude, window[kept], row[kept], column[kept])
    white = noise.min(axis=(1, 2))[window]
    values = x, y, significance[kept], height, (1 - (white / level) ** 2)[kept]
    table = np.zeros((5, n, int(np.clip(count.max(initial=0), MIN_COLUMNS, MAX_PEAKS))))
    for cells, value in zip(table, values, strict=True):
        cells[place] = value
    position, (significance, heights, diffuse) = np.moveaxis(table[:2], 0, -1), table[2:]
    peaks = Peaks(position, significance, heights, diffuse, displaced=np.ones(n))
    _measure_displaced(peaks, spectrum, noise)
    return peaks


def _measure_displaced(peaks: Peaks, spectrum: Complex64, noise: Float32) -> None:
    """Measure how odd the diffuse intensity around the clearest peaks is.

    Beside a spot at G and in its phase, displaced atoms scatter amplitudes D with
    D(G + q) = -conj(D(G - q)), and missing ones with D(G + q) = conj(D(G - q)). White noise does
    one as much as the other.
    """
    n, rows, columns = spectrum.shape
    window, rank = np.nonzero(peaks.significance[:, :_DIFFUSE_PEAKS] >= _DIFFUSE_CLEAR)
    if not window.size:
        return
    fine = peaks.position[window, rank] + [_LOBE + 1, rows // 2]  # column, row
    middle = np.rint(fine).astype(np.intp)
    forth = middle[:, np.newaxis] + _AROUND
    back = np.rint(2 * fine).astype(np.intp)[:, np.newaxis] - forth
    size = [columns, rows]
    inside = ((forth >= 0) & (forth < size) & (back >= 0) & (back < size)).all(axis=-1)
    at = window[:, np.newaxis]

    def bins(place: Index) -> tuple[NDArray[np.complex128], NDArray[np.bool_]]:
        """Give what is in bins, in units of the noise, and whether that may be diffuse."""
        x, y = (np.clip(place[..., i], 0, size[i] - 1) for i in (0, 1))
        # Phases are those about the center of the window.
        turn = np.exp(1j * np.pi * (rows - 1) / rows * (x + y - (_LOBE + 1) - rows // 2))
        value = spectrum[at, y, x] / noise[at, y, x] * turn
        return value, np.abs(value) < MIN_SIGNIFICANCE

    phase = np.exp(-1j * np.angle(bins(middle[:, np.newaxis])[0]))
    (ahead, low_ahead), (behind, low_behind) = bins(forth), bins(back)
    used = inside & low_ahead & low_behind
    mirrored = np.conj(behind * phase)
    odd, even = (
        np.bincount(window, (np.square(np.abs(ahead * phase + sign * mirrored)) * used).sum(1), n)
        for sign in (-1, 1)
    )
    total = np.bincount(window, peaks.diffuse[window, rank], n)
    diffuse = total / np.maximum(np.bincount(window, minlength=n), 1)
    known = (odd + even > 0) & (diffuse > _MIN_DIFFUSE)
    share = 2 * odd[known] / (odd + even)[known]
    peaks.displaced[known] = np.clip((share - 1) / diffuse[known] + 1, 0, 2)


def _centered(half: Complex64) -> Complex64:
    """Put ky = 0 into the middle row and some columns of negative kx before column 0."""
    size = half.shape[1]
    reach = (size - 1) // 2
    rows = np.arange(-reach, reach + 1)
    left = np.conj(half[:, -rows % size, _LOBE + 1 : 0 : -1])
    return np.concatenate([left, half[:, rows % size]], axis=2)


@lru_cache(maxsize=16)
def _frequencies(rows: int, columns: int) -> tuple[Index, Index]:
    """(ky, kx) of the rows and columns of `_centered` amplitudes."""
    return np.arange(rows)[:, np.newaxis] - rows // 2, np.arange(columns) - (_LOBE + 1)


@lru_cache(maxsize=16)
def _searched(rows: int, columns: int) -> NDArray[np.bool_]:
    """Tell where peaks are looked for: half a plane without its center and its rim."""
    ky, kx = _frequencies(rows, columns)
    half = (kx > 0) | ((kx == 0) & (ky > 0))
    highest = rows // 2 - _LOBE
    inside = (np.abs(ky) <= highest) & (kx <= highest)
    return np.asarray(half & inside & (np.hypot(ky, kx) >= _MIN_FREQUENCY))


def _highest_within(amplitude: Float32, reach: int) -> Float32:
    """Maximum over the square of +-`reach` bins around every bin."""
    _, rows, columns = amplitude.shape
    padded = np.pad(amplitude, ((0, 0), (reach, reach), (reach, reach)))
    shifts = range(2 * reach + 1)
    along_ky = padded[:, :rows].copy()
    for shift in shifts:
        np.maximum(along_ky, padded[:, shift : shift + rows], out=along_ky)
    highest = along_ky[..., :columns].copy()
    for shift in shifts:
        np.maximum(highest, along_ky[..., shift : shift + columns], out=highest)
    return highest


def _noise(amplitude: Float32) -> Float32:
    """Root-mean-square noise at every bin, from rings of one frequency and from columns."""
    n, rows, columns = amplitude.shape
    flat = amplitude.reshape(n, rows * columns)
    rings, inner, fraction = _rings(rows, columns)
    levels = np.stack([_level(np.sort(flat[:, ring], axis=1)) for ring in rings], axis=1)
    radial = levels[:, inner] + fraction * (levels[:, inner + 1] - levels[:, inner])
    # Noise from row to row of a scan is white along ky; far out no spots hide it. As that of a
    # single column is known to some 10 %, it counts where it is clearly the higher one.
    outer = np.concatenate([amplitude[:, : rows // 4], amplitude[:, -(rows // 4) :]], axis=1)
    ascending = np.sort(outer, axis=1).swapaxes(1, 2)
    streaks = _level(ascending.reshape(n * columns, outer.shape[1]))
    noise: Float32 = np.maximum(
        radial.reshape(amplitude.shape), 0.85 * streaks.reshape(n, 1, columns)
    )
    return noise


def _level(ascending: Float32) -> Float32:
    """Root-mean-square noise of amplitudes (n, m), sorted, some of which belong to spots."""
    n, m = ascending.shape
    level = ascending[:, int(_QUANTILE * m)] / _QUANTILE_OF_NOISE
    noise_alone = (ascending <= MIN_SIGNIFICANCE * level[:, np.newaxis]).sum(axis=1)
    quantile = ascending[np.arange(n), (_QUANTILE * noise_alone).astype(np.intp)]
    return np.asarray(quantile / _QUANTILE_OF_NOISE, dtype=np.float32)


@lru_cache(maxsize=16)
def _rings(rows: int, columns: int) -> tuple[list[Index], Index, Float32]:
    """Bins of every ring, and for every bin the ring inside it and how far it is to the next."""
    ky, kx = _frequencies(rows, columns)
    radius = np.where(kx >= 0, np.hypot(ky, kx), np.inf).ravel()
    edges = [_MIN_FREQUENCY]
    while edges[-1] < rows / 2:
        edges.append(edges[-1] + max(2.0, 0.12 * edges[-1]))
    rings = [np.flatnonzero((radius >= low) & (radius < high)) for low, high in pairwise(edges)]
    centers = (np.array(edges[:-1]) + edges[1:]) / 2
    place = np.interp(np.hypot(ky, kx).ravel(), centers, np.arange(len(centers)))
    inner = np.minimum(place.astype(np.intp), len(centers) - 2)
    return rings, inner, (place - inner).astype(np.float32)


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
