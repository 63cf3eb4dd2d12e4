"""The command ``lattice-symmetry analyze``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from napari_lattice_symmetry.analysis import Known, stream, window_warning
from napari_lattice_symmetry.bravais.parameters import ANSWERS, AnalysisParameters, parse_parameters
from napari_lattice_symmetry.commands.shared.batch import expand, outputs_of, run_each
from napari_lattice_symmetry.commands.shared.correction import corrected, known_option
from napari_lattice_symmetry.commands.shared.options import (
    PATH,
    calibration_options,
    file_options,
    frames_option,
    output_option,
    overwrite_option,
    settings_options,
)
from napari_lattice_symmetry.commands.shared.outputs import beside
from napari_lattice_symmetry.commands.shared.progress import progress
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import AnalysisError, InputError, LatticeSymmetryError
from napari_lattice_symmetry.files import check_free
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.io.axes import FramesAre
from napari_lattice_symmetry.lattice import AT_LEAST, CLASSES, at_least
from napari_lattice_symmetry.results import MovieResult, check_target, plot_fractions, plot_maps
from napari_lattice_symmetry.results.areas import area_fractions
from napari_lattice_symmetry.results.plots import save_figure

if TYPE_CHECKING:
    from napari_lattice_symmetry.analysis.cluster import Scheduler


@click.command()
@click.argument("files", nargs=-1, required=True, type=PATH, metavar="FILE...")
@output_option(
    "Zarr folder for the result, or a folder for the results of several files.  "
    "[default: FILE's name with .zarr, here]"
)
@overwrite_option
@file_options
@frames_option
@calibration_options
@click.option("--plots/--no-plots", default=True, show_default=True, help="Draw figures as PNG.")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers analyze.")
@click.option(
    "--workers", type=click.IntRange(1), help="Start so many Dask workers on this machine."
)
@known_option
@settings_options(AnalysisParameters)
def analyze(
    files: tuple[Path, ...],
    *,
    output: Path | None,
    overwrite: bool,
    dataset: str | None,
    channel: str | None,
    frames_are: FramesAre | None,
    pixel_size: tuple[float, float] | None,
    frame_time: float | None,
    plots: bool,
    scheduler: str | None,
    workers: int | None,
    known: Known | None,
    **settings: Any,
) -> None:
    """Analyze the movie or image in each FILE.

    FILE may be a pattern such as "*.dm4". Writes the result (Zarr) frame by frame and, at the
    end, the phase fractions (CSV) and figures (PNG) beside it, and prints the phase fractions.
    Whatever ends a run early, the same command continues after the finished frames. A file that
    fails does not stop the others.
    """
    if scheduler and workers:
        raise InputError("Give either --scheduler or --workers, not both.")
    parameters = parse_parameters(**settings)
    with ExitStack() as ended:
        analyze_one = partial(
            _analyze_one,
            parameters=parameters,
            known=known,
            read=partial(
                _read,
                {"dataset": dataset, "channel": channel, "frames_are": frames_are},
                (pixel_size, frame_time),
            ),
            start=cache(lambda: ended.enter_context(_cluster(scheduler, workers))),
            overwrite=overwrite,
            plots=plots,
        )
        run_each(outputs_of(expand(files), output), analyze_one)


def _analyze_one(
    file: Path,
    output: Path,
    *,
    parameters: AnalysisParameters,
    known: Known | None,
    read: Callable[[Path], Movie],
    start: Callable[[], Scheduler | None],
    overwrite: bool,
    plots: bool,
) -> None:
    table, *figures = [
        beside(output, end) for end in ("fractions.csv", "fractions.png", "maps.png")
    ]
    written = [output, table, *(figures if plots else [])]

    movie = read(file)
    if known is not None:
        parameters = corrected(movie, parameters, known)
    for path in written[1:]:
        check_free(path, overwrite=overwrite or output.exists())
    check_target(output, movie, parameters, overwrite=overwrite)
    if warning := window_warning(movie, parameters.window):
        click.echo(f"Warning: {warning}", err=True)
    result, interruption = _run(movie, parameters, output, overwrite, start())
    n_done, n = int(result.done.sum()), len(result.done)
    if interruption:
        kept = f"{n_done} of {n} frames are finished and kept" if n_done else "no frame is finished"
        click.echo(f"Stopped early: {kept}.", err=True)
    if isinstance(interruption, LatticeSymmetryError):
        raise interruption
    if n_done:
        result.to_csv(table)
        if plots:
            _save_figures(result, *figures)
        click.echo(_phase_table(result))
        click.echo("Wrote " + ", ".join(map(str, written)) + ".")
    if interruption:
        raise interruption


def _read(
    choice: dict[str, Any],
    calibration: tuple[tuple[float, float] | None, float | None],
    file: Path,
) -> Movie:
    """Read a movie frame by frame, and note what was chosen of the file and set by hand."""
    movie = read_movie(file, **choice, lazy=True)
    return replace(movie.recalibrated(*calibration), **choice)


def _cluster(
    scheduler: str | None, workers: int | None
) -> AbstractContextManager[Scheduler | None]:
    """Start what is to analyze: nothing if that is done right here."""
    if scheduler or workers:  # of a cluster that is lost, Dask leaves tracebacks at the very end
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    if workers is None:
        return nullcontext(scheduler)
    from napari_lattice_symmetry.analysis.cluster import local_cluster

    return local_cluster(workers)


def _run(
    movie: Movie,
    parameters: AnalysisParameters,
    output: Path,
    overwrite: bool,
    scheduler: Scheduler | None,
) -> tuple[MovieResult, KeyboardInterrupt | AnalysisError | None]:
    """Fill a result frame by frame behind a progress bar; give it, and what ended it early."""
    steps = stream(
        movie,
        parameters,
        output=output,
        overwrite=overwrite,
        scheduler=scheduler,
        progress=lambda done, total: shown.show(done),
    )
    interruption = None
    with closing(steps):
        result = next(steps).result
        size, n, n_before = result.grid.size, len(result.done), int(result.done.sum())
        start = perf_counter()
        with progress(movie.name, n * size, n_before * size) as shown:
            try:
                for step in steps:
                    if step.frame is not None and step.frame.failure:
                        shown.tell(step.frame.failure)
            except (KeyboardInterrupt, AnalysisError) as error:
                interruption = error
    seconds, n_done = perf_counter() - start, int(result.done.sum())
    windows = (n_done - n_before) * size
    earlier = f" ({n_before} of them before)" if n_before else ""
    skipped = f", {result.failed.sum()} skipped" if result.failed.any() else ""
    click.echo(f"{n_done} of {n} frames{earlier}{skipped}, {windows} windows in {seconds:.1f} s.")
    return result, interruption


def _save_figures(result: MovieResult, fractions: Path, maps: Path) -> None:
    """Draw the phase fractions, and the maps of the last frame that was analyzed."""
    last = _analyzed_ends(result)[-1]
    save_figure(plot_fractions(result), fractions)
    save_figure(plot_maps(result, last), maps)


def _analyzed_ends(result: MovieResult) -> list[int]:
    """Return the rows of the first and the last frame that show something."""
    analyzed = np.flatnonzero(np.asarray((result.labels > 0).any(axis=(1, 2))))
    return sorted({int(analyzed[0]), int(analyzed[-1])}) if len(analyzed) else [0]


def _phase_table(result: MovieResult) -> str:
    """Tell the area fractions of the first and the last frame."""
    rows = _analyzed_ends(result)
    areas = area_fractions(result)
    heads = (f"frame {result.frame_indices[row]}" for row in rows)
    lines = [f"Classes are the answer of: {ANSWERS[result.parameters.answer]}."]
    lines += [f"{'Area fraction (95 %)':<22}" + "".join(f"{head:>24}" for head in heads)]
    for k, name in enumerate(CLASSES):
        values = (
            f"{areas.values[t, k]:.3f} ({areas.low[t, k]:.3f} to {areas.high[t, k]:.3f})"
            for t in rows
        )
        lines.append(f"{name:<22}" + "".join(f"{value:>24}" for value in values))
    for name in AT_LEAST:
        sums = (f"{at_least(areas.values[t], name):.3f}" for t in rows)
        title = f"at least {name.removesuffix(' rectangular')}"
        lines.append(f"{title:<22}" + "".join(f"{value:>7}{17 * ' '}" for value in sums).rstrip())
    return "\n".join(lines)
