"""Reading frames, of which some may be damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from numpy.typing import NDArray

from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import AnalysisError, guard
from napari_lattice_symmetry.io.growing.waiting import Stamp, stamp_of

Reading: TypeAlias = tuple[NDArray[Any] | None, str]
"""A frame, or None and why it cannot be read."""

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


class Patience:
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
        """Give the stamp of a file from which frames are still read."""
        is_lazy = hasattr(self._movie.frames, "dask")
        return stamp_of(self._source) if self._source and is_lazy else None
