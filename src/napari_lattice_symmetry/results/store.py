"""Results on disk: one Zarr group of plain arrays, whose attributes say all the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError, guard
from napari_lattice_symmetry.files import as_path, check_free, check_writable, replacing
from napari_lattice_symmetry.results.map_spec import MapSpec
from napari_lattice_symmetry.results.maps import MAPS, specs_of
from napari_lattice_symmetry.results.schema import (
    FORMAT,
    SCHEMA_VERSION,
    attributes_of,
    fields_of,
    written_specs,
)
from napari_lattice_symmetry.spectrum import WindowGrid

if TYPE_CHECKING:
    import dask.array as da
    import zarr

    from napari_lattice_symmetry.results.result import MovieResult

_STATE, _INDICES = (
    MapSpec(name=name, about="", title="", short="", axes=("time",), dtype=dtype)
    for name, dtype in (("state", np.uint8), ("frame_indices", np.int64))
)
"""Laid out like maps, but no part of what is found."""

# What packs into fewer bytes than one of these is a lie.
_MAX_COMPRESSION = 4096

# A chunk of maps is written anew with every frame in it, so it should be small; a pixel's time
# series is read from all chunks along time, so these should be few.
_CHUNK_WINDOWS, _MAX_CHUNK_FRAMES = 2**14, 64
_CHUNK_FRACTIONS, _CHUNK_INDICES, _CHUNK_STATES = 1024, 2**14, 2**16

_WHOLE = "every_chunk_is_written"
"""Attribute of results in which a chunk that is not there was lost; Zarr leaves out empty ones."""

NAMES = "frame_names"
"""Array of what frames were called, in results that grow."""

_CONFIGURING = Lock()  # what is configured holds for all threads


def save_result(result: MovieResult, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a result as a Zarr (version 3) group.

    It is written beside its place and then moved there, so that a failure on the way leaves
    what was there before.

    Parameters
    ----------
    result : MovieResult
        What to write.
    path : path
        Where to; folders on the way are made.
    overwrite : bool
        Whether an older result may be replaced; anything else is never replaced.

    Raises
    ------
    InputError
        If something is in the way or the place cannot be written.
    """
    path = as_path(path)
    check_place(path, overwrite=overwrite)
    with replacing(path) as partial:
        group: Any = create_group(partial, vars(result), [MAPS[name] for name in result.maps])
        with every_chunk():
            arrays = {name: group[name] for name in result.maps}
        for name, values in result.maps.items():
            _copy(MAPS[name], values, arrays[name])
        group["state"][:] = result.state


def is_result(path: str | Path) -> bool:
    """Return whether there is a saved result at `path`."""
    if not Path(path).is_dir():
        return False
    try:
        return open_group(as_path(path)).attrs.get("format") == FORMAT
    except InputError:
        return False


def check_place(path: Path, *, overwrite: bool = False) -> None:
    """Raise an error if a result cannot be written to `path`.

    Raises
    ------
    InputError
        If something other than a result is in the way, or a result that may not be replaced, or
        the place cannot be written.
    """
    check_free(path, overwrite=overwrite, kind="a result", is_kind=is_result)
    check_writable(path)


