"""Figures of how a movie evolves and how fast, in the class colors; drawn without a screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_lattice_symmetry.atoms import DefectLives
from napari_lattice_symmetry.evolution.curves import BRIGHTNESS, HOLES, Curve
from napari_lattice_symmetry.evolution.growth import GrowthFit
from napari_lattice_symmetry.lattice import COLORS
from napari_lattice_symmetry.results.column import Column, label_axis
from napari_lattice_symmetry.results.plots import NARROW, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVE_COLORS = {**COLORS, HOLES: "#808080", BRIGHTNESS: "#B39F00"}
"""Colors of all curves: the classes', and two that are read on black and on white."""

FIT_COLOR = "#E6007E"

_COUNT, _ALIVE, _SEEN = "#CC79A7", "#0072B2", "#E69F00"
_INTERVAL = 1.96  # standard deviations


def plot_evolution(
    curves: Sequence[Curve],
    title: str = "",
    figure: Figure | None = None,
    *,
    along: Column | None = None,
) -> Figure:
    """Draw curves over time, or along a column, with a band of one standard deviation.

    Parameters
    ----------
    curves : sequence of Curve
        Those that are dots rather than lines check the others: `BRIGHTNESS`.
    title : str
        Of the figure.
    figure : matplotlib.figure.Figure, optional
        An empty figure to draw on; a new one if not given.
    along : Column, optional
        What was recorded beside the movie, as of `read_column`: the horizontal axis.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If `along` says nothing of these frames.
    """
    figure = figure or new_figure(7, 4)
    axes = figure.add_subplot()
    for curve in curves:
        _draw_curve(axes, curve, along)
    axes.set(ylabel="Fraction", ylim=(-0.02, 1.02))
    axes.set_title(title, parse_math=False)
    _label_time(axes, curves, along)
    if curves:
        columns = 1 if figure.get_figwidth() < NARROW else 2
        figure.legend(loc="outside lower center", ncols=columns, frameon=False, fontsize="small")
    return figure


def plot_growth(fit: GrowthFit, title: str = "", figure: Figure | None = None) -> Figure:
    """Draw a growth law over the curve that it was fitted to, and the residuals below.

    Parameters
    ----------
    fit : GrowthFit
        What to draw.
    title : str
        Of the figure.
    figure : matplotlib.figure.Figure, optional
        An empty figure to draw on; a new one if not given.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = figure or new_figure(7, 5)
    upper, lower = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    curve, is_narrow = fit.curve, figure.get_figwidth() < NARROW
    color = CURVE_COLORS[curve.name]
    for axes in (upper, lower):
        axes.axvspan(curve.times[0], fit.initial_end, color="gray", alpha=0.2, linewidth=0)
    upper.errorbar(
        curve.times,
        curve.values,
        curve.std,
        fmt=".",
        color=color,
        label=curve.name,
        elinewidth=0.8,
    )
    law = fit.law.name if is_narrow else fit.law.formula
    upper.plot(curve.times, fit.fitted, color=FIT_COLOR, label=law, zorder=3)
    upper.fill_between(
        curve.times, fit.low, fit.high, color=FIT_COLOR, alpha=0.25, linewidth=0, label="95 %"
    )
    upper.set(ylabel="Fraction")
    upper.set_title(title, parse_math=False)
    upper.legend(loc="upper left", frameon=False, fontsize="small")
    lower.axhline(0, color=FIT_COLOR)
    lower.plot(curve.times, fit.residuals, ".", color=color)
    lower.set_ylabel("Residual")
    _label_time(lower, [curve])
    if is_narrow:
        for axes in (upper, lower):
            axes.tick_params(labelsize="x-small")
            for label in (axes.xaxis.label, axes.yaxis.label):
                label.set_fontsize("x-small")
    return figure


def plot_defect_counts(
    lives: DefectLives,
    frame_time: float | None = None,
    title: str = "",
    figure: Figure | None = None,
) -> Figure:
    """Draw how many defects were seen in each frame, lived, and are there with those missed.

    Parameters
    ----------
    lives : DefectLives
        As `follow_defects` gives them.
    frame_time : float, optional
        Seconds from frame to frame; the axis is that of frames if not given.
    title : str
        Of the figure.
    figure : matplotlib.figure.Figure, optional
        An empty one to draw on; a new one if not given.

    Returns
    -------
    matplotlib.figure.Figure
        The band holds the true number in 95 of 100 frames, as far as no false ones are seen.
    """
    figure = figure or new_figure(7, 4)
    axes = figure.add_subplot()
    times = lives.frames * (frame_time or 1.0)
    axes.plot(times, lives.visible, "o", markersize=3, color=_SEEN, label="seen")
    axes.step(times, lives.alive, where="mid", color=_ALIVE, label="seen, or missed in between")
    if np.isfinite(lives.detection):
        off = _INTERVAL * lives.count_error
        low = np.maximum(lives.count - off, lives.visible)
        axes.fill_between(
            times, low, lives.count + off, color=_COUNT, alpha=0.3, linewidth=0, label="95 %"
        )
        axes.plot(times, lives.count, color=_COUNT, label=f"seen / {lives.detection:.2f}")
    axes.set(ylabel=f"Atoms {lives.kind}")
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="y", integer=True)
    axes.set_title(title, parse_math=False)
    label_axis(axes, timed=frame_time is not None)
    columns = 1 if figure.get_figwidth() < 2 * NARROW else 2
    figure.legend(loc="outside lower center", ncols=columns, frameon=False, fontsize="small")
    return figure


def _draw_curve(axes: Axes, curve: Curve, along: Column | None) -> None:
    places = curve.times if along is None else along.at(curve, timed=curve.timed)
    color = curve.color or CURVE_COLORS[curve.name]
    line, marker = ("none", "o") if curve.name == BRIGHTNESS else ("-", "")
    if np.isfinite(curve.values).sum() == 1:  # a line through one point is not seen, nor its band
        axes.errorbar(
            places,
            curve.values,
            yerr=curve.std,
            fmt="o",
            markersize=4,
            color=color,
            label=curve.name,
        )
        return
    axes.plot(
        places,
        curve.values,
        linestyle=line,
        marker=marker,
        markersize=3,
        color=color,
        label=curve.name,
    )
    if np.any(curve.std > 0):
        axes.fill_between(
            places,
            curve.values - curve.std,
            curve.values + curve.std,
            color=color,
            alpha=0.25,
            linewidth=0,
        )


def _label_time(axes: Axes, curves: Sequence[Curve], along: Column | None = None) -> None:
    label_axis(axes, timed=not curves or curves[0].timed, along=along)
