"""Reading frames, of which some may be damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

from numpy.typing import NDArray

from napari_lattice_symmetry.analysis.frame import AnalysisJob
from napari_lattice_symmetry.data.movie import Movie, is_blank
from napari_lattice_symmetry.errors import AnalysisError, InputError, guard
from napari_lattice_symmetry.io.growing.waiting import Stamp, stamp_of

Reading: TypeAlias = tuple[NDArray[Any] | None, str]
"""A frame, or None and why it cannot be read."""

Readings: TypeAlias = Iterator[tuple[int, Reading]]
"""Positions among the frames to analyze, and what was read there."""

MAX_FAILURES = 5
"""How many frames in a row may fail to be read before a run ends."""


def read_frame(movie: Movie, index: int) -> NDArray[Any]:
    """Read a frame of a movie, shape (Y, X).

    Raises
    ------
    AnalysisError
        If that fails, for whatever reason a lazy reader has.
    """
    with guard(f"{movie.source or movie.name}: frame {index} cannot be read", unless=()):
        return movie.frame(index)


def try_to_read(movie: Movie, index: int) -> Reading:
    """Read a frame; give it, or None and why it cannot be read."""
    try:
        return read_frame(movie, index), ""
    except AnalysisError as error:
        return None, str(error)


class FailureLimit:
    """Lets frames fail now and then, but not one after the other, nor without their file.

    Frames that stay in a file have to be those that were there at the start.
    """

    def __init__(self, movie: Movie) -> None:
        path = Path(movie.source or "")
        self._source = path if movie.source and path.exists() else None
        self._movie, self._name = movie, movie.source or movie.name
        self._stamp = self._stamp_now()
        self._fingerprint = movie.fingerprint if self._stamp else ""
        self._in_a_row = 0

    def note(self, failure: str) -> None:
        """Take note of a frame: why it could not be read, or an empty text.

        Raises
        ------
        AnalysisError
            If the file is gone or another movie now, or too many frames in a row have failed.
        """
        self._in_a_row = self._in_a_row + 1 if failure else 0
        if failure and self._source and not self._source.exists():
            raise AnalysisError(f"{self._source} is gone; put it back and continue.")
        if (stamp := self._stamp_now()) != self._stamp:
            self._stamp = stamp
            if replace(self._movie).fingerprint != self._fingerprint:  # which is noted once
                raise AnalysisError(
                    f"{self._source} became another movie while it was read; put the first one "
                    "back and continue, or analyze this one anew."
                )
        if self._in_a_row == MAX_FAILURES:
            raise AnalysisError(
                f"{self._name}: {MAX_FAILURES} frames in a row cannot be read; the last: {failure}"
            )

    def _stamp_now(self) -> Stamp | None:
        """Return the stamp of a file from which frames are still read."""
        is_lazy = hasattr(self._movie.frames, "dask")
        return stamp_of(self._source) if self._source and is_lazy else None


def read_frames(job: AnalysisJob, todo: list[int], should_stop: Callable[[], bool]) -> Readings:
    """Read the frames at the positions `todo`, one after the other.

    Raises
    ------
    AnalysisError
        As `FailureLimit`.
    """
    limit = FailureLimit(job.movie)
    for position in todo:
        if should_stop():
            return
        reading = try_to_read(job.movie, job.indices[position])
        limit.note(reading[1])
        yield position, reading


def look_ahead(job: AnalysisJob, readings: Readings, n_frames: int) -> Readings:
    """Read up to the first frame that shows something, lest a network runs on nothing.

    Raises
    ------
    AnalysisError, InputError
        If there is none.
    """
    leading = []
    for position, reading in readings:
        leading.append((position, reading))
        frame, _ = reading
        if frame is not None and not is_blank(frame):
            break
    else:
        if len(leading) == n_frames:  # it was not told to stop
            raise _nothing_to_see(job, [failure for _, (_, failure) in leading])
    return chain(leading, readings)


def _nothing_to_see(job: AnalysisJob, failures: list[str]) -> AnalysisError | InputError:
    if all(failures):
        return AnalysisError(f"Not one frame can be read; the last: {failures[-1]}")
    first, last = job.indices[0], job.indices[-1]
    return InputError(
        f"{job.movie.name}: every frame to analyze ({first} to {last}) is constant or NaN; "
        "choose frames that show an image."
    )
