"""The command ``lattice-symmetry export``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from napari_lattice_symmetry.commands.shared.options import PATH, outputs_option, overwrite_option
from napari_lattice_symmetry.commands.shared.results import require_result, row_of_frame
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import check_free
from napari_lattice_symmetry.io.writing.write import WRITTEN_SUFFIXES, write_layer_stack
from napari_lattice_symmetry.report.map_plots import PLOTTED, plot_map
from napari_lattice_symmetry.results import MovieResult, plot_fractions, plot_maps, write_fractions
from napari_lattice_symmetry.results.column import Column, read_column
from napari_lattice_symmetry.results.export import result_layer_stack
from napari_lattice_symmetry.results.plots import save_figure, save_movie

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Plot: TypeAlias = "Callable[[MovieResult, int], Figure]"

_TABLES = (".csv", ".parquet")
_FIGURES = (".png", ".svg")
_FILMS = (".gif", ".mp4")


@click.command()
@click.argument("result", type=PATH)
@outputs_option(
    f"Where to; can be given several times. Maps end in {', '.join(WRITTEN_SUFFIXES)} "
    f"(ImageJ), tables of phase fractions in {' or '.join(_TABLES)}, figures in "
    f"{' or '.join(_FIGURES)}, films of the maps in {' or '.join(_FILMS)}.",
    required=True,
)
@click.option(
    "--frame",
    type=click.IntRange(0),
    help="Draw the maps of this frame of the movie, not the phase fractions.",
)
@click.option(
    "--map",
    "name",
    type=click.Choice(PLOTTED),
    help="Draw this map alone, of the frame or as a film.  [default: classes and uncertainty]",
)
@click.option(
    "--legend/--no-legend", default=True, show_default=True, help="Beside a map that is alone."
)
@click.option(
    "--scale-bar/--no-scale-bar", default=True, show_default=True, help="On a map that is alone."
)
@click.option(
    "--along",
    type=PATH,
    help="A table (CSV) of what was recorded beside the movie, such as the temperature: the axis "
    "of the figure of phase fractions, and a column of their table. Its rows are frames, or what "
    "its column frame or time (s) says.",
)
@click.option("--column", help="Which column of it.  [default: the first]")
@overwrite_option
def export(
    result: Path,
    *,
    outputs: tuple[Path, ...],
    frame: int | None,
    name: str | None,
    legend: bool,
    scale_bar: bool,
    along: Path | None,
    column: str | None,
    overwrite: bool,
) -> None:
    """Write a saved RESULT for other programs.

    The ending of each name says how: maps with their calibration, a table, a figure or a film.
    """
    if column is not None and along is None:
        raise InputError(f"Give the table that has the column {column!r} with --along.")
    axis = None if along is None else read_column(along, column)
    loaded = require_result(result)
    plot: Plot = plot_maps
    if name is not None or not (legend and scale_bar):
        plot = partial(plot_map, name=name or "labels", legend=legend, scale_bar=scale_bar)
    for output in outputs:
        if name is not None and frame is None and output.suffix.lower() in _FIGURES:
            raise InputError(f"Say of which frame the map {name!r} is to be drawn with --frame.")
        _export(loaded, output, frame=frame, along=axis, plot=plot, overwrite=overwrite)
        click.echo(f"Wrote {output}.")


def _export(
    result: MovieResult,
    output: Path,
    *,
    frame: int | None,
    along: Column | None,
    plot: Plot,
    overwrite: bool,
) -> None:
    suffix = output.suffix.lower()
    if suffix not in (*_TABLES, *_FIGURES, *_FILMS):
        write_layer_stack(result_layer_stack(result), output, overwrite=overwrite)
        return
    check_free(output, overwrite=overwrite)
    if suffix in _TABLES:
        write_fractions(result, output, along=along)
        return
    if suffix in _FILMS:
        save_movie(result, output, plot=plot)
        return
    if frame is None:
        save_figure(plot_fractions(result, along=along), output)
    else:
        save_figure(plot(result, row_of_frame(result, frame)), output)
