"""Figures of a crystal, seen along an axis, and of which crystals a map shows."""

from __future__ import annotations

from itertools import cycle
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.phases import CrystalMatch
from napari_lattice_symmetry.crystals.projection import MAX_COLUMNS, Projection
from napari_lattice_symmetry.crystals.structure import Crystal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE = 320  # pixels of a picture
_CELLS = 4  # of the longer side across it
_CURVE = "#0072B2"
# So that no color alone tells what is drawn.
_MARKERS, _LINES = "osD^v*x", ("-", "--", ":", "-.")
_HATCHES = ("", "//", "..", "xx", "\\\\", "oo", "++")
KIND_COLORS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#0072B2")
"""Of columns, by the order in which their elements come first."""


def plot_crystal(crystal: Crystal, seen: Projection, figure: Figure | None = None) -> Figure:
    """Draw the picture along an axis, its cell and its columns; beside it the space groups.

    Parameters
    ----------
    crystal : Crystal
        With a cell.
    seen : Projection
        What is seen of it.
    figure : matplotlib.figure.Figure, optional
        An empty figure to draw on; a new one if not given.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = figure or Figure(figsize=(9.5, 5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    draw_projection(left, seen)
    left.set_title(describe_projection(seen), fontsize="small", parse_math=False)
    draw_symmetry(right, crystal)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize="small")
    return figure


def describe_projection(seen: Projection) -> str:
    """Tell crystal and axis, and on a second line the cell, its class and its plane group."""
    group = seen.plane_group or "plane group not looked for"
    return (
        f"{seen.name}: a = {seen.a:.4f}, b = {seen.b:.4f} nm, gamma = {seen.gamma:.2f}°\n"
        f"{seen.label}, {group}"
    )


def draw_projection(axes: Axes, seen: Projection) -> None:
    """Draw the picture along an axis with its cell, and the columns of that by their elements."""
    size = (_CELLS if len(seen.columns) <= MAX_COLUMNS else 1) * seen.b
    pixel = size / _SIDE
    extent = (-size / 2, size / 2, size / 2, -size / 2)
    image = seen.picture(pixel, (_SIDE, _SIDE))
    axes.imshow(image, cmap="gray", extent=extent)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) @ seen.basis
    axes.plot(*corners.T, color="#D55E00")
    columns = seen.columns
    for k, name in enumerate(dict.fromkeys(columns.names)):
        here = columns.position[[each == name for each in columns.names]]
        look: dict[str, Any] = {
            "marker": _MARKERS[k % len(_MARKERS)],
            "color": KIND_COLORS[k % len(KIND_COLORS)],
        }
        axes.plot(*here.T, linestyle="", mfc="none", label=name, **look)
    axes.set(xlabel="x (nm)", ylabel="y (nm)", xlim=extent[:2], ylim=extent[2:])


def draw_symmetry(axes: Axes, crystal: Crystal) -> None:
    """Draw the space group over the distances within which atoms count as equivalent."""
    curve = crystal.symmetry
    groups, steps = np.unique(curve.number, return_inverse=True)
    names = dict(zip(curve.number.tolist(), curve.symbol, strict=True))
    axes.plot(curve.tolerance, steps, "o", color=_CURVE, markersize=4)
    axes.step(curve.tolerance, steps, where="mid", color=_CURVE)
    taken = crystal.taken_tolerance
    axes.axvline(taken, color="#D55E00", linestyle=":")
    axes.set_yticks(range(len(groups)), [f"{names[k]}\n{k}" if k else "none" for k in groups])
    axes.set(xscale="log", xlabel="Tolerance (nm)", ylim=(-0.5, len(groups) - 0.5))
    axes.set_title("Space group\n(dotted: the one taken)", fontsize="small")


def plot_match(
    match: CrystalMatch,
    times: NDArray[np.float64],
    title: str = "",
    time_label: str = "Frame",
    figure: Figure | None = None,
) -> Figure:
    """Draw the map of the last frame, and the phase fractions over time or as bars.

    Parameters
    ----------
    match : CrystalMatch
        Of a result, with maps (T, gy, gx).
    times : ndarray, shape (T,)
        Of the frames.
    title, time_label : str
        Of the figure and of its time axis.
    figure : matplotlib.figure.Figure, optional
        An empty figure to draw on; a new one if not given.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.figure import Figure

    figure = figure or Figure(figsize=(9, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    colors = ListedColormap(["white", *(phase.color for phase in match.phases)])
    norm = BoundaryNorm(np.arange(len(match.phases) + 2) - 0.5, colors.N)
    left.imshow(match.labels[-1], cmap=colors, norm=norm, interpolation="nearest")
    left.set(title="Last frame", xlabel="window along x", ylabel="window along y")
    draw_fractions(right, match, times, time_label)
    figure.legend(
        *right.get_legend_handles_labels(),
        loc="outside lower center",
        frameon=False,
        fontsize="small",
    )
    figure.suptitle(title, parse_math=False)
    return figure


def draw_fractions(
    axes: Axes, match: CrystalMatch, times: NDArray[np.float64], time_label: str
) -> None:
    """Draw phase fractions (T, phases) on axes that are there, as bars if there is one frame."""
    for k, (phase, marker, line, hatch) in enumerate(
        zip(match.phases, cycle(_MARKERS), cycle(_LINES), cycle(_HATCHES), strict=False)
    ):
        label = fill(phase.name, 48)
        shares = match.fractions[:, k]
        if len(times) == 1:
            axes.bar(k, shares[0], color=phase.color, label=label, hatch=hatch)
        else:
            axes.plot(times, shares, color=phase.color, label=label, marker=marker, linestyle=line)
    if len(times) == 1:
        axes.set_xticks([])
    else:
        axes.set_xlabel(time_label)
    axes.set(ylabel="Phase fraction", ylim=(0, 1.05))
