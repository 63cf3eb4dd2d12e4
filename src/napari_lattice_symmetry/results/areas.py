"""How much of a frame each class covers, with an interval that holds the truth.

A window sees no edge inside itself, and a frame has a border that no window is centered on. So the
network's spread says little of an area. Two things do: the probability that windows leave to other
classes, which grows with the length of the edges, and the size of a window in the frame. Intervals
are both, added up and stretched until they held the area in 95 % of simulated frames (conformal
intervals: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.bravais.parameters import Answer
from napari_lattice_symmetry.lattice import CLASSES, LABELS
from napari_lattice_symmetry.spectrum import WindowGrid

if TYPE_CHECKING:
    from napari_lattice_symmetry.results.result import MovieResult

Float64 = NDArray[np.float64]
Region = NDArray[np.bool_]

COVERAGE = 0.95
"""How often an interval is meant to hold the area."""

HIDDEN = 0.4
"""What a window may hide, in windows: a small hole, or what lies between windows and border."""

STRETCH: dict[Answer, dict[str, tuple[float, float]]] = {
    "network": {"lattice": (1.79, 1.68), "noise": (1.96, 2.9)},
    "verdict": {"lattice": (2.12, 1.27), "noise": (1.14, 3.68)},
}
"""How much farther than its scale an interval reaches down and up; by `benchmarks/areas.py`.

Farther up for noise, since a window names the lattice that it still sees at the edge of a hole.
"""

_BLOCK = 64  # frames that are read from the disk at once


@dataclass(frozen=True, eq=False)
class AreaFractions:
    """What share of the area each class covers.

    Attributes
    ----------
    values : numpy.ndarray, shape (T, 6), float64
        Each point of the area counts for the window whose center is nearest; NaN where nothing
        is analyzed.
    low, high : numpy.ndarray, shape (T, 6), float64
        Bounds that hold the truth in 95 % of simulated frames.
    """

    values: Float64
    low: Float64
    high: Float64


def area_fractions(result: MovieResult, region: Region | None = None) -> AreaFractions:
    """Return the share of the area of each class, with intervals that hold the truth.

    Parameters
    ----------
    result : MovieResult
        With any number of frames done.
    region : numpy.ndarray, shape (gy, gx), bool, optional
        The map pixels whose area is meant; the whole frame if not given. Intervals were measured
        on whole frames alone.

    Returns
    -------
    AreaFractions

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> movie = nls.simulate("growing-holes", frames=1, size=256).movie
    >>> result = nls.analyze(movie, stride=32, samples=5)
    >>> areas = nls.evolution.area_fractions(result)
    >>> bool((areas.low <= areas.values).all() and (areas.values <= areas.high).all())
    True
    """
    values, below, above = area_scales(result, region)
    stretch = STRETCH[result.parameters.answer]
    down, up = np.array([stretch["noise" if name == "noise" else "lattice"] for name in CLASSES]).T
    low, high = (np.clip(ends, 0, 1) for ends in (values - down * below, values + up * above))
    return AreaFractions(values, low, high)


def area_scales(
    result: MovieResult, region: Region | None = None
) -> tuple[Float64, Float64, Float64]:
    """Return area fractions, and how far the truth may lie below and above before `STRETCH`.

    Parameters
    ----------
    result, region
        As for `area_fractions`.

    Returns
    -------
    values, below, above : numpy.ndarray, shape (T, 6), float64
        NaN where nothing is analyzed.
    """
    place = _areas(result.grid) if region is None else region * float(result.grid.stride**2)
    n_frames = len(result.state)
    values, lost, gained = (np.full((n_frames, len(CLASSES)), np.nan) for _ in range(3))
    window = np.full((n_frames, 1), np.nan)
    for start in range(0, n_frames, _BLOCK):
        block = slice(start, start + _BLOCK)
        labels, mean = np.asarray(result.labels[block]), np.asarray(result.mean[:, block])
        area = (place * (labels > 0)).sum(axis=(1, 2))
        weights = place / np.where(area > 0, area, np.nan)[:, np.newaxis, np.newaxis]
        window[block] = result.grid.window**2 / np.where(area > 0, area, np.nan)[:, np.newaxis]
        for k, value in enumerate(LABELS.values()):
            won, p = labels == value, np.nan_to_num(mean[k])
            values[block, k] = (weights * won).sum(axis=(1, 2))
            lost[block, k] = (weights * won * (1 - p)).sum(axis=(1, 2))
            gained[block, k] = (weights * ~won * p).sum(axis=(1, 2))
    return values, lost + HIDDEN * window, gained + HIDDEN * window


def _areas(grid: WindowGrid) -> Float64:
    """Return the part of a frame, in px², that is nearest to the center of each window."""
    sides = []
    for length, n in zip(grid.frame_shape, grid.shape, strict=True):
        between = np.arange(1, n) * grid.stride + (grid.window - grid.stride) / 2
        sides.append(np.diff(between, prepend=0.0, append=float(length)))
    return np.multiply.outer(*sides)
