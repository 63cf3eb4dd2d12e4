"""How the phases of a movie evolve: curves over time, each with what the network leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.results.areas import COVERAGE, AreaFractions, area_fractions
from napari_lattice_symmetry.results.maps import MAPS
from napari_lattice_symmetry.results.result import MovieResult

Float64 = NDArray[np.float64]
Region = NDArray[np.bool_]

N_DRAWS = 200
"""How many equally likely curves stand for what is not known of one."""

HOLES, BRIGHTNESS = "holes, by windows", "holes, by brightness"
"""Names of the curves that are not those of a class."""

_BLOCK = 64  # frames that are read from the disk at once


@dataclass(frozen=True, eq=False)
class Curve:
    """A fraction of an area over time.

    Attributes
    ----------
    name : str
        The class, `HOLES`, `BRIGHTNESS`, or the name of a crystal.
    frame_indices : numpy.ndarray, shape (T,), int64
        Which frames of the movie.
    times : numpy.ndarray, shape (T,), float64
        In seconds, or frame indices where there is no frame time.
    values : numpy.ndarray, shape (T,), float64
        Between 0 and 1; NaN where a frame is not analyzed.
    std : numpy.ndarray, shape (T,), float64
        Standard deviation; 0 where it is not known.
    draws : numpy.ndarray, shape (N_DRAWS, T), float64
        Curves that are as likely as `values`.
    area : float
        What a fraction of 1 is, in nm² or px².
    timed, calibrated : bool
        Whether times are seconds, and areas nm².
    color : str
        Of a curve that has one of its own; empty for one that `CURVE_COLORS` knows.
    """

    name: str
    frame_indices: NDArray[np.int64]
    times: Float64
    values: Float64
    std: Float64
    draws: Float64
    area: float
    timed: bool
    calibrated: bool
    color: str = ""

    @property
    def time_unit(self) -> str:
        """What times are in."""
        return "s" if self.timed else "frame"

    @property
    def area_unit(self) -> str:
        """What areas are in."""
        return f"{self.length_unit}²"

    @property
    def length_unit(self) -> str:
        """What lengths are in."""
        return "nm" if self.calibrated else "px"


def thinned_draws(values: Float64, std: Float64) -> Float64:
    """Draw curves as the thinned networks see them, shape (N_DRAWS, T).

    One that sees more of a class in one frame is taken to see more of it in all, as the same
    thinned networks see all frames.
    """
    quantiles = ndtri((np.arange(N_DRAWS) + 0.5) / N_DRAWS)
    return np.clip(values + quantiles[:, np.newaxis] * std, 0, 1)


def class_fractions(result: MovieResult, region: Region | None = None) -> tuple[Float64, Float64]:
    """Return the mean probability of each class in each frame, and its standard deviation.

    For whole frames that is the spread of the mean over judges, or over thinned networks. In a
    region it is the mean of the spreads of its windows, as if each of these erred alike in all
    of them: an upper bound.

    Parameters
    ----------
    result : MovieResult
        With any number of frames done.
    region : numpy.ndarray, shape (gy, gx), bool, optional
        Which windows count; all if not given.

    Returns
    -------
    fractions : numpy.ndarray, shape (T, 6), float64
        NaN where a frame is not done.
    std : numpy.ndarray, shape (T, 6), float64
        The same.
    """
    if region is None:
        return result.fractions.copy(), result.fractions_std.copy()
    mean, std = (_mean_over(maps, region) for maps in (result.mean, result.std))
    return mean, std


def class_curves(
    result: MovieResult, region: Region | None = None, *, areas: bool = False
) -> dict[str, Curve]:
    """Return the evolution of every class: its mean probability, or the area that it covers.

    Parameters
    ----------
    result : MovieResult
        With any number of frames done.
    region : numpy.ndarray, shape (gy, gx), bool, optional
        Which windows count; all if not given.
    areas : bool
        Area fractions, whose draws fill their intervals, rather than mean probabilities.

    Returns
    -------
    dict of str to Curve
        By class name.
    """
    if areas:
        fractions = area_fractions(result, region)
        draws = _area_draws(fractions)
        height, width = result.grid.frame_shape
        area = float(height * width) if region is None else None
        return {
            name: make_curve(
                result,
                name,
                fractions.values[:, k],
                draws[k].std(axis=0),
                draws=draws[k],
                area=area,
                region=region,
            )
            for k, name in enumerate(CLASSES)
        }
    values, std = class_fractions(result, region)
    return {
        name: make_curve(result, name, values[:, k], std[:, k], region=region)
        for k, name in enumerate(CLASSES)
    }


def phase_curves(
    result: MovieResult,
    labels: NDArray[np.uint8],
    phases: Mapping[int, tuple[str, str]],
    region: Region | None = None,
) -> list[Curve]:
    """Return the share of each phase of a map of crystals in the windows that have a lattice.

    Parameters
    ----------
    result : MovieResult
        With any number of frames done.
    labels : numpy.ndarray, shape (n, gy, gx)
        Of its first n frames; 0 where there is no lattice.
    phases : dict of int to (str, str)
        Name and color of each label.
    region : numpy.ndarray, shape (gy, gx), bool, optional
        Which windows count; all if not given.

    Returns
    -------
    list of Curve
        NaN in frames without a lattice, and in those that came after the map was made.
    """
    n_frames = len(result.state)
    inside = labels[:n_frames].reshape(len(labels[:n_frames]), -1)
    if region is not None:
        inside = inside[:, region.ravel()]
    total = (inside > 0).sum(axis=1)
    curves = []
    for label, (name, color) in phases.items():
        values = np.full(n_frames, np.nan)
        known = np.flatnonzero(total)
        values[known] = (inside[known] == label).sum(axis=1) / total[known]
        curves.append(replace(make_curve(result, name, values, region=region), color=color))
    return curves


def _area_draws(areas: AreaFractions) -> Float64:
    """Draw curves that fill the intervals of areas, shape (6, N_DRAWS, T).

    One that errs in one frame is taken to err alike in all. On either side of the value lies half
    of a normal distribution, cut at the bounds of 95 %.
    """
    levels = ndtri((np.arange(N_DRAWS) + 0.5) / N_DRAWS) / ndtri((1 + COVERAGE) / 2)
    levels = np.clip(levels, -1, 1)[:, np.newaxis]
    values, low, high = (each.T[:, np.newaxis] for each in (areas.values, areas.low, areas.high))
    reach = np.where(levels < 0, values - low, high - values)
    return np.asarray(values + levels * reach)


def snapshot(result: MovieResult) -> MovieResult:
    """Copy a result with the frames that it has now; one that grows gets longer array by array.

    The arrays are not copied: frames that it has already may still be filled.
    """
    now = copy(result)
    now.maps = dict(result.maps)
    lengths = {name: maps.shape[MAPS[name].time_axis] for name, maps in now.maps.items()}
    n = min(len(now.frame_indices), len(now.state), *lengths.values())
    now.frame_indices, now.state = now.frame_indices[:n], now.state[:n]
    for name, length in lengths.items():
        if length > n:
            now.maps[name] = now.maps[name][MAPS[name].at(slice(n))]
    return now


def make_curve(
    result: MovieResult,
    name: str,
    values: Float64,
    std: Float64 | None = None,
    *,
    draws: Float64 | None = None,
    area: float | None = None,
    region: Region | None = None,
) -> Curve:
    """Put the times and the units of a result to the values of its frames.

    Without `area`, the windows stand for one map pixel each.
    """
    std = np.zeros_like(values) if std is None else std
    n_windows = result.grid.size if region is None else int(region.sum())
    py, px = result.pixel_size
    pixels = n_windows * result.grid.stride**2 if area is None else area
    return Curve(
        name=name,
        frame_indices=result.frame_indices,
        times=result.times,
        values=values,
        std=std,
        draws=thinned_draws(values, std) if draws is None else draws,
        area=pixels * py * px,
        timed=result.frame_time is not None,
        calibrated=result.unit == "nm",
    )


def _mean_over(maps: Any, region: Region) -> Float64:
    """Average maps (6, T, gy, gx) over the analyzed windows of a region, shape (T, 6)."""
    means = np.full((maps.shape[1], len(CLASSES)), np.nan)
    for block in _blocks(len(means)):
        inside = np.asarray(maps[:, block])[..., region].astype(np.float64)
        known = np.isfinite(inside)
        n_known = known.sum(axis=-1)
        total = np.where(known, inside, 0).sum(axis=-1)
        means[block] = (total / np.where(n_known == 0, np.nan, n_known)).T
    return means


def _blocks(n_frames: int) -> list[slice]:
    return [slice(start, start + _BLOCK) for start in range(0, n_frames, _BLOCK)]
