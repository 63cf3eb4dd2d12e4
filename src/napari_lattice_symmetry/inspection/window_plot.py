"""The figure of one window: pixels, spectrum and probabilities side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.cells.plots import draw_cell
from napari_lattice_symmetry.inspection.window import Inspection, reciprocal_basis
from napari_lattice_symmetry.lattice import CLASSES, COLORS
from napari_lattice_symmetry.results.plots import NARROW, new_figure
from napari_lattice_symmetry.spectrum.cartesian import EXTENT, SIDE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Float64 = NDArray[np.float64]

LATTICE_COLOR = "#00C8FF"
"""Of what is drawn over the pixels and the spectrum; seen on black, gray and white."""

AGAINST_COLOR = "#FF7A00"
"""Of a spot that speaks against the network's class."""

_THIN, _THICK = 0.8, 2.4  # widths of circles: of all, and by how much of what tells most
_FULL, _TOLD = 2.0, 0.5  # nats at which a circle may be thickest, and from which on it tells

_BREAKS = {
    "rectangular": "rectan-\ngular",
    "centered rectangular": "centered\nrectan-\ngular",
    "hexagonal": "hexa-\ngonal",
}
"""Where names of classes are broken, so that they fit side by side."""

_CIRCLE = 4.5
"""Diameter of the circle round a spot, in cycles per window; a spot is some two wide."""


def plot_inspection(inspection: Inspection, figure: Figure | None = None) -> Figure:
    """Draw the window, its spectrum, its mean cell with the symmetry elements, and the six bars.

    The circle of a spot is the thicker, the more the spot tells the network for its class; it is
    orange where it tells against it.

    Parameters
    ----------
    inspection : Inspection
        What to draw.
    figure : matplotlib.figure.Figure, optional
        An empty figure to draw on; a new one, with a title, if not given.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if figure is None:
        figure = new_figure(6, 6)
        figure.suptitle(f"{inspection.name}, frame {inspection.frame}", parse_math=False)
    is_narrow = figure.get_figwidth() < NARROW
    gap = "\n" if is_narrow else " "
    columns = 2 if inspection.cell is None else 3
    grid = figure.add_gridspec(2, columns, height_ratios=(1.4, 1))
    _draw_pixels(figure.add_subplot(grid[0, 0]), inspection, gap)
    _draw_spectrum(figure.add_subplot(grid[0, 1]), inspection, gap)
    bars = figure.add_subplot(grid[1, :])
    _draw_probabilities(bars, inspection)
    if inspection.cell is not None:
        mean = figure.add_subplot(grid[0, 2])
        draw_cell(mean, inspection.cell)
        mean.set_title(f"mean cell,{gap}{mean.get_title()}", fontsize="small")
        mean.set_axis_off()
    if is_narrow:  # and low, with no room for a label along so short an axis
        bars.set_title(f"probability, {bars.get_title()}", fontsize="small")
        bars.set_ylabel("")
    bars.tick_params(labelsize="xx-small" if is_narrow else "x-small")
    return figure


def _draw_pixels(axes: Axes, inspection: Inspection, gap: str) -> None:
    y, x = inspection.corner
    size = len(inspection.pixels)
    axes.imshow(
        inspection.pixels,
        cmap="gray",
        extent=(x - 0.5, x + size - 0.5, y + size - 0.5, y - 0.5),
    )
    middle = np.array([x, y]) + (size - 1) / 2
    _draw_cell(axes, middle, inspection.seen_basis, ("a", "b"))
    axes.set_title(f"{size} px from{gap}x {x}, y {y}", fontsize="small")
    axes.set_axis_off()


def _draw_spectrum(axes: Axes, inspection: Inspection, gap: str) -> None:
    from matplotlib.collections import EllipseCollection

    axes.imshow(
        np.sqrt(inspection.spectrum),  # else the first spots outshine all others
        cmap="magma",
        extent=EXTENT,
    )
    n = len(inspection.spots)
    told = np.nan_to_num(inspection.evidence)
    share = np.abs(told) / max(np.abs(told).max(initial=0), _FULL)
    circles = EllipseCollection(
        np.full(n, _CIRCLE),
        np.full(n, _CIRCLE),
        np.zeros(n),
        units="xy",
        offsets=inspection.spots,
        offset_transform=axes.transData,
        facecolors="none",
        edgecolors=np.where(told < -_TOLD, AGAINST_COLOR, LATTICE_COLOR),
        linewidths=_THIN + _THICK * share,
    )
    axes.add_collection(circles, autolim=False)
    reciprocal = reciprocal_basis(inspection.seen_basis, len(inspection.pixels))
    _draw_cell(axes, np.zeros(2), reciprocal, ("a*", "b*"))
    axes.set_title(f"spectrum to{gap}{SIDE // 2} cycles", fontsize="small")
    axes.set_axis_off()


def cell_outline(basis: Float64, origin: Float64 | float) -> Float64:
    """Return the corners (x, y) of a cell as a closed line; NaN if there is no lattice."""
    first, second = basis
    return np.asarray(origin + np.array([0 * first, first, first + second, second, 0 * first]))


def _draw_cell(axes: Axes, origin: Float64, basis: Float64, names: tuple[str, str]) -> None:
    """Draw the cell of a lattice with its two vectors, if there is one."""
    if not np.isfinite(basis).all():
        return
    axes.plot(*cell_outline(basis, origin).T, color=LATTICE_COLOR, linewidth=1)
    for vector, name in zip(basis, names, strict=True):
        axes.annotate(
            name,
            origin + vector * (1 + 6 / max(np.hypot(*vector), 6)),
            color=LATTICE_COLOR,
            ha="center",
            va="center",
            fontsize="small",
            annotation_clip=True,
        )


def _draw_probabilities(axes: Axes, inspection: Inspection) -> None:
    axes.bar(
        [_BREAKS.get(name, name) for name in CLASSES],
        inspection.mean,
        yerr=inspection.std,
        color=list(COLORS.values()),
        ecolor="gray",
        capsize=4,
    )
    samples = inspection.parameters.samples
    axes.set_ylim(0, 1.05)
    axes.set_ylabel("probability", fontsize="small")
    axes.set_title(f"{samples} thinned networks", fontsize="small")
