"""The area without a lattice: not the windows that say noise, but what they look at.

A window says noise only where little of its weight lies on a lattice, so that its center is well
inside a hole. The hole reaches farther than the centers of such windows. How little is little
depends on contrast and counts: with a straight edge 0.15 windows from the center, the lattice has
22 % of the Hann weight, at 0.4 windows 1 %. Where an uncertainty is asked for, the reach is drawn
evenly from 0.15 to 0.4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, zoom

from napari_lattice_symmetry.analysis.steps import ShouldStop, Steps
from napari_lattice_symmetry.evolution.curves import HOLES, N_DRAWS, Curve, make_curve
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.results.result import MovieResult

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Region = NDArray[np.bool_]

MIN_REACH, MAX_REACH = 0.15, 0.4
"""How far a window looks from its center, in windows."""

SEEN_HOLE = 0.85
"""Diameter in windows of the smallest hole that is seen for sure.

The probability of noise in the window on its center passes 0.5 at some 0.7 to 0.85 windows,
by contrast, counts and periods; `benchmarks/kinetics.py` measures it.
"""

_TYPICAL_REACH = (MIN_REACH + MAX_REACH) / 2
_NOISE = CLASSES.index("noise")
_FINER = 4  # places a map pixel, along y and x, between which edges are drawn
_LEVELS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])  # standard deviations of the thinned networks
_N_REACHES = 11


def hole_curve(
    result: MovieResult, region: Region | None = None, *, should_stop: ShouldStop | None = None
) -> Curve:
    """Return the fraction of the area that has no lattice, as far as windows can tell.

    Holes smaller than `smallest_hole` may escape: there the draws hold one such hole, of any
    size. More of them are not allowed for.

    Parameters
    ----------
    result : MovieResult
        With any number of frames done.
    region : numpy.ndarray, shape (gy, gx), bool, optional
        Which map pixels count; all, and what the outermost windows look at, if not given.
    should_stop : callable, optional
        Asked before every frame.

    Returns
    -------
    Curve
        Its draws hold what the thinned networks leave open, as if each erred alike in all
        windows, how far a window looks, and one hole that none sees.

    Raises
    ------
    StoppedError
        Once `should_stop` says True.
    """
    grid, done = result.grid, np.flatnonzero(result.done)
    margin = 0.0 if region is not None else _TYPICAL_REACH * grid.window
    place = np.ones(grid.shape, dtype=bool) if region is None else region
    domain = _domain(place, grid.stride, margin)
    reaches = np.linspace(MIN_REACH, MAX_REACH, _N_REACHES) * grid.window
    table = np.full((len(result.state), len(_LEVELS), _N_REACHES), np.nan)
    steps = Steps(len(done), should_stop=should_stop)
    for t in done:
        steps.advance()
        mean = np.asarray(result.mean[_NOISE, t])
        if np.isfinite(mean).any():
            table[t] = _areas(mean, np.asarray(result.std[_NOISE, t]), domain, grid.stride, reaches)
    values = table[:, _LEVELS.tolist().index(0), _N_REACHES // 2]
    unseen = np.pi / 4 * (smallest_hole(result) * _FINER / grid.stride) ** 2 / domain.sum()
    draws = _draw(table, min(float(unseen), 1.0))
    return make_curve(
        result,
        HOLES,
        values,
        draws.std(axis=0),
        draws=draws,
        area=float(domain.sum()) * (grid.stride / _FINER) ** 2,
    )


def smallest_hole(result: MovieResult) -> float:
    """Return the diameter of the smallest hole that windows see for sure, in px."""
    return SEEN_HOLE * result.grid.window


def _domain(place: Region, stride: int, margin: float) -> Region:
    """Refine the map pixels that count, and add a margin around all of them."""
    pad = round(margin * _FINER / stride)
    return np.pad(place.repeat(_FINER, axis=0).repeat(_FINER, axis=1), pad, constant_values=True)


def _areas(mean: Float32, std: Float32, domain: Region, stride: int, reaches: Float64) -> Float64:
    """Return the fractions of the domain within each reach of noise, for each level."""
    pad = (domain.shape[0] - mean.shape[0] * _FINER) // 2
    fractions = np.zeros((len(_LEVELS), len(reaches)))
    for level, row in zip(_LEVELS, fractions, strict=True):
        noise = zoom(
            np.nan_to_num(mean + level * std), _FINER, order=1, mode="nearest", grid_mode=True
        )
        is_noise = np.pad(noise >= 0.5, pad)
        if is_noise.any():
            distance = distance_transform_edt(~is_noise)[domain] * (stride / _FINER)
            row[:] = np.searchsorted(np.sort(distance), reaches, side="right") / domain.sum()
    return fractions


def _draw(table: Float64, unseen: float) -> Float64:
    """Draw curves from a table (T, levels, reaches), shape (N_DRAWS, T).

    Where less than `unseen` is seen, a hole of up to this fraction may be there all the same.
    """
    rng = np.random.default_rng(0)
    levels = np.clip(rng.standard_normal(N_DRAWS), _LEVELS[0], _LEVELS[-1]) - _LEVELS[0]
    reaches = rng.uniform(0, table.shape[2] - 1, N_DRAWS)
    lower, left = np.minimum(levels.astype(int), 3), np.minimum(reaches.astype(int), _N_REACHES - 2)
    up, right = levels - lower, reaches - left
    corners = (
        (1 - up) * (1 - right) * table[:, lower, left]
        + (1 - up) * right * table[:, lower, left + 1]
        + up * (1 - right) * table[:, lower + 1, left]
        + up * right * table[:, lower + 1, left + 1]
    )
    hidden = unseen * rng.uniform(0, 1, N_DRAWS)
    return np.asarray(np.maximum(corners.T, hidden[:, np.newaxis]))
