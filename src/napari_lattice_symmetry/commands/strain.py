"""The command ``lattice-symmetry strain``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from napari_lattice_symmetry.cells.parameters import StrainParameters
from napari_lattice_symmetry.cells.strain import KNOWN_CELLS, known_basis
from napari_lattice_symmetry.commands.shared.cells import known_cell_option, rectangle_option
from napari_lattice_symmetry.commands.shared.options import PATH, outputs_option, overwrite_option
from napari_lattice_symmetry.commands.shared.outputs import check_outputs
from napari_lattice_symmetry.commands.shared.results import require_result, row_of_frame
from napari_lattice_symmetry.data.movie import NANOMETER
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.inspection.strain import (
    components,
    plot_strain,
    strain_layer_stack,
    write_strain,
)
from napari_lattice_symmetry.io.writing.write import WRITTEN_SUFFIXES, write_layer_stack
from napari_lattice_symmetry.lattice.basis import lattice_parameters
from napari_lattice_symmetry.lattice.strain import StrainMaps
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.results.plots import save_figure

_FIGURES = (".png", ".svg")
_PIXEL = (1.0, 1.0)
_ENDINGS = (".csv", *_FIGURES, *WRITTEN_SUFFIXES)


@click.command()
@click.argument("result", type=PATH)
@rectangle_option("The median lattice of the windows in this rectangle counts as not strained.")
@click.option(
    "--material",
    type=click.Choice(list(KNOWN_CELLS)),
    help="The lattice of this material counts as not strained.",
)
@known_cell_option("This lattice counts as not strained.")
@click.option(
    "--axes",
    type=click.Choice(["image", "crystal"]),
    default="image",
    show_default=True,
    help=StrainParameters.model_fields["axes"].description,
)
@click.option(
    "--frame", type=click.IntRange(0), help="Which frame a figure shows.  [default: the first]"
)
@outputs_option(f"Also write the maps, with their errors: {', '.join(_ENDINGS)}.")
@overwrite_option
def strain(
    result: Path,
    *,
    rectangle: tuple[float, float, float, float] | None,
    material: str | None,
    known: tuple[float, float, float] | None,
    axes: str,
    frame: int | None,
    outputs: tuple[Path, ...],
    overwrite: bool,
) -> None:
    """Map strain and rotation of the lattices of a saved RESULT.

    The result needs lattice maps. What counts as not strained is the median lattice of all
    windows, unless another is given.
    """
    check_outputs(outputs, _ENDINGS, overwrite=overwrite)
    loaded = require_result(result)
    position = 0 if frame is None else row_of_frame(loaded, frame)
    reference = _reference(loaded, rectangle, known or material)
    maps = loaded.strain(reference, lattice_axes=axes == "crystal")
    click.echo("\n".join(_describe(maps)))
    for output in outputs:
        if output.suffix.lower() == ".csv":
            write_strain(loaded, maps, output)
        elif output.suffix.lower() in _FIGURES:
            save_figure(plot_strain(loaded, maps, position), output)
        else:
            write_layer_stack(strain_layer_stack(loaded, maps), output, overwrite=overwrite)
        click.echo(f"Wrote {output}.")


def _reference(
    result: MovieResult,
    rectangle: tuple[float, float, float, float] | None,
    known: str | tuple[float, float, float] | None,
) -> Any:
    if rectangle is not None and known is not None:
        raise InputError("Give one reference: a rectangle, a material or a cell.")
    if known is not None:
        if result.unit != NANOMETER:
            raise InputError(
                f"{result.name} has no pixel size, so that its lattices are in pixels; analyze it "
                "again with --pixel-size, or take another reference."
            )
        return lattice_parameters(known_basis(known))
    if rectangle is None:
        return None
    (sy, sx), (ty, tx) = result.grid.scale(_PIXEL), result.grid.translate(_PIXEL)
    rows, columns = (np.arange(n) for n in result.grid.shape)
    x0, y0, x1, y1 = rectangle
    y, x = ty + sy * rows[:, np.newaxis], tx + sx * columns
    inside = (y >= y0) & (y <= y1) & (x >= x0) & (x <= x1)
    if not inside.any():
        raise InputError(
            f"No window has its center in the rectangle {x0:g}, {y0:g} to {x1:g}, {y1:g} px; "
            f"centers go from {x.min():g}, {y.min():g} to {x.max():g}, {y.max():g} px."
        )
    return inside


def _describe(maps: StrainMaps) -> Iterator[str]:
    found = int(np.isfinite(maps.exx).sum())
    yield f"{found} of {maps.exx.size} windows have the lattice of the reference"
    if not found:
        return
    yield f"{'':<14}{'mean':>9}{'spread':>9}{'error':>9}"
    for k, (title, values) in enumerate(components(maps).items()):
        error = "" if maps.errors is None else f"{np.nanmedian(maps.errors[k]):>9.2g}"
        yield f"{title:<14}{np.nanmean(values):>9.3f}{np.nanstd(values):>9.3f}{error}"
