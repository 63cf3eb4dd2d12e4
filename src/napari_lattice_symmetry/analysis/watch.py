"""The analysis of a movie while it is recorded: each frame as it lands, and none is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from napari_lattice_symmetry import bravais
from napari_lattice_symmetry.analysis.frame import WindowAnalysis, iter_frame
from napari_lattice_symmetry.analysis.writing import ResultStep, give_steps
from napari_lattice_symmetry.bravais.classifier import Classifier
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.growing import GrowingMovie, NewFrame
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.growing import open_growing
from napari_lattice_symmetry.results.growing import (
    Growing,
    GrowingResult,
    check_growing_target,
    open_growing_result,
)

__all__ = ["WATCH_SETTINGS", "WatchStep", "iter_watch", "open_growing"]

_CHOICE_OF_FRAMES = ("first_frame", "last_frame", "frame_step")

WATCH_SETTINGS = tuple(
    name for name in AnalysisParameters.model_fields if name not in _CHOICE_OF_FRAMES
)
"""The parameters of the analysis of a movie that grows, of which all frames are analyzed."""


@dataclass(frozen=True, eq=False)
class WatchStep(ResultStep[Growing | None]):
    """What has happened, and what there is still to do.

    Attributes
    ----------
    result : GrowingResult, GrowingStore or None
        What the frame belongs in; None before the first image.
    landed, frame
        A frame that was analyzed, and its maps; None if nothing was.
    in_result : bool
        Whether the frame is in the result.
    backlog : int
        How many frames wait.
    message : str
        What frames are waited for, or why none can be seen; may be empty.
    """

    result: Growing | None = None
    landed: NewFrame | None = None
    backlog: int = 0
    message: str = ""

    def _make_room(self) -> None:
        if self.result is not None and self.landed is not None and not self.landed.again:
            self.result.make_room(self.landed.row, self.landed.name)


def iter_watch(
    movie: GrowingMovie,
    parameters: AnalysisParameters | None = None,
    *,
    output: Path | None = None,
    overwrite: bool = False,
    model: Classifier | None = None,
    stop_after: float | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[WatchStep]:
    """Analyze the frames of a movie as they land.

    A frame that is constant, or cannot be read, is as in `iter_analyze`: not analyzed, or
    marked as failed; a run goes on after any number of them. A file that changes after it had
    been given up is analyzed again, and its row replaced.

    Parameters
    ----------
    movie : GrowingMovie
        What to watch; see `io.growing.open_growing`.
    parameters : AnalysisParameters, optional
        Settings; the defaults if not given.
    output : pathlib.Path, optional
        Zarr folder to write every frame to. A result of the same source, parameters and
        weights is continued.
    overwrite : bool
        Whether an older result in `output` is replaced rather than continued.
    model : Classifier, optional
        A loaded network; `parameters.network` is loaded if not given.
    stop_after : float, optional
        Seconds without a new frame after which the iterator ends, once none waits.
    should_stop : callable, optional
        Asked before every frame and block of windows; once it says True, the iterator ends.

    Yields
    ------
    WatchStep
        One a frame, and one whenever there is something else to tell. With an `output` the
        frames are in the result already, each of them written while the next is analyzed.
        Without, whoever takes a step inserts its frame, so that no array changes while it is
        drawn.

    Raises
    ------
    InputError
        If frames are to be left out, the window does not fit into the first one, there is
        something in the way at `output`, or the first file holds several images of which none
        is chosen (`ChoiceError`).
    ModelError
        If the network cannot be loaded.
    AnalysisError
        If the network fails or the result cannot be written.
    """
    parameters = (parameters or AnalysisParameters()).answerable(model)
    _check_that_all_frames_count(parameters)
    if output is not None:
        check_growing_target(output, movie, parameters, overwrite=overwrite)
    return _watch(
        movie,
        parameters,
        output=output,
        overwrite=overwrite,
        model=model,
        stop_after=stop_after,
        should_stop=should_stop or (lambda: False),
    )


def _watch(
    movie: GrowingMovie,
    parameters: AnalysisParameters,
    *,
    output: Path | None,
    overwrite: bool,
    model: Classifier | None,
    stop_after: float | None,
    should_stop: Callable[[], bool],
) -> Iterator[WatchStep]:
    model = model or bravais.load_model(parameters.network, parameters.engine)
    with ExitStack() as opened:

        @cache
        def begin() -> Growing:
            """Open the result, once it is known how large frames are."""
            if output is None:
                assert movie.first is not None
                return GrowingResult.begin(movie.first, parameters, model)
            return opened.enter_context(
                open_growing_result(output, movie, parameters, model, overwrite=overwrite)
            )

        if output is not None and output.exists() and not overwrite:
            result = begin()
            names = np.array(result.names, dtype=object)
            shown = result.done & ~np.isnan(result.fractions).all(axis=1)
            checksums = result.maps.get("checksum")  # not there in the first version
            known = (
                {} if checksums is None else dict(zip(names, np.asarray(checksums), strict=True))
            )
            movie.resume(names, names[~shown], known)
            for name in names[shown]:
                if should_stop():
                    return
                movie.check(name)
            yield WatchStep(result, backlog=movie.backlog)
        news = _landings(movie, stop_after, should_stop)
        steps = _steps(news, movie, model, begin, should_stop)
        yield from give_steps(steps, inserted=output is not None)


def _steps(
    news: Iterator[NewFrame | WatchStep | None],
    movie: GrowingMovie,
    model: Classifier,
    begin: Callable[[], Growing],
    should_stop: Callable[[], bool],
) -> Iterator[WatchStep | None]:
    """Analyze frames as they land; None stands for a moment in between."""
    unread: list[NewFrame] = []  # before the first image
    for new in news:
        if new is None or isinstance(new, WatchStep):
            yield new
            continue
        if movie.first is None:
            unread.append(new)
            yield WatchStep(backlog=movie.backlog, message=new.failure)
            continue
        result = begin()
        _check_size(movie.first, result)
        for landed in [*unread, new]:
            frame = None
            for frame in iter_frame(
                WindowAnalysis(result.grid, result.parameters, result.pixel_size, result.unit),
                model,
                landed.image,
                f"{result.name}, {landed.name}",
                index=landed.row,
                position=landed.row,
                failure=landed.failure,
                should_stop=should_stop,
            ):
                if frame is None:
                    yield None
                else:
                    yield WatchStep(result, frame, landed=landed, backlog=movie.backlog)
            if frame is None:  # it was stopped
                return
        unread = []


def _landings(
    movie: GrowingMovie, stop_after: float | None, should_stop: Callable[[], bool]
) -> Iterator[NewFrame | WatchStep | None]:
    """Give frames as they land, and tell whatever changes in between; None if nothing does."""
    told, since = None, time.monotonic()
    held_up, held_up_since = "", since
    while not should_stop():
        movie.poll()
        landed = movie.take()
        if landed is not None:
            yield landed
            told, since = None, time.monotonic()
            continue
        if movie.held_up_by != held_up:
            held_up, held_up_since = movie.held_up_by, time.monotonic()
        message = movie.trouble
        if held_up and time.monotonic() - held_up_since > 2 * movie.interval:  # else that is usual
            message = message or f"Waiting for {held_up}, which is not complete."
        if (movie.backlog, message) != told:
            told, since = (movie.backlog, message), time.monotonic()
            yield WatchStep(backlog=movie.backlog, message=message)
        if stop_after is not None:
            longest = max(stop_after, movie.patience) if held_up else stop_after
            if time.monotonic() - since > longest:
                return
        yield None
        time.sleep(movie.interval / 4)


def _check_that_all_frames_count(parameters: AnalysisParameters) -> None:
    fields = AnalysisParameters.model_fields
    if any(getattr(parameters, name) != fields[name].default for name in _CHOICE_OF_FRAMES):
        raise InputError(
            "Of a movie that grows all frames are analyzed; leave out first frame, last frame and "
            "frame step."
        )


def _check_size(first: Movie, result: Growing) -> None:
    """See that the frames are of the size of those in a result that is continued."""
    ours, theirs = first.shape[1:], result.grid.frame_shape
    if ours != theirs:
        raise InputError(
            f"{first.source} holds frames of {ours[0]} x {ours[1]} px, its result those of "
            f"{theirs[0]} x {theirs[1]} px; choose another name for the result, or overwrite it."
        )
