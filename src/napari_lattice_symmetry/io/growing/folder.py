"""A folder that a program writes one image after the other to."""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from napari_lattice_symmetry.data.growing import GrowingMovie, NewFrame
from napari_lattice_symmetry.data.movie import Movie, is_blank
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.io.folder import frame_order, is_frame
from napari_lattice_symmetry.io.growing.waiting import Delay, Quiet, Stamp, stamp_of
from napari_lattice_symmetry.io.stack import short_name


class GrowingFolder(GrowingMovie):
    """One image a file, in the natural order of the names.

    A folder whose first frame becomes another one holds another movie, which is not added.

    A file is a frame once it has been left alone for `interval` seconds and can be read to its
    end. One that has been left alone for `patience` seconds and still cannot is given up, and
    tried again should it change; so is one that shows nothing, whose pixels may come later.

    Parameters
    ----------
    path : pathlib.Path
        The folder.
    pattern : str
        Which names to look at, such as "*.tif", of those that are images.
    dataset, channel
        As in `read_movie`.
    interval, patience
        As in `GrowingMovie`.
    """

    def __init__(self, path: Path, *, pattern: str, **settings: Any) -> None:
        super().__init__(path, short_name(path), **settings)
        self._pattern = pattern
        self._done: dict[str, Stamp | None] = {}
        self._given_up: dict[str, Stamp | None] = {}
        self._waiting: dict[str, Stamp] = {}  # in order
        self._quiet, self._delay = Quiet(), Delay(self.patience)

    def _expect(self, failed: set[str]) -> None:
        self._given_up = dict.fromkeys(failed)
        self._done = dict.fromkeys(name for name in self.names if name not in self._given_up)

    @property
    def backlog(self) -> int:
        """How many files wait that have been left alone."""
        waiting = self._waiting.items()
        return sum(self._quiet.seconds(name, stamp) >= self.interval for name, stamp in waiting)

    def poll(self) -> None:
        """List the folder."""
        try:
            with os.scandir(self.path) as entries:
                names = [entry.name for entry in entries if self._is_candidate(entry)]
        except OSError as error:
            self.trouble = f"{self.path} cannot be reached ({error.strerror or error})."
            return
        self.trouble = ""
        self._check_first()
        stamps = {name: stamp_of(self.path / name) for name in names}
        found = {name: stamp for name, stamp in stamps.items() if stamp is not None}
        for name in self._waiting.keys() - found.keys():  # taken away, as temporary files are
            self._forget(name)
        for name, stamp in found.items():
            self._quiet.note(name, stamp)
        changed = [name for name in found if self._given_up.get(name) != found[name]]
        self._waiting = {name: found[name] for name in sorted(changed, key=self._order)}

    def take(self) -> NewFrame | None:
        """Read the next file if it is complete."""
        self.held_up_by = ""
        if self.trouble:
            return None
        for name, stamp in list(self._waiting.items()):
            seconds = self._quiet.seconds(name, stamp)
            if seconds >= self.interval:
                movie, failure = self._try_to_read(name)
                if movie is not None and self._is_known(name, movie):  # touched, but the same
                    self._keep(name, stamp, movie)
                    continue
                unchanged = stamp_of(self.path / name) == stamp
                if unchanged and (movie is not None or seconds >= self.patience):
                    self._keep(name, stamp, movie)
                    return self._land(name, movie, failure)
            if not self._delay.is_over(name):
                self.held_up_by = name
                return None
        return None

    def _keep(self, name: str, stamp: Stamp, movie: Movie | None) -> None:
        """Note what a file was like that need not wait any more."""
        self._forget(name)
        if movie is None or is_blank(movie.frame(0)):
            self._given_up[name] = stamp
        else:
            self._given_up.pop(name, None)
            self._done[name] = stamp

    def _check_first(self) -> None:
        """See that the first frame is the one that was taken, if its file has changed."""
        first = next((name for name in self.names if name in self._done), None)
        stamp = first and stamp_of(self.path / first)
        if first and stamp and stamp != self._done[first] and self.check(first):
            self._done[first] = stamp

    def _forget(self, name: str) -> None:
        self._waiting.pop(name, None)
        self._quiet.forget(name)
        self._delay.forget(name)

    def _is_candidate(self, entry: os.DirEntry[str]) -> bool:
        name = entry.name
        return (
            name not in self._done
            and is_frame(name)
            and fnmatch(name, self._pattern)
            and entry.is_file()
        )

    def _read(self, name: str) -> Movie:
        movie = read_movie(self.path / name, dataset=self.dataset, channel=self.channel)
        if len(movie) > 1:
            raise InputError(
                f"{name} holds {len(movie)} frames; a folder is watched for one image a file."
            )
        return movie

    def _order(self, name: str) -> Any:
        return frame_order(name)
