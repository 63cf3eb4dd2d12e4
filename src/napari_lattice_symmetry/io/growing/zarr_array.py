"""A Zarr array that gets longer along time, or is filled frame by frame."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from napari_lattice_symmetry.data.growing import GrowingMovie, NewFrame
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError, first_line
from napari_lattice_symmetry.io import silent_libraries
from napari_lattice_symmetry.io.general.zarr_files import open_ome_zarr
from napari_lattice_symmetry.io.growing.waiting import (
    Delay,
    Quiet,
    Stamp,
    further,
    insist,
    stamp_of,
)
from napari_lattice_symmetry.io.loading import to_movie
from napari_lattice_symmetry.io.stack import Files, Stack, choose, one_sentence, short_name

Stamps: TypeAlias = tuple[Stamp | None, ...]

_UNREADABLE = (OSError, ValueError, KeyError, TypeError)
"""What zarr raises of files that their writer renames, or has not written to the end."""

_OPENING = 2.0
"""Seconds for which a movie that cannot be opened is tried again: a window may wait for it."""

_LOOK_AHEAD = 16
"""How many frames that wait are looked at at once."""


class GrowingZarr(GrowingMovie):
    """One frame an element along time.

    A frame is complete once all its chunks are there and have been left alone for `interval`
    seconds. Where a chunk holds several frames, those are there that differ from the fill value,
    and those before them. Programs leave out chunks that hold nothing but the fill value: a frame
    of which chunks are missing is taken as it is after `patience` seconds, if a part of it or a
    later frame is there, and taken again should it change.

    Parameters
    ----------
    path : pathlib.Path
        The folder of the group or array.
    dataset, channel
        As in `read_movie`.
    interval, patience
        As in `GrowingMovie`. What cannot be opened is tried again for `patience` seconds, but
        for two at most.

    Raises
    ------
    InputError
        If it holds no movie.
    """

    def __init__(self, path: Path, **settings: Any) -> None:
        super().__init__(path, short_name(path), **settings)
        with Files() as files, silent_libraries(), one_sentence(path):
            stacks = insist(
                lambda: open_ome_zarr(path, files), _UNREADABLE, min(self.patience, _OPENING)
            )
            only = next(iter(stacks)) if len(stacks) == 1 else None  # which may be empty as yet
            self._stack = stacks[only or choose(path, stacks, self.dataset)]
        array: Any = self._stack.data
        self._array, self._folder = array, path / array.path
        self._chunks: tuple[int, ...] = array.shards or array.chunks
        self._time = _time_axis(path, self._stack)
        self._whole = self._open()
        self._end = 0  # of what is known to be written, in part at least
        self._incomplete: dict[int, Stamps] = {}  # what was taken as it was
        self._quiet, self._delay = Quiet(), Delay(self.patience)

    def _expect(self, failed: set[str]) -> None:
        self._incomplete = {int(name): () for name in failed}

    @property
    def backlog(self) -> int:
        """How many frames are there, in part at least, and wait."""
        return max(self._end - len(self.names), 0)

    def poll(self) -> None:
        """See how long the array is now, and how far it is written."""
        import zarr

        try:
            array = zarr.open_array(self._folder, mode="r")
        except _UNREADABLE as error:
            self.trouble = f"{self.path} cannot be read now ({first_line(error)})."
            return
        self.trouble = ""
        if array.shape != self._array.shape:
            self._array, self._stack = array, replace(self._stack, data=array, refusal="")
            self._whole = self._open()
        self._end = max(self._end, len(self.names))
        known, length = self._end, array.shape[self._time]
        while (
            begun := next(filter(self._is_begun, further(self._end - 1, length)), None)
        ) is not None:
            self._end = begun + 1
        for index in range(known, self._end):  # all that wait, wait together
            self._delay.is_over(str(index))
        for index in (*self._incomplete, *range(len(self.names), self._end)[:_LOOK_AHEAD]):
            self._quiet.note(str(index), self._stamps(index))

    def take(self) -> NewFrame | None:
        """Read the next frame if it is complete."""
        self.held_up_by = ""
        if self.trouble:
            return None
        index = len(self.names)
        complete = index < self._end and self._is_complete(index)  # asked before, to come after
        for earlier, stamps in list(self._incomplete.items()):
            if self._stamps(earlier) != stamps and self._is_complete(earlier):
                del self._incomplete[earlier]
                return self._land(str(earlier), *self._try_to_read(str(earlier)))
        if index >= self._end:
            return None
        name, stamps = str(index), self._stamps(index)
        movie, failure = self._try_to_read(name) if complete else (None, "")
        if movie is None:
            if not self._delay.is_over(name):
                self.held_up_by = f"frame {name}"
                return None
            movie, failure = self._try_to_read(name)
            self._incomplete[index] = stamps
        self._delay.forget(name)
        self._quiet.forget(name)
        return self._land(name, movie, failure)

    def _is_complete(self, index: int) -> bool:
        """Return whether all chunks are there and nobody writes to them."""
        stamps, name = self._stamps(index), str(index)
        self._quiet.note(name, stamps)
        if None in stamps:
            return False
        followed = self._shares_chunks and index + 1 < self._end
        return followed or self._quiet.seconds(name, stamps) >= self.interval

    def _is_begun(self, index: int) -> bool:
        if not any(self._stamps(index)):
            return False
        if not self._shares_chunks:
            return True
        movie, _ = self._try_to_read(str(index))
        return movie is not None and bool(np.any(movie.frame(0) != self._array.fill_value))

    @property
    def _shares_chunks(self) -> bool:
        """Whether frames lie in one chunk (or shard) with others."""
        return self._chunks[self._time] > 1

    def _stamps(self, index: int) -> Stamps:
        """Return the stamps of the files that hold a frame; None for those that are missing."""
        sides = zip(self._array.shape, self._chunks, strict=True)
        places = [range(-(-size // chunk)) for size, chunk in sides]
        places[self._time] = range(place := index // self._chunks[self._time], place + 1)
        encode = self._array.metadata.encode_chunk_key
        return tuple(stamp_of(self._folder / encode(place)) for place in product(*places))

    def _open(self) -> Movie | None:
        """Open the whole array; None while it has no frame."""
        if not self._array.shape[self._time]:
            return None
        self._stack.lazy, self._stack.stored = True, None  # much of it may be missing
        with Files() as files, silent_libraries(), one_sentence(self.path):
            return to_movie(self._stack, self.path, self.channel, files)

    def _read(self, name: str) -> Movie:
        if self._whole is None or int(name) >= len(self._whole):
            raise InputError(f"{self.path.name} has no frame {name}.")
        with silent_libraries(), one_sentence(self.path):
            return replace(self._whole, frames=self._whole.frame(int(name))[np.newaxis])

    def _order(self, name: str) -> Any:
        return int(name)


def _time_axis(path: Path, stack: Stack) -> int:
    """Return the axis along which frames are added."""
    axes = stack.axes
    frames = [i for i, letter in enumerate(axes) if letter in "TZ"]
    long = [i for i in frames if axes[i] == "T" or stack.data.shape[i] > 1] or frames
    if len(long) != 1:
        found = ", ".join(map(str, stack.data.shape))
        raise InputError(
            f"{path.name} has no axis of its own along which frames are added: its shape is "
            f"({found}); it should be (T, Y, X)."
        )
    return long[0]
