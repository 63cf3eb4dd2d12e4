"""Results on disk: one Zarr group of plain arrays, whose attributes say all the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError, guard
from napari_lattice_symmetry.files import check_free, check_writable, replacing
from napari_lattice_symmetry.results.maps import MAPS, MapSpec, specs_of
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
    path = Path(path)
    check_place(path, overwrite=overwrite)
    with replacing(path) as partial:
        group: Any = create_group(partial, vars(result), [MAPS[name] for name in result.maps])
        for name, values in result.maps.items():
            _copy(MAPS[name], values, group[name])
        group["state"][:] = result.state


def is_result(path: str | Path) -> bool:
    """Tell whether there is a saved result at `path`."""
    try:
        return open_group(Path(path)).attrs.get("format") == FORMAT
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
    attributes = attributes_of(about, [spec.name for spec in specs])
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
    create(_STATE, _CHUNK_STATES)
    create(_INDICES, n_frames or _CHUNK_INDICES)[:] = indices
    return group


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
    except Exception as error:  # of damaged metadata, anything
        raise InputError(
            f"{path} is not a saved result; choose a .zarr folder that was made here."
        ) from error


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
        raise InputError(f"{path} is not a saved result; choose a .zarr folder that was made here.")
    with reading(path):
        is_newer = attributes["schema_version"] > SCHEMA_VERSION
    if is_newer:
        raise InputError(f"{path} was written by a newer version; update napari-lattice-symmetry.")
    with reading(path):
        fields = fields_of(attributes)
        specs = written_specs(attributes, fields["parameters"])
        n_frames = group["state"].shape[0]  # of all arrays that grow, it is the last to do so
        _check_arrays(group, n_frames, fields["grid"], specs)
        rows = slice(n_frames)
        return {
            "maps": {spec.name: _read(group[spec.name], path, spec, rows) for spec in specs},
            "state": np.asarray(group["state"][rows]),
            "frame_indices": np.asarray(group["frame_indices"][rows]),
            **fields,
        }


def reading(path: Path) -> AbstractContextManager[None]:
    """Turn whatever a damaged result makes libraries raise into one sentence."""
    return guard(f"{path} is damaged", InputError, advice="analyze the movie again", unless=())


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


def _read(array: Any, path: Path, spec: MapSpec, rows: slice) -> Any:
    """Give maps as a Dask array, what is one value a frame as it is."""
    if spec.on_grid:
        return stored_maps(array, path)[spec.at(rows)]
    return np.asarray(array[spec.at(rows)])


def stored_maps(array: Any, path: Path) -> da.Array:
    """View the array of maps in the result at `path` as a Dask array; damage is one sentence."""
    import dask.array as da

    maps: da.Array = da.from_array(
        _StoredMaps(array, path),
        chunks=array.chunks,
        name=False,
        fancy=False,
        meta=np.empty((0,) * array.ndim, array.dtype),
    )
    return maps


class _StoredMaps:
    """What Dask needs to see of an array."""

    def __init__(self, array: Any, path: Path) -> None:
        self._array, self._path = array, path
        self._most = MAPS[array.basename].max_value
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __getitem__(self, index: Any) -> NDArray[Any]:
        with reading(self._path):
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
