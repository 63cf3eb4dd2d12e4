"""Results that get a row for every frame that lands, in memory or on the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.growing import GrowingMovie
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.results.maps import MAPS
from napari_lattice_symmetry.results.on_disk import (
    StreamedResult,
    check_calibration,
    check_parameters,
    open_to_write,
)
from napari_lattice_symmetry.results.provenance import (
    CHOICE,
    Network,
    provenance,
    versions,
)
from napari_lattice_symmetry.results.result import WAITING, MovieResult, load_result
from napari_lattice_symmetry.results.schema import describe
from napari_lattice_symmetry.results.store import (
    NAMES,
    check_chunks,
    check_place,
    create_group,
    every_chunk,
    open_group,
    reading,
    stored_maps,
    time_axis,
)

_NAME_BYTES, _CHUNK_NAMES = 1020, 1024  # the longest name of a file, in UTF-8


@dataclass(eq=False, kw_only=True)
class GrowingResult(MovieResult):
    """A result in memory that gets longer.

    Attributes
    ----------
    names : list of str
        What each frame was called, in the order of the rows.
    """

    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._room: dict[str, NDArray[Any]] = {}

    @classmethod
    def begin(cls, first: Movie, parameters: AnalysisParameters, model: Network) -> GrowingResult:
        """Begin a result of a movie of which the first frame is there; it has no row yet."""
        return cls._of(_describe(first, parameters, model))

    def make_room(self, row: int, name: str) -> None:
        """Add an empty row before `row`."""
        n = len(self.names)
        for each in self.maps:
            spec = MAPS[each]
            if each not in self._room or self._room[each].shape[spec.time_axis] <= n:
                self._room[each] = spec.empty(2 * (n + 1), self.grid)
                self._room[each][spec.at(slice(n))] = self.maps[each]
            values = self._room[each]
            values[spec.at(slice(row + 1, n + 1))] = values[spec.at(slice(row, n))].copy()
            values[spec.at(row)] = spec.fill_value
            self.maps[each] = values[spec.at(slice(n + 1))]
        self.state = np.insert(self.state, row, WAITING)
        self.frame_indices = np.arange(n + 1)
        self.names.insert(row, name)


@dataclass(eq=False, kw_only=True)
class GrowingStore(StreamedResult):
    """A result on the disk that gets longer.

    Rows that move up when one is put between them are marked as not done meanwhile.

    Attributes
    ----------
    names : list of str
        What each frame was called, in the order of the rows.
    """

    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        with every_chunk():
            self._indices: Any = self.group["frame_indices"]
            self._names: Any = self.group[NAMES]
        self.names = read_names(self.group, len(self.state))
        if len({*self.names}) < len(self.names):  # a late frame was on its way to its row
            self._cut(int(np.flatnonzero(self.state == WAITING)[0]))

    def make_room(self, row: int, name: str) -> None:
        """Add an empty row before `row`.

        Raises
        ------
        AnalysisError
            If it cannot be written.
        """
        n = len(self.names)
        arrays, state = [*self.arrays.values(), self._names], self.stored_state
        with self._writing():
            if row < n:
                state[row:] = WAITING
            list(self.writers.map(lambda array: _add_row(array, row, n), arrays))
            self._names[row] = _encode(name)
            self._indices.resize((n + 1,))
            self._indices[n] = n
            state.resize((n + 1,))
            state[row:] = [WAITING, *self.state[row:]]
        self.names.insert(row, name)
        self.frame_indices = np.arange(n + 1)
        self.state = np.insert(self.state, row, WAITING)
        for each in self.series:
            self.maps[each] = np.insert(self.maps[each], row, MAPS[each].fill_value, axis=0)
        self._open_maps()

    def _cut(self, n_rows: int) -> None:
        """Drop all rows from `n_rows` on; their frames land anew."""
        state = self.stored_state
        state[n_rows:] = WAITING
        for array in (state, *self.arrays.values(), self._names, self._indices):
            _set_length(array, n_rows)
        del self.names[n_rows:]
        self.state, self.frame_indices = self.state[:n_rows], self.frame_indices[:n_rows]
        for each in self.series:
            self.maps[each] = self.maps[each][:n_rows]
        self._open_maps()

    def _open_maps(self) -> None:
        for name, array in self.arrays.items():
            if MAPS[name].on_grid:
                self.maps[name] = stored_maps(array, self.path, self.state > 0)


Growing: TypeAlias = GrowingResult | GrowingStore


@contextmanager
def open_growing_result(
    path: Path,
    movie: GrowingMovie,
    parameters: AnalysisParameters,
    model: Network,
    *,
    overwrite: bool = False,
) -> Iterator[GrowingStore]:
    """Open a result on the disk to add frames to: a new one, or one to continue.

    Parameters
    ----------
    path : pathlib.Path
        Zarr folder.
    movie : GrowingMovie
        What the frames come from; its first is not needed where there is something to continue.
    parameters : AnalysisParameters
        The settings.
    model : Network
        The network.
    overwrite : bool
        Whether an older result is replaced rather than continued.

    Raises
    ------
    InputError
        As in `open_result`; another movie is one from another source, or another dataset or
        channel of it.
    """

    def create(new: Path) -> None:
        assert movie.first is not None
        about = _describe(movie.first, parameters, model)
        create_group(new, about).create_array(
            NAMES,
            shape=(0, _NAME_BYTES),
            chunks=(_CHUNK_NAMES, _NAME_BYTES),
            dtype=np.uint8,
        )

    with open_to_write(
        path,
        GrowingStore,
        {
            "weights_sha256": model.sha256,
            "verdict_sha256": parameters.verdict_sha256(model),
            "versions": versions(model),
        },
        check=lambda: check_growing_target(path, movie, parameters, overwrite=overwrite),
        create=create,
        overwrite=overwrite,
    ) as result:
        yield result


def check_growing_target(
    path: Path, movie: GrowingMovie, parameters: AnalysisParameters, *, overwrite: bool = False
) -> None:
    """See that frames of `movie` can be added to what is at `path`, if anything is.

    Raises
    ------
    InputError
        If they cannot, and `overwrite` is False.
    """
    check_place(path, overwrite=True)
    if overwrite or not path.exists():
        return
    there = load_result(path)
    check_parameters(path, there.parameters, parameters)
    if NAMES not in open_group(path):
        raise InputError(
            f"{path} is the result of a finished movie, to which no frames are added; choose "
            "another name, or overwrite it."
        )
    chosen = tuple(there.provenance.get(name) for name in CHOICE)
    if (there.source, chosen) != (movie.source, tuple(getattr(movie, name) for name in CHOICE)):
        theirs = ", ".join(part for part in (there.source, *chosen) if part)
        raise InputError(
            f"{path} is the result of another movie ({theirs}); choose another name, or "
            "overwrite it."
        )
    check_calibration(path, there, *movie.set_by_hand)


def read_names(group: Any, n_rows: int) -> list[str]:
    """Read what the frames of a result that grows were called."""
    path, names = Path(group.store.root), group[NAMES]
    with reading(path):
        check_chunks(names, path, np.arange(n_rows))
        rows = np.asarray(names[:n_rows])
        return [os.fsdecode(bytes(name).rstrip(b"\0")) for name in rows]


def _encode(name: str) -> NDArray[np.uint8]:
    return np.frombuffer(os.fsencode(name).ljust(_NAME_BYTES, b"\0"), np.uint8)


def _describe(first: Movie, parameters: AnalysisParameters, model: Network) -> dict[str, Any]:
    origin = provenance(model, first, parameters)
    for name in ("movie_sha256", "source_bytes", "source_modified"):
        del origin[name]  # the finished movie will have others than its first frame
    return describe(first, parameters, origin) | {"frame_indices": np.arange(0)}


def _add_row(array: Any, row: int, n_rows: int) -> None:
    """Make an array of `n_rows` longer by one and move up what comes after `row`, last first."""
    _set_length(array, n_rows + 1)
    before: tuple[slice, ...] = (slice(None),) * time_axis(array)
    step = array.chunks[time_axis(array)]
    for stop in range(n_rows, row, -step):
        start = max(stop - step, row)
        array[*before, start + 1 : stop + 1] = array[*before, start:stop]
    if row < n_rows and array.basename in MAPS:  # of names, one twice tells that this was cut off
        array[*before, row] = array.fill_value


def _set_length(array: Any, length: int) -> None:
    axis = time_axis(array)
    array.resize((*array.shape[:axis], length, *array.shape[axis + 1 :]))
