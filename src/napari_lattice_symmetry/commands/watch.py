"""The command ``lattice-symmetry watch``."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import click
import numpy as np

from napari_lattice_symmetry import bravais
from napari_lattice_symmetry.analysis.watch import WATCH_SETTINGS, iter_watch
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters, parse_parameters
from napari_lattice_symmetry.commands.shared.batch import outputs_of
from napari_lattice_symmetry.commands.shared.options import (
    PATH,
    calibration_options,
    file_options,
    output_option,
    overwrite_option,
    settings_options,
)
from napari_lattice_symmetry.commands.shared.outputs import beside
from napari_lattice_symmetry.data.growing import INTERVAL
from napari_lattice_symmetry.files import check_free
from napari_lattice_symmetry.io.growing import open_growing
from napari_lattice_symmetry.lattice import CLASSES, LABELS
from napari_lattice_symmetry.results import FrameResult, MovieResult, load_result

_SECONDS = click.FloatRange(0, min_open=True)


@click.command()
@click.argument("place", type=PATH)
@output_option("Zarr folder for the result.  [default: PLACE's name with .zarr, here]")
@overwrite_option
@click.option(
    "--pattern",
    default="*",
    show_default=True,
    help='Which files of a folder are frames, such as "*.tif".',
)
@file_options
@calibration_options
@click.option(
    "--stop-after",
    type=_SECONDS,
    metavar="SECONDS",
    help="End when no frame has come for so long.  [default: go on until Ctrl-C]",
)
@click.option(
    "--interval",
    type=_SECONDS,
    metavar="SECONDS",
    default=INTERVAL,
    show_default=True,
    help="How long a file has to be left alone before it is read.",
)
@settings_options(AnalysisParameters, *WATCH_SETTINGS)
def watch(
    place: Path,
    *,
    output: Path | None,
    overwrite: bool,
    pattern: str,
    dataset: str | None,
    channel: str | None,
    pixel_size: tuple[float, float] | None,
    frame_time: float | None,
    stop_after: float | None,
    interval: float,
    **settings: Any,
) -> None:
    """Analyze the frames in PLACE as they are written.

    PLACE is a folder that images are written to, one a frame, or a TIFF file that gets page after
    page, or a Zarr array that gets longer. For each frame it prints the share of each class, and
    how many frames wait. Every frame is kept as soon as it is done; Ctrl-C ends the watch, and the
    same command continues it. At the end the phase fractions are written beside the result (CSV).
    """
    parameters = parse_parameters(**settings)
    output = outputs_of([place], output)[place]
    table = beside(output, "fractions.csv")
    check_free(table, overwrite=overwrite or output.exists())
    movie = open_growing(
        place, pattern=pattern, dataset=dataset, channel=channel, interval=interval
    )
    movie.calibrate(pixel_size, frame_time)
    n_waiting = 0
    with _until_interrupted() as should_stop:
        steps = iter_watch(
            movie,
            parameters,
            output=output,
            overwrite=overwrite,
            model=bravais.load_model(parameters.network, parameters.engine),
            stop_after=stop_after,
            should_stop=should_stop,
        )
        click.echo(f"Watching {place}; Ctrl-C ends it.")
        for step in steps:
            n_waiting = step.backlog
            if step.message:
                click.echo(step.message, err=True)
            if step.landed is not None and step.frame is not None:
                click.echo(
                    _describe(step.landed.name, step.frame, n_waiting), err=step.frame.failure != ""
                )
    if n_waiting:
        click.echo(f"Still waiting: {n_waiting}; the same command goes on from here.")
    if output.exists():
        _conclude(load_result(output), output, table)
    else:
        click.echo("No frame has come.")


@contextmanager
def _until_interrupted() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C, or a polite kill, end what is under way; a second one ends it at once."""
    interrupted = Event()

    def note(number: int, _frame: object) -> None:
        interrupted.set()
        signal.signal(number, before[number])

    before: dict[int, Any] = {
        number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)
    }
    for number in before:
        signal.signal(number, note)
    try:
        yield interrupted.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _describe(name: str, frame: FrameResult, n_waiting: int) -> str:
    """Say in a line what a frame shows: the area share of each class."""
    if frame.failure:
        return f"{name}: skipped: {frame.failure}"
    labels = frame.labels[frame.labels > 0]
    if not labels.size:
        return f"{name}: nothing to analyze"
    shares = {word: float(np.mean(labels == LABELS[word])) for word in CLASSES}
    found = sorted((word for word in CLASSES if shares[word]), key=lambda word: -shares[word])
    text = ", ".join(f"{word} {shares[word]:.0%}" for word in found)
    return f"{name}: {text}" + (f"  ({n_waiting} waiting)" if n_waiting else "")


def _conclude(result: MovieResult, output: Path, table: Path) -> None:
    result.to_csv(table)
    skipped = f", {result.failed.sum()} skipped" if result.failed.any() else ""
    click.echo(f"{result.done.sum()} frames analyzed{skipped}. Wrote {output}, {table}.")
