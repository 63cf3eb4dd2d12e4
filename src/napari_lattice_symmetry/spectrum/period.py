"""The lattice period of a movie, by which a window is chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.lattice import LABELS
from napari_lattice_symmetry.spectrum.checks import MIN_WINDOW
from napari_lattice_symmetry.spectrum.fitting import fit_lattices
from napari_lattice_symmetry.spectrum.grid import WindowGrid
from napari_lattice_symmetry.spectrum.lattice_fit import Flag, LatticeFits
from napari_lattice_symmetry.spectrum.repetition import shortest_repetition

# Windows are tried from the smallest on: a larger one may hold several grains, or show a
# superlattice that is not what dominates the image.
_FIRST_SIZE, _GROWTH, _LAST_SIZE = 64, 2**0.5, 1024
_WINDOWS_A_SIDE = 3
# Fits that are trusted. With fewer periods weak spots of a superlattice go unseen.
_MIN_PERIODS, _MIN_QUALITY = 6.0, 0.75
# They have to be so many of all, and so many of them have to agree so well.
_MIN_SHARE, _MIN_CONSENT, _CONSENT = 0.3, 0.5, 0.05
# In windows that are large enough so many agree.
_ENOUGH = 0.6
# Where more of the largest windows than these say so, no repetition is looked for.
_NO_LATTICE, _NONE = Flag.ONE_DIRECTION | Flag.TWO_LATTICES | Flag.COARSE_SAMPLING, 0.3


@dataclass(frozen=True)
class Period:
    """The length of the shortest lattice vector, and what it rests on.

    Parameters
    ----------
    length : float
        In pixels.
    agreeing, windows : int
        In how many of the windows that were looked at this length was found.
    fitted : bool
        Whether lattices were fitted; else the period is the shortest shift that repeats the image.
    min_window : int
        Side in pixels of the windows in most of which a lattice is resolved; 0 if the smallest do.
    """

    length: float
    agreeing: int
    windows: int
    fitted: bool
    min_window: int = 0

    @property
    def share(self) -> float:
        """Share of the windows in which it was found."""
        return self.agreeing / self.windows

    def __str__(self) -> str:
        how = "a lattice fitted to" if self.fitted else "a repetition in"
        return f"{how} {self.agreeing} of {self.windows} windows"


def measure_period(
    frames: Sequence[NDArray[Any]], distortion: NDArray[np.float64] | None = None
) -> Period | None:
    """Measure the lattice period that dominates some frames.

    Lattices are fitted to windows all over the frames, in sizes from small to large; the first
    size at which most of them are resolved and agree decides, or the one at which most do. Where
    they agree at no size, the autocorrelation decides.

    Parameters
    ----------
    frames : sequence of ndarray, shape (Y, X)
        Frames of one movie; any real dtype.
    distortion : ndarray, shape (2, 2), optional
        As for `fit_lattice`.

    Returns
    -------
    Period or None
        None where nothing repeats.
    """
    side = min(frames[0].shape)
    if side < MIN_WINDOW:
        return None
    sizes = _sizes(side)
    best: Period | None = None
    for size in sizes:
        fits = [
            fit_lattices(spread_windows(frame, size), distortion=distortion) for frame in frames
        ]
        here = _agreed(fits, 0.0 if size == sizes[-1] else _MIN_PERIODS)
        # A weak lattice is seen in more of the larger windows; so is one of which the smaller
        # ones hold too few periods, and see the harmonics alone.
        if here is not None and (best is None or here.share > best.share):
            best = here if size == sizes[0] else replace(here, min_window=size)
            if best.share >= _ENOUGH:
                return best
    if best is not None or np.mean([_is_none(each).mean() for each in fits]) > _NONE:
        return best
    found = [shortest_repetition(frame) for frame in frames]
    lengths = [length for length in found if length is not None]
    if 2 * len(lengths) < len(found):
        return None
    return Period(float(np.median(lengths)), len(lengths), len(found), fitted=False)


def dominant_period(frame: NDArray[Any]) -> float | None:
    """Return the length in pixels of `measure_period` for a frame (Y, X); None if there is none."""
    period = measure_period([frame])
    return None if period is None else period.length


def _sizes(side: int) -> list[int]:
    """Sizes of windows in frames of this side, from small to large."""
    last = min(side, _LAST_SIZE)
    n = max(0, math.ceil(math.log(last / _FIRST_SIZE, _GROWTH)))
    return [*(round(_FIRST_SIZE * _GROWTH**i) for i in range(n)), last]


def spread_windows(frame: NDArray[Any], size: int) -> NDArray[Any]:
    """View a few windows all over a frame (Y, X), shape (gy, gx, size, size)."""
    stride = max(1, (max(frame.shape) - size) // (_WINDOWS_A_SIDE - 1))
    return WindowGrid((frame.shape[0], frame.shape[1]), size, stride).windows(frame)


def _is_none(fits: LatticeFits) -> NDArray[np.bool_]:
    """Return which fits show that there is no lattice, or none that pixels resolve."""
    return np.asarray(((fits.flags & _NO_LATTICE) > 0) | (fits.resolved & ~_is_crystal(fits)))


def _is_crystal(fits: LatticeFits) -> NDArray[np.bool_]:
    """Return which fits are neither hum with its harmonic nor fringes: two spots of no symmetry."""
    return np.asarray((fits.peaks > 2) | (fits.label != LABELS["oblique"]))


def _is_trusted(fits: LatticeFits, min_periods: float) -> NDArray[np.bool_]:
    """Return which fits count; the quality of a quasicrystal is that of its two lattices."""
    alone = fits.flags & Flag.TWO_LATTICES == 0
    enough = (fits.periods >= min_periods) & (fits.quality >= _MIN_QUALITY)
    return np.asarray(fits.resolved & alone & _is_crystal(fits) & enough)


def _agreed(fits: list[LatticeFits], min_periods: float) -> Period | None:
    """Find the length on which the fits of windows of one size agree."""
    trusted = [_is_trusted(each, min_periods) for each in fits]
    n_windows = sum(each.size for each in trusted)
    found = [np.log(each.a[where]) for each, where in zip(fits, trusted, strict=True)]
    lengths = np.concatenate(found)
    if not lengths.size or lengths.size < _MIN_SHARE * n_windows:
        return None
    near = np.abs(lengths - lengths[:, np.newaxis]) < _CONSENT
    group = near[near.sum(axis=1).argmax()]
    if group.mean() < _MIN_CONSENT:
        return None
    length = float(np.exp(np.median(lengths[group])))
    return Period(length, int(group.sum()), n_windows, fitted=True)
