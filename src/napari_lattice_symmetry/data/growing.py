"""A movie that grows while it is read: frames are taken whole, in order, and none is lost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.data.movie import Movie, frame_checksum
from napari_lattice_symmetry.errors import ChoiceError, InputError

INTERVAL = 0.5
"""Seconds for which a file has to be left alone before it is read."""

PATIENCE = 10.0
"""Seconds for which a frame that is not complete holds up those after it."""


@dataclass(frozen=True, eq=False)
class NewFrame:
    """A frame that is written to its end, or has been given up.

    Attributes
    ----------
    name : str
        Of the file, or the number of the page or array element, from 0.
    row : int
        Which frame of the movie that has landed so far; those after it have moved up by one.
    image : numpy.ndarray, shape (Y, X), or None
        Gray values; None if it cannot be read.
    failure : str
        Why it cannot be read; empty if it can.
    again : bool
        Whether the row was there before, and has changed since.
    """

    name: str
    row: int
    image: NDArray[Any] | None
    failure: str = ""
    again: bool = False


class GrowingMovie(ABC):
    """A movie that is being written.

    Call `poll` now and then, to see what is there, and `take` until it gives None. Frames come
    in the order of the finished movie. One that is not complete holds up those after it for
    `patience` seconds at most: then it is skipped over, and takes its place when it is complete.

    Parameters
    ----------
    path : pathlib.Path
        What is watched.
    name : str
        Short name, for layers and files.
    dataset : str, optional
        Which of several images in a file.
    channel : int or str, optional
        Which of several channels, by name or by number from 0.
    interval : float
        Seconds for which a file has to be left alone before it is read.
    patience : float
        Seconds for which a frame that is not complete holds up those after it.

    Attributes
    ----------
    names : list of str
        Of the frames that have landed, in order.
    first : Movie or None
        The first frame that could be read, with the calibration.
    trouble : str
        Why nothing can be seen now, such as a share that is gone; mostly empty.
    held_up_by : str
        Name of the frame that is not complete, and has others wait; mostly empty.
    set_by_hand : tuple
        Pixel size and frame time that `calibrate` was given, or None.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        *,
        dataset: str | None = None,
        channel: int | str | None = None,
        interval: float,
        patience: float,
    ) -> None:
        self.path, self.name = path, name
        self.frames_are: str | None = None  # those that come one by one have no such axis
        self.dataset, self.channel = dataset, None if channel is None else str(channel)
        self.interval, self.patience = interval, patience
        self.names: list[str] = []
        self.first: Movie | None = None
        self.trouble = self.held_up_by = ""
        self.set_by_hand: tuple[tuple[float, float] | None, float | None] = None, None
        self._keys: list[Any] = []
        self._dtypes: set[np.dtype[Any]] = set()
        self._checksums: dict[str, int] = {}

    @property
    def source(self) -> str:
        """What the frames come from."""
        return str(self.path.absolute())

    @property
    @abstractmethod
    def backlog(self) -> int:
        """How many frames are written, as far as one can see without reading them, and wait."""

    @abstractmethod
    def poll(self) -> None:
        """Look what is there; what cannot be reached is looked for again by the next call."""

    @abstractmethod
    def take(self) -> NewFrame | None:
        """Read the next frame if it is complete, and nothing is in the way.

        Raises
        ------
        ChoiceError
            If it holds several images of which none is chosen.
        """

    @abstractmethod
    def _read(self, name: str) -> Movie:
        """Read a frame, as a movie of one."""

    @abstractmethod
    def _order(self, name: str) -> Any:
        """Return what frames are sorted by."""

    @abstractmethod
    def _expect(self, failed: set[str]) -> None:
        """Note, when beginning after `names`, which of them are to be taken again."""

    def resume(
        self,
        names: Iterable[str],
        failed: Iterable[str] = (),
        checksums: Mapping[str, int] | None = None,
    ) -> None:
        """Begin after the frames `names`, but take those again that had `failed`.

        Parameters
        ----------
        names, failed : iterable of str
            As in the attribute `names`; those that showed nothing failed, too.
        checksums : mapping of str to int, optional
            The `frame_checksum` of each frame, for `check`.
        """
        self.names, self._checksums = list(names), dict(checksums or {})
        self._keys = [self._order(name) for name in self.names]
        failed = set(failed)
        self._expect(failed)
        self.poll()
        good = (name for name in self.names if name not in failed)
        readable = (movie for movie, _ in map(self._try_to_read, good) if movie is not None)
        self._take_calibration(next(readable, None))

    def check(self, name: str) -> bool:
        """See that a frame that has landed is still the same, if it can be read; tell if so.

        Raises
        ------
        InputError
            If it is another one; two acquisitions must not be mixed.
        """
        movie, _ = self._try_to_read(name)
        if movie is None or name not in self._checksums:
            return False
        if not self._is_known(name, movie):
            raise InputError(
                f"{self.path}: {name} is not the frame that was analyzed; choose another name for "
                "the result, or overwrite it."
            )
        return True

    def _is_known(self, name: str, movie: Movie) -> bool:
        """Return whether a frame is as it was when it landed."""
        return frame_checksum(movie.frame(0)) == self._checksums.get(name)

    def calibrate(self, pixel_size: tuple[float, float] | None, frame_time: float | None) -> None:
        """Set what the first frame does not tell, before it is taken; see `Movie.recalibrated`."""
        self.set_by_hand = pixel_size, frame_time

    def movie(self, names: Sequence[str] | None = None) -> Movie | None:
        """Return the movie as it is now, read frame by frame; None before the first image.

        A frame that cannot be read is black, lest a viewer stumbles over it.

        Parameters
        ----------
        names : sequence of str, optional
            Which frames, in this order; all that have landed if not given.
        """
        import dask.array as da

        if self.first is None:
            return None
        dtype = np.result_type(self.first.frames.dtype, *self._dtypes)
        chosen = tuple(self.names if names is None else names)
        frames = _Frames(chosen, self.first.shape[1:], dtype, self._try_to_read)
        empty = np.empty((0, 0, 0), dtype)
        stack = da.from_array(frames, chunks=(1, -1, -1), name=False, meta=empty)
        return replace(self.first, frames=stack)

    def _try_to_read(self, name: str) -> tuple[Movie | None, str]:
        """Read a frame; give it, or None and why it cannot be read.

        Raises
        ------
        ChoiceError
            If not even one frame can be read for want of a choice; waiting would not help.
        """
        try:
            movie = self._read(name)
        except InputError as error:
            if self.first is None and isinstance(error, ChoiceError):
                raise
            return None, str(error)
        except OSError as error:  # it was moved away, or the share is gone
            return None, f"{name} cannot be read ({error.strerror or error})."
        if self.first is not None and movie.shape[1:] != self.first.shape[1:]:
            ours, others = (" x ".join(map(str, m.shape[1:])) for m in (movie, self.first))
            return None, f"{name} has {ours} px, the frames before it have {others} px."
        return movie, ""

    def _land(self, name: str, movie: Movie | None, failure: str) -> NewFrame:
        """Return the row of a frame."""
        key = self._order(name)
        row = bisect_left(self._keys, key)
        again = row < len(self._keys) and self._keys[row] == key
        if not again:
            self._keys.insert(row, key)
            self.names.insert(row, name)
        if movie is None:
            return NewFrame(name, row, None, failure, again)
        self._take_calibration(movie)
        image = movie.frame(0)
        self._dtypes.add(image.dtype)
        self._checksums[name] = frame_checksum(image)
        return NewFrame(name, row, image, again=again)

    def _take_calibration(self, movie: Movie | None) -> None:
        """Note what holds for all frames, once it is known."""
        if self.first is None and movie is not None:
            self.first = replace(
                movie.recalibrated(*self.set_by_hand),
                name=self.name,
                source=self.source,
                reopen=None,
                dataset=self.dataset,
                channel=self.channel,
            )


class _Frames:
    """The frames that have landed as one array (T, Y, X), each read when it is asked for."""

    def __init__(
        self,
        names: tuple[str, ...],
        shape: tuple[int, int],
        dtype: np.dtype[Any],
        read: Callable[[str], tuple[Movie | None, str]],
    ) -> None:
        self._names, self._read = names, read
        self.shape, self.dtype, self.ndim = (len(names), *shape), dtype, 3

    def __getitem__(self, index: Any) -> NDArray[Any]:
        times, *rest = index
        if not isinstance(times, slice):
            part: NDArray[Any] = self._frame(self._names[times])[*rest]
            return part
        return np.stack([self._frame(name)[*rest] for name in self._names[times]])

    def _frame(self, name: str) -> NDArray[Any]:
        movie, _ = self._read(name)
        if movie is None:
            return np.zeros(self.shape[1:], self.dtype)
        frame: NDArray[Any] = movie.frame(0).astype(self.dtype, copy=False)
        return frame
