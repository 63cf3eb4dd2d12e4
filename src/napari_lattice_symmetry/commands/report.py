"""The command ``lattice-symmetry report``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from napari_lattice_symmetry.commands.shared.options import (
    PATH,
    file_options,
    frames_option,
    output_option,
    overwrite_option,
)
from napari_lattice_symmetry.commands.shared.results import require_result
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import check_free
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.io.axes import FramesAre
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.results.provenance import CHOICE


@click.command()
@click.argument("result", type=PATH)
@output_option("HTML file for the report.  [default: RESULT's name with _report.html, beside it]")
@click.option(
    "--movie",
    "movie_path",
    type=PATH,
    help="The movie that was analyzed, if it is no longer where it was.",
)
@file_options
@frames_option
@click.option(
    "--growth",
    type=(click.Choice(CLASSES), float),
    multiple=True,
    metavar="CLASS TIME",
    help="Also fit how the fraction of a class grows after an initial interval that ends at TIME "
    "(s, or frame); can be given several times.",
)
@overwrite_option
def report(
    result: Path,
    *,
    output: Path | None,
    movie_path: Path | None,
    dataset: str | None,
    channel: str | None,
    frames_are: FramesAre | None,
    growth: tuple[tuple[str, float], ...],
    overwrite: bool,
) -> None:
    """Write a report on a saved RESULT.

    It is one HTML file to read, print and hand on. Frames are shown under their
    maps if the movie is still there and has not changed.
    """
    from napari_lattice_symmetry.evolution.curves import class_curves
    from napari_lattice_symmetry.evolution.kinetics import fit_growth
    from napari_lattice_symmetry.report.page import write_report

    output = output or result.with_name(f"{result.stem}_report.html")
    check_free(output, overwrite=overwrite)
    loaded = require_result(result)
    choice = {"dataset": dataset, "channel": channel, "frames_are": frames_are}
    movie = _find_movie(movie_path, loaded, choice)
    curves = class_curves(loaded)
    fits = [fit_growth(curves[name], end) for name, end in growth]
    write_report(loaded, output, movie, growth=fits)
    click.echo(f"Wrote {output}.")


def _find_movie(given: Path | None, result: MovieResult, choice: Mapping[str, Any]) -> Movie | None:
    """Open the movie that was given, or the source of a result if that can still be read.

    What is not chosen of it is as it was for the result.
    """
    chosen = {name: choice[name] or result.provenance.get(name) for name in CHOICE}
    if given is not None:
        return read_movie(given, **chosen, lazy=True)
    if result.source is None or not Path(result.source).exists():
        return None
    try:
        return read_movie(result.source, **chosen, lazy=True)
    except InputError as error:
        click.echo(f"The report has no frames: {error}", err=True)
        return None
