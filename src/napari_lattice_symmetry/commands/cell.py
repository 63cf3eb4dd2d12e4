"""The command ``lattice-symmetry cell``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np

from napari_lattice_symmetry.analysis.cell_windows import (
    MAX_WINDOWS,
    AveragedCell,
    Places,
    average_pixel_size,
    average_windows,
    places_of_class,
    places_of_frames,
    window_side,
)
from napari_lattice_symmetry.analysis.grains import places_of_grain
from napari_lattice_symmetry.analysis.residuals import RESIDUAL, write_residuals
from napari_lattice_symmetry.cells import KNOWN_CELLS, PixelSize
from napari_lattice_symmetry.cells.parameters import CellParameters, PixelParameters
from napari_lattice_symmetry.cells.plots import plot_cell
from napari_lattice_symmetry.cells.strain import known_basis
from napari_lattice_symmetry.cells.writing import ATOMS, SUFFIXES, write_cell
from napari_lattice_symmetry.commands.shared.cells import known_cell_option, rectangle_option
from napari_lattice_symmetry.commands.shared.options import (
    PATH,
    calibration_options,
    file_options,
    frames_option,
    outputs_option,
    overwrite_option,
    settings_options,
)
from napari_lattice_symmetry.commands.shared.outputs import check_outputs
from napari_lattice_symmetry.commands.shared.progress import progress
from napari_lattice_symmetry.commands.shared.results import require_result
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.io.axes import FramesAre
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS
from napari_lattice_symmetry.results.plots import save_figure

_FIGURES = (".png", ".svg")


@click.command()
@click.argument("file", type=PATH)
@click.option("--frame", type=click.IntRange(0), help="Only this frame.  [default: all]")
@click.option(
    "--at",
    "center",
    type=(float, float),
    metavar="X Y",
    help="Only the window around this place, in px.  [default: the whole frame]",
)
@rectangle_option("Only windows that lie in this rectangle.")
@click.option(
    "--result",
    type=PATH,
    help="Only windows of a class (--of) or of a grain (--grain) in this saved result of FILE.",
)
@click.option("--of", "name", type=click.Choice(CLASSES[:-1]), help="Class of the windows.")
@click.option(
    "--grain",
    type=(float, float),
    metavar="X Y",
    help="The grain at this place, in px: connected windows of a class with like lattices. The "
    "result has to have lattice maps.",
)
@click.option(
    "--material",
    type=click.Choice(list(KNOWN_CELLS)),
    help="Also tell the pixel size at which the lattice is that of this material.",
)
@known_cell_option("Also tell the pixel size at which the lattice is this one.")
@settings_options(PixelParameters, square="square-pixels")
@settings_options(CellParameters)
@outputs_option(
    f"Also write the cell: {', '.join((*SUFFIXES, *_FIGURES))}; {ATOMS}, its atoms; {RESIDUAL}, "
    "what it leaves of the frames."
)
@overwrite_option
@file_options
@frames_option
@calibration_options
def cell(
    file: Path,
    *,
    frame: int | None,
    center: tuple[float, float] | None,
    rectangle: tuple[float, float, float, float] | None,
    result: Path | None,
    name: str | None,
    grain: tuple[float, float] | None,
    material: str | None,
    known: tuple[float, float, float] | None,
    square: bool,
    window: int | None,
    lattice: str,
    tolerance: float,
    outputs: tuple[Path, ...],
    overwrite: bool,
    dataset: str | None,
    channel: str | None,
    frames_are: FramesAre | None,
    pixel_size: tuple[float, float] | None,
    frame_time: float | None,
) -> None:
    """Average the unit cell in FILE and name its plane group.

    Windows side by side over the frames are brought to one origin and averaged; those of another
    grain are left out. Prints the cell, the group, and what breaks each group.
    """
    check_outputs(outputs, (*SUFFIXES, *_FIGURES), overwrite=overwrite)
    movie = read_movie(file, dataset=dataset, channel=channel, frames_are=frames_are, lazy=True)
    movie = movie.recalibrated(pixel_size, frame_time)
    if any(output.suffix.lower() == ".cif" for output in outputs) and not movie.calibrated:
        raise InputError(f"The pixel size of {file} is not known; a .cif needs --pixel-size.")
    wanted = [each for each in (material, known) if each is not None]
    if square and not wanted:
        raise InputError("Give --material or --known with --square-pixels.")
    for each in wanted:
        known_basis(each)  # raises if there is no such cell
    if frame is not None and frame >= len(movie):
        raise InputError(f"{file} has the frames 0 to {len(movie) - 1}; there is no frame {frame}.")
    frames = range(len(movie)) if frame is None else [frame]
    _check_windows(center, rectangle, result, name=name, grain=grain, window=window)
    if result is not None:
        places, side = _places_in_result(movie, result, name, grain, frames)
    else:
        side = window or window_side(movie.frame(frames[0]))
        places = _places(movie, frames, side, center, rectangle)
    n = min(len(places), MAX_WINDOWS)
    with progress(movie.name, n) as shown:
        averaged = average_windows(
            movie,
            places,
            side,
            lattice=lattice,
            tolerance=tolerance,
            progress=lambda done, total: shown.show(n * done // total),
        )
    found = averaged.cell
    click.echo("\n".join(_describe(averaged)))
    for cell_known in wanted:
        size = average_pixel_size(movie, averaged.places, side, cell_known, square=square)
        click.echo(f"As {_told(cell_known)}: {' '.join(_describe_size(size, movie))}")
    for output in outputs:
        if output.suffix.lower() in _FIGURES:
            save_figure(plot_cell(found), output)
        elif output.name.lower().endswith(RESIDUAL):
            write_residuals(averaged, movie, output, overwrite=overwrite)
        else:
            write_cell(found, output, overwrite=overwrite)
        click.echo(f"Wrote {output}.")


def _check_windows(
    center: tuple[float, float] | None,
    rectangle: tuple[float, float, float, float] | None,
    result: Path | None,
    *,
    name: str | None,
    grain: tuple[float, float] | None,
    window: int | None,
) -> None:
    """Raise an `InputError` where options that choose windows contradict each other."""
    if sum(each is not None for each in (center, rectangle, result)) > 1:
        raise InputError("Give one of --at, --in and --result.")
    if not np.isfinite([*(center or ()), *(rectangle or ()), *(grain or ())]).all():
        raise InputError("Places of --at, --in and --grain are numbers of pixels.")
    if (name is not None) + (grain is not None) != (result is not None):
        raise InputError(
            "Give --of, a class, or --grain, a place, with --result, where it is looked for."
        )
    if result is not None and window is not None:
        raise InputError("The windows of --result have its own side; leave --window out.")


def _told(known: str | tuple[float, float, float]) -> str:
    if isinstance(known, str):
        return known
    return "a = {:g}, b = {:g} nm, gamma = {:g}°".format(*known)


def _places(
    movie: Movie,
    frames: Sequence[int],
    side: int,
    center: tuple[float, float] | None,
    rectangle: tuple[float, float, float, float] | None,
) -> Places:
    """List the windows side by side, in a rectangle if there is one, or those around a place."""
    height, width = movie.shape[1:]
    if rectangle is not None:
        x0, y0, x1, y1 = rectangle
        y, x = np.mgrid[:height, :width]
        inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
        return places_of_frames((height, width), frames, side, inside)
    if center is None:
        return places_of_frames((height, width), frames, side)
    x, y = (round(place - (side - 1) / 2) for place in center)
    if not (0 <= x <= width - side and 0 <= y <= height - side):
        raise InputError(
            f"A window of {side} px around {center[0]:g}, {center[1]:g} leaves the frame of "
            f"{width} x {height} px."
        )
    return np.array([(frame, y, x) for frame in frames])


def _places_in_result(
    movie: Movie,
    path: Path,
    name: str | None,
    grain: tuple[float, float] | None,
    frames: Sequence[int],
) -> tuple[Places, int]:
    """List the windows of a class or a grain in a result, and give their side."""
    result = require_result(path)
    if movie.shape[1:] != result.grid.frame_shape or len(movie) <= result.frame_indices[-1]:
        raise InputError(f"{path} is not the result of this movie: its frames are other ones.")
    if grain is not None:
        return places_of_grain(result, grain, frames), result.grid.window
    return places_of_class(result, name or "", frames), result.grid.window


def _describe_size(size: PixelSize, movie: Movie) -> Iterator[str]:
    """Tell a pixel size, by how much that of the movie is off, and what speaks against it."""
    yield (
        f"pixels of {size.x:.5f} ± {size.x_error:.5f} nm along x, "
        f"{size.y:.5f} ± {size.y_error:.5f} nm along y (misfit {size.misfit:.1%})."
    )
    if size.sampled:
        yield f"Fitted: {size.sampled}."
    if movie.calibrated:
        y, x = movie.pixel_size
        yield f"Those of the movie are off by {x / size.x - 1:+.1%} and {y / size.y - 1:+.1%}."
    if size.remarks:
        yield size.remarks


def _describe(averaged: AveragedCell) -> Iterator[str]:
    cell = averaged.cell
    yield f"{len(cell.places)} of {averaged.tried} windows, {cell.n_cells:.0f} cells"
    if averaged.sampled:
        yield f"Looked at: {averaged.sampled}"
    a, b, gamma = cell.errors
    yield (
        f"a = {cell.a:.5g} ± {a:.1g}, b = {cell.b:.5g} ± {b:.1g} {cell.unit}, "
        f"gamma = {cell.gamma:.2f} ± {gamma:.1g}°"
    )
    if cell.remarks:
        yield f"{cell.remarks[0].upper()}{cell.remarks[1:]}."
    yield f"Plane group: {cell.group.remarks}"
    if cell.group.lost:
        yield cell.group.lost
    if cell.group.table:
        if cell.group.among:
            yield cell.group.among
        at_least = (f"{name} {cell.group.at_least(name):.2f}" for name in ("p2", "p4"))
        yield f"At least {', at least '.join(at_least)}"
        yield f"{'group':<6}{'probability':>12}{'R':>8}{'phases':>9}{'p':>10}"
    for name in PLANE_GROUPS:
        if name in cell.group.table:
            row = cell.group.table[name]
            yield (
                f"{name:<6}{row.probability:>12.3f}{row.departure:>8.1%}"
                f"{row.phase_residual:>8.1f}°{row.p_value:>10.2g}"
            )
    motif = cell.motif()
    for k in range(len(motif)):
        x, y = (
            f"{place:.4f} ± {error:.4f}" if error else f"{place:.4f}"  # symmetry fixes it
            for place, error in zip(motif.fractions[k], motif.errors[k], strict=True)
        )
        yield (
            f"atom {motif.multiplicity[k]}{motif.letters[k]} ({motif.symmetries[k]}) at {x}, {y}, "
            f"height {motif.intensity[k]:.4g} ± {motif.intensity_error[k]:.2g}"
            + (f"; {motif.remarks[k]}" if motif.remarks[k] else "")
        )
