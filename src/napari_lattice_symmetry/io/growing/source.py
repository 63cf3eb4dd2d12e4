"""What all growing movies have in common: frames are taken once, whole, and in order."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.stack import short_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_lattice_symmetry.movie import Movie

Stamp: TypeAlias = tuple[int, int, int]
"""What changes when a file is written to: its inode, size in bytes and time in ns."""

INTERVAL = 0.5
"""Seconds for which a file has to be left alone before it is read."""

PATIENCE = 10.0
"""Seconds for which a frame that is not complete holds up those after it."""


@dataclass(frozen=True, eq=False)
class Landed:
    """A frame that is written to its end, or has been given up.

    Attributes
    ----------
    name : str
        Of the file, or the number of the page or array element, from 0.
    row : int
        Which frame of the movie that has landed so far; those after it have moved up by one.
    image : numpy.ndarray, shape (Y, X), or None
        Grey values; None if it cannot be read.
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


class GrowingSource(ABC):
    """A movie that is being written.

    Call `poll` now and then, to see what is there, and `take` until it gives None. Frames come
    in the order of the finished movie. One that is not complete holds up those after it for
    `patience` seconds at most: then it is skipped over, and takes its place when it is complete.

    Parameters
    ----------
    path : pathlib.Path
        What is watched.
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
    """

    def __init__(self, path: Path, *, interval: float, patience: float) -> None:
        self.path, self.interval, self.patience = path, interval, patience
        self.names: list[str] = []
        self.first: Movie | None = None
        self.trouble = self.held_up_by = ""
        self._keys: list[Any] = []
        self._dtypes: set[np.dtype[Any]] = set()

    @property
    @abstractmethod
    def backlog(self) -> int:
        """How many frames are written, as far as one can see without reading them, and wait."""

    @abstractmethod
    def poll(self) -> None:
        """Look what is there; what cannot be reached is looked for again by the next call."""

    @abstractmethod
    def take(self) -> Landed | None:
        """Read the next frame if it is complete, and nothing is in the way."""

    @abstractmethod
    def _read(self, name: str) -> Movie:
        """Read a frame, as a movie of one."""

    @abstractmethod
    def _order(self, name: str) -> Any:
        """Give what frames are sorted by."""

    def resume(self, names: Iterable[str], failed: Iterable[str] = ()) -> None:
        """Begin after the frames `names`, but take those again that had `failed`."""
        self.names = list(names)
        self._keys = [self._order(name) for name in self.names]
        good = (name for name in self.names if name not in set(failed))
        readable = (movie for movie, _ in map(self._try_to_read, good) if movie is not None)
        self._take_calibration(next(readable, None))

    def movie(self) -> Movie | None:
        """Give the movie as it is now, read frame by frame; None before the first image.

        A frame that cannot be read is black, lest a viewer stumbles over it.
        """
        import dask.array as da

        if self.first is None:
            return None
        dtype = np.result_type(self.first.frames.dtype, *self._dtypes)
        frames = _Frames(tuple(self.names), self.first.shape[1:], dtype, self._try_to_read)
        stack = da.from_array(
            frames, chunks=(1, -1, -1), name=False, meta=np.empty((0,) * 3, dtype)
        )
        return replace(self.first, frames=stack)

    def _try_to_read(self, name: str) -> tuple[Movie | None, str]:
        """Read a frame; give it, or None and why it cannot be read."""
        try:
            movie = self._read(name)
        except InputError as error:
            return None, str(error)
        except OSError as error:  # it was moved away, or the share is gone
            return None, f"{name} cannot be read ({error.strerror or error})."
        if self.first is not None and movie.shape[1:] != self.first.shape[1:]:
            ours, others = (" x ".join(map(str, m.shape[1:])) for m in (movie, self.first))
            return None, f"{name} has {ours} px, the frames before it have {others} px."
        return movie, ""

    def _land(self, name: str, movie: Movie | None, failure: str) -> Landed:
        """Give a frame its row."""
        key = self._order(name)
        row = bisect_left(self._keys, key)
        again = row < len(self._keys) and self._keys[row] == key
        if not again:
            self._keys.insert(row, key)
            self.names.insert(row, name)
        if movie is None:
            return Landed(name, row, None, failure, again)
        self._take_calibration(movie)
        image = movie.frame(0)
        self._dtypes.add(image.dtype)
        return Landed(name, row, image, again=again)

    def _take_calibration(self, movie: Movie | None) -> None:
        """Note what holds for all frames, once it is known."""
        if self.first is None and movie is not None:
            path = self.path.absolute()
            self.first = replace(movie, name=short_name(path), source=str(path), reopen=None)


class Quiet:
    """For how long files have been left alone."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Hashable, float]] = {}

    def note(self, key: str, stamp: Hashable) -> None:
        """Take note of what a file, or several, are like now."""
        if key not in self._seen or self._seen[key][0] != stamp:
            self._seen[key] = stamp, time.monotonic()

    def seconds(self, key: str, stamp: Hashable) -> float:
        """Give the time since a file changed; 0 if it is not as it was noted last."""
        seen, since = self._seen.get(key, (None, 0.0))
        return time.monotonic() - since if seen == stamp else 0.0

    def forget(self, key: str) -> None:
        """Drop a file that is gone or done."""
        self._seen.pop(key, None)


class Delay:
    """Lets something wait, but not for ever."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._since: dict[str, float] = {}

    def is_over(self, key: str) -> bool:
        """Tell whether `key` was asked about first longer ago than there is patience."""
        return time.monotonic() - self._since.setdefault(key, time.monotonic()) >= self._patience

    def forget(self, key: str) -> None:
        """Drop what need not wait any more."""
        self._since.pop(key, None)


def stamp_of(path: Path) -> Stamp | None:
    """Give the stamp of a file; None if there is none, or it cannot be reached.

    It asks for the file itself, since a folder on Windows may list an old size of a file that
    is still open.
    """
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


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
            return self._frame(self._names[times])[*rest]
        return np.stack([self._frame(name)[*rest] for name in self._names[times]])

    def _frame(self, name: str) -> NDArray[Any]:
        movie, _ = self._read(name)
        if movie is None:
            return np.zeros(self.shape[1:], self.dtype)
        frame: NDArray[Any] = movie.frame(0).astype(self.dtype, copy=False)
        return frame
