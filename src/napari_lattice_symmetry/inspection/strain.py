"""Strain maps of a result, as a table, a figure and layers for other programs."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.data.movie import unit_name
from napari_lattice_symmetry.files import replacing
from napari_lattice_symmetry.lattice.strain import StrainMaps
from napari_lattice_symmetry.results.plots import extent_of, new_figure
from napari_lattice_symmetry.results.result import MovieResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Float = NDArray[np.float64]

COMPONENTS = ("exx (%)", "eyy (%)", "exy (%)", "rotation (°)")
"""Titles of the four maps, in the order of `StrainMaps`."""

_COLUMNS = ("exx_percent", "eyy_percent", "exy_percent", "rotation_deg")
_MIDDLE = 0.98  # share of the values within the range of colors


def components(maps: StrainMaps) -> dict[str, Float]:
    """Return the four maps by their titles."""
    return dict(zip(COMPONENTS, (maps.exx, maps.eyy, maps.exy, maps.rotation), strict=True))


def even_range(values: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Return a range of colors that is even about 0, whose middle color is that of nothing."""
    found = np.abs(values[np.isfinite(values)])
    limit = float(np.quantile(found, _MIDDLE)) if found.size else 0.0
    return (-limit, limit) if limit > 0 else (-1.0, 1.0)


def strain_layer_stack(result: MovieResult, maps: StrainMaps) -> LayerStack:
    """Return strain maps (T, gy, gx) and their errors as images on the grid of their result."""
    images = components(maps)
    if maps.errors is not None:
        images |= {f"error of {name}": each for name, each in zip(images, maps.errors, strict=True)}
    parameters, time = result.parameters, result.frame_time or 1.0
    return LayerStack(
        name=f"strain of {result.name}",
        images={name: values.astype(np.float32) for name, values in images.items()},
        scale=(time * parameters.frame_step, *result.grid.scale(result.pixel_size)),
        translate=(time * parameters.first_frame, *result.grid.translate(result.pixel_size)),
        unit=result.unit,
        timed=result.frame_time is not None,
    )


def write_strain(result: MovieResult, maps: StrainMaps, path: Path) -> None:
    """Write a row for every window that has a lattice: frame, center, strains and their errors.

    Raises
    ------
    InputError
        If `path` cannot be written.
    """
    values = np.stack(list(components(maps).values()), axis=-1)
    errors = np.full_like(values, np.nan)
    if maps.errors is not None:
        errors = np.moveaxis(maps.errors, 0, -1)
    (sy, sx), (ty, tx) = (
        result.grid.scale(result.pixel_size),
        result.grid.translate(result.pixel_size),
    )
    unit = unit_name(result.unit)
    header = ["frame", f"x_{unit}", f"y_{unit}", *_COLUMNS, *(f"{name}_error" for name in _COLUMNS)]
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(header)
        for t, i, j in np.argwhere(np.isfinite(maps.exx)).tolist():
            place = (f"{tx + j * sx:.6g}", f"{ty + i * sy:.6g}")
            numbers = (f"{each:.5g}" for each in (*values[t, i, j], *errors[t, i, j]))
            rows.writerow([int(result.frame_indices[t]), *place, *numbers])


def plot_strain(result: MovieResult, maps: StrainMaps, position: int = 0) -> Figure:
    """Draw the four maps of one frame, with colors even about 0.

    Parameters
    ----------
    result : MovieResult
        That the maps belong to.
    maps : StrainMaps
        Of shape (T, gy, gx).
    position : int
        Which of the analyzed frames, from 0.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = new_figure(9, 7.5)
    unit = unit_name(result.unit)
    grid = figure.subplots(2, 2, sharex=True, sharey=True)
    for axes, (title, values) in zip(grid.flat, components(maps).items(), strict=True):
        low, high = even_range(values)
        shown = axes.imshow(
            values[position],
            cmap="RdBu_r",
            vmin=low,
            vmax=high,
            extent=extent_of(result),
            interpolation="nearest",
        )
        figure.colorbar(shown, ax=axes)
        axes.set_title(title)
    for axes in grid[-1]:
        axes.set_xlabel(f"x ({unit})")
    for axes in grid[:, 0]:
        axes.set_ylabel(f"y ({unit})")
    figure.suptitle(f"{result.name}, frame {result.frame_indices[position]}", parse_math=False)
    return figure
