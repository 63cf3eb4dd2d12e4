"""The picture of an averaged cell: raw and symmetrized, with its atoms and symmetry elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.cells.unit_cell import UnitCell
from napari_lattice_symmetry.lattice.symmetry_elements import symmetry_elements

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Float = NDArray[np.float64]

# Of Okabe and Ito's color-blind-safe set.
_ELEMENT_COLOR, _GLIDE_COLOR, _ATOM_COLOR = "#56B4E9", "#009E73", "#E69F00"
# A lens, a triangle, a square and a hexagon, as in the Tables.
_MARKERS = {2: "d", 3: "^", 4: "s", 6: "h"}


PICTURES = ("mean cell", "symmetrized", "standard error")
"""What there is to draw of a cell."""


def plot_cell(
    cell: UnitCell, figure: Figure | None = None, pictures: Sequence[str] = PICTURES[:2]
) -> Figure:
    """Draw the mean cell beside the symmetrized one, atoms and symmetry elements over them.

    Parameters
    ----------
    cell : UnitCell
        What to draw.
    figure : matplotlib.figure.Figure, optional
        An empty figure to draw on; a new one if not given.
    pictures : sequence of str
        Of `PICTURES`, side by side; a single one has no heading.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = figure or Figure(figsize=(8, 4.4), layout="constrained")
    alone = len(pictures) == 1
    for axes, name in zip(
        figure.subplots(1, len(pictures), squeeze=False)[0], pictures, strict=True
    ):
        if alone:
            draw_cell(axes, cell, name)
        else:
            draw_cell(axes, cell, name, atoms=name == "mean cell", elements=name == "symmetrized")
            axes.set_title(_name(cell) if name == "symmetrized" else name)
    if alone:
        axes.tick_params(labelsize="x-small")
        axes.xaxis.label.set_fontsize("x-small")
        return figure
    figure.suptitle(
        f"a = {cell.a:.4g}, b = {cell.b:.4g} {cell.unit}, gamma = {cell.gamma:.2f}°, "
        f"{cell.n_cells:.0f} cells; {cell.group.remarks}",
        fontsize="small",
        wrap=True,
    )
    return figure


def draw_cell(
    axes: Axes,
    cell: UnitCell,
    picture: str = PICTURES[0],
    *,
    atoms: bool = True,
    elements: bool = True,
) -> None:
    """Draw one picture of a cell, headed by its plane group.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    cell : UnitCell
        What to draw.
    picture : str
        One of `PICTURES`.
    atoms, elements : bool
        Whether its atoms, and the symmetry elements of its group, lie over it.
    """
    images = (lambda: cell.image, lambda: cell.symmetrized, lambda: cell.error)
    _draw(axes, cell, images[PICTURES.index(picture)]())
    axes.set_title(_name(cell))
    if atoms:
        _draw_motif(axes, cell)
    if elements and cell.group.name:
        _draw_elements(axes, cell)


def _name(cell: UnitCell) -> str:
    return cell.group.name or "no plane group"


def _upright(cell: UnitCell) -> Float:
    """Return the cell with a to the right and b upward."""
    gamma = np.deg2rad(cell.gamma)
    return np.array([[cell.a, 0.0], [cell.b * np.cos(gamma), cell.b * np.sin(gamma)]])


def _draw(axes: Axes, cell: UnitCell, image: Float) -> None:
    rows, columns = image.shape
    basis = _upright(cell)
    y, x = np.mgrid[: rows + 1, : columns + 1]
    place = np.stack([x / columns, y / rows], axis=-1) @ basis
    axes.pcolormesh(place[..., 0], place[..., 1], image, cmap="gray", rasterized=True)
    axes.set_aspect("equal")
    axes.set_xlabel(f"along a ({cell.unit})")


def _draw_motif(axes: Axes, cell: UnitCell) -> None:
    motif, basis = cell.motif(), _upright(cell)
    x, y = (motif.sites @ basis).T
    axes.plot(x, y, "+", color=_ATOM_COLOR)
    for fraction, letter in zip(motif.fractions, motif.letters, strict=True):
        axes.annotate(
            letter, fraction @ basis, (4, 4), textcoords="offset points", color=_ATOM_COLOR
        )


def _draw_elements(axes: Axes, cell: UnitCell) -> None:
    centers, lines = symmetry_elements(cell.group.name or "p1")
    basis = _upright(cell)
    for line in lines:
        ends = _clipped(np.array(line.place), np.array(line.direction)) @ basis
        color, style = (_ELEMENT_COLOR, "-") if line.mirror else (_GLIDE_COLOR, "--")
        axes.plot(ends[:, 0], ends[:, 1], color=color, linestyle=style, linewidth=1.2)
    for axis in centers:
        x, y = np.array(axis.place) @ basis
        axes.plot(
            x,
            y,
            marker=_MARKERS[axis.fold],
            color=_ELEMENT_COLOR,
            markeredgecolor="k",
            markersize=8,
            clip_on=False,  # half a lens would be a triangle
        )


def _clipped(place: Float, direction: Float) -> Float:
    """Return the two ends of a line in the cell, shape (2, 2)."""
    moving = np.abs(direction) > 1e-9
    to = np.sort(
        np.stack([-place[moving] / direction[moving], (1 - place[moving]) / direction[moving]]),
        axis=0,
    )
    return place + np.array([to[0].max(), to[1].min()])[:, np.newaxis] * direction