def create_group(
    path: Path, about: Mapping[str, Any], specs: Iterable[MapSpec] | None = None
) -> zarr.Group:
    """Lay out a result with no frame in it.

    One that has no `frame_indices` either can be made longer.

    Parameters
    ----------
    path : pathlib.Path
        Where nothing is yet.
    about : mapping
        The fields of a `MovieResult`.
    specs : iterable of MapSpec, optional
        Its maps; all that the parameters ask for if not given.
    """
    import zarr
    from zarr.codecs import ZstdCodec

    from napari_lattice_symmetry.results.durable import DurableStore

    specs = list(specs_of(about["parameters"]) if specs is None else specs)
    attributes = attributes_of(about, [spec.name for spec in specs]) | {_WHOLE: True}
    group = zarr.create_group(DurableStore(path), zarr_format=3, attributes=attributes)
    grid, indices = about["grid"], about["frame_indices"]
    n_frames = len(indices)

    def create(spec: MapSpec, max_rows: int) -> Any:
        chunks = list(spec.shape(n_frames, grid))
        chunks[spec.time_axis] = min(n_frames, max_rows) or max_rows
        return group.create_array(
            spec.name,
            shape=spec.shape(n_frames, grid),
            chunks=tuple(chunks),
            dtype=spec.dtype,
            fill_value=spec.fill_value,
            dimension_names=spec.axes,
            compressors=ZstdCodec(checksum=True),  # what is damaged is found out
        )

    max_maps = max(1, min(_MAX_CHUNK_FRAMES, _CHUNK_WINDOWS // grid.size))
    for spec in specs:
        create(spec, max_maps if spec.on_grid else _CHUNK_FRACTIONS)
    with every_chunk():
        create(_STATE, _CHUNK_STATES)[:] = 0
        create(_INDICES, n_frames or _CHUNK_INDICES)[:] = indices
    return group


@contextmanager
def every_chunk() -> Iterator[None]:
    """Have arrays that are opened meanwhile write all their chunks, also those that are empty."""
    import zarr

    with _CONFIGURING, zarr.config.set({"array.write_empty_chunks": True}):
        yield


def open_group(path: Path, mode: Literal["r", "r+"] = "r") -> zarr.Group:
    """Open the Zarr group of a result.

    Raises
    ------
    InputError
        If there is no Zarr group at `path`.
    """
    import zarr

    from napari_lattice_symmetry.results.durable import DurableStore

    try:
        store = DurableStore(path, read_only=mode == "r")
        return zarr.open_group(store, mode=mode, zarr_format=3)
    except PermissionError as reason:
        raise InputError(
            f"{path} cannot be read ({reason.strerror}); see that you may."
        ) from reason
    except Exception as error:  # Zarr trusts metadata: damage ends in whatever it trips over
        raise _no_result(path) from error


def _no_result(path: Path) -> InputError:
    return InputError(f"{path} is not a saved result; choose a .zarr folder that was made here.")


def read_fields(path: Path) -> dict[str, Any]:
    """Read the fields of a `MovieResult`; maps become Dask arrays.

    Raises
    ------
    InputError
        If there is no result at `path`, or it is damaged or from a newer version.
    """
    group: Any = open_group(path)
    attributes: dict[str, Any] = dict(group.attrs)
    if attributes.get("format") != FORMAT:
        raise _no_result(path)
    with reading(path):
        is_newer = attributes["schema_version"] > SCHEMA_VERSION
    if is_newer:
        raise InputError(f"{path} was written by a newer version; update napari-lattice-symmetry.")
    with reading(path):
        fields = fields_of(attributes)
        specs = written_specs(attributes, fields["parameters"])
        n_frames = group["state"].shape[0]  # of all arrays that grow, it is the last to do so
        _check_arrays(group, n_frames, fields["grid"], specs)
        rows, is_whole = slice(n_frames), bool(attributes.get(_WHOLE))
        begun = NAMES not in group or _has_chunk(group["labels"], path, 0)
        if is_whole and begun:  # else a watch has hardly a frame
            check_chunks(group["state"], path, np.arange(max(n_frames - 1, 1)))
        state = np.asarray(group["state"][rows])
        written = (state > 0) & is_whole
        check_chunks(group["frame_indices"], path, np.flatnonzero(written))
        return {
            "maps": {
                spec.name: _read(group[spec.name], path, spec, rows, written) for spec in specs
            },
            "state": state,
            "frame_indices": np.asarray(group["frame_indices"][rows]),
            **fields,
        }


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a result that cannot be read makes libraries raise into one sentence."""
    try:
        with guard(
            f"{path} is damaged", InputError, advice="analyze the movie again", unless=(OSError,)
        ):
            yield
    except OSError as reason:  # of the system, which leaves what is there as it is
        raise InputError(
            f"{path} cannot be read ({reason.strerror or reason}); see that its disk is there and "
            "that you may read it."
        ) from reason


def time_axis(array: Any) -> int:
    """Return which axis of a stored array the time is."""
    name = str(array.basename)
    return MAPS[name].time_axis if name in MAPS else 0


def _has_chunk(array: Any, path: Path, number: int) -> bool:
    """Return whether there is a file of the chunk of an array that is at `number` along time."""
    axis = time_axis(array)
    place = tuple(number if each == axis else 0 for each in range(array.ndim))
    chunk = path / str(array.path) / str(array.metadata.encode_chunk_key(place))
    try:
        return S_ISREG(chunk.stat().st_mode)
    except FileNotFoundError:
        return False


def check_chunks(array: Any, path: Path, rows: NDArray[np.int64]) -> None:
    """See that the chunks of an array that hold these rows are there."""
    for number in np.unique(rows // array.chunks[time_axis(array)]).tolist():
        if not _has_chunk(array, path, number):
            raise ValueError(f"a file of {array.basename} is gone")


def _check_arrays(group: Any, n_frames: int, grid: WindowGrid, specs: list[MapSpec]) -> None:
    """See that the arrays fit together, before memory is taken for them."""
    for name, count in (("frame_indices", n_frames), ("labels", grid.size)):
        if count > _MAX_COMPRESSION * group[name].nbytes_stored():
            raise ValueError(f"{name} of {count:,} values are not there")
    for spec in (*specs, _STATE, _INDICES):
        array = group[spec.name]
        found = list(array.shape)
        found[spec.time_axis] = min(found[spec.time_axis], n_frames)  # some may have grown already
        if (tuple(found), array.dtype) != (spec.shape(n_frames, grid), spec.dtype):
            raise ValueError(f"{spec.name} holds {array.dtype} {array.shape}")


def _read(array: Any, path: Path, spec: MapSpec, rows: slice, written: NDArray[np.bool_]) -> Any:
    """Return maps as a Dask array, what is one value a frame as it is."""
    if spec.on_grid:
        return stored_maps(array, path, written)[spec.at(rows)]
    check_chunks(array, path, np.flatnonzero(written))
    return np.asarray(array[spec.at(rows)])


def stored_maps(array: Any, path: Path, written: NDArray[np.bool_]) -> da.Array:
    """View the array of maps in the result at `path` as a Dask array; damage is one sentence.

    Rows that are known to be written must be there.
    """
    import dask.array as da

    maps: da.Array = da.from_array(
        _StoredMaps(array, path, written),
        chunks=array.chunks,
        name=False,
        fancy=False,
        meta=np.empty((0,) * array.ndim, array.dtype),
    )
    return maps


class _StoredMaps:
    """What Dask needs to see of an array."""

    def __init__(self, array: Any, path: Path, written: NDArray[np.bool_]) -> None:
        self._array, self._path, self._written = array, path, written
        spec = MAPS[array.basename]
        self._most, self._time_axis = spec.max_value, spec.time_axis
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __getitem__(self, index: Any) -> NDArray[Any]:
        with reading(self._path):
            here = index[self._time_axis]
            rows = np.arange(len(self._written))[here][self._written[here]]
            check_chunks(self._array, self._path, rows)
            values = np.asarray(self._array[index])
            if self._most is not None and values.max(initial=0) > self._most:
                raise ValueError(f"{self._array.basename} holds the value {values.max()}")
            return values


def _copy(spec: MapSpec, values: Any, target: Any) -> None:
    """Write an array chunk by chunk along time."""
    step = target.chunks[spec.time_axis]
    for start in range(0, target.shape[spec.time_axis], step):
        here = spec.at(slice(start, start + step))
        target[here] = np.asarray(values[here])
