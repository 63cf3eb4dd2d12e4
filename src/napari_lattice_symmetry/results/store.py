"""Results on disk: one Zarr group of plain arrays, whose attributes say all the rest."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import numpy as np

from napari_lattice_symmetry.bravais.parameters import parse_parameters
from napari_lattice_symmetry.data.movie import NANOMETER, PIXEL
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.results.result import (
    AXES,
    MovieResult,
    array_names,
    array_types,
    at,
    fill_value,
    max_value,
)
from napari_lattice_symmetry.spectrum import WindowGrid

if TYPE_CHECKING:
    import dask.array as da
    import zarr
    from numpy.typing import NDArray

    from napari_lattice_symmetry.bravais.parameters import AnalysisParameters

FORMAT = "lattice-symmetry-result"
SCHEMA_VERSION = 1

PARTIAL = ".partial"
"""Ending of what is not written to its end yet."""

# What packs into fewer bytes than one of these is a lie.
_MAX_COMPRESSION = 4096

# A chunk of maps is written anew with every frame in it, so it should be small; a pixel's time
# series is read from all chunks along time, so these should be few.
_CHUNK_WINDOWS, _MAX_CHUNK_FRAMES = 2**14, 64
_CHUNK_ROWS = {"fractions": 1024, "fractions_std": 1024, "frame_indices": 2**14, "state": 2**16}


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
    check_place(path)
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists; choose another name, or overwrite it.")
    partial = beside(path)
    with writing(path):
        try:
            group = create_group(partial, vars(result))
            for name in array_names(result.parameters):
                _copy(name, getattr(result, name), group[name])
            _move(partial, path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def load_result(path: str | Path) -> MovieResult:
    """Open a result that was saved; its maps are read when they are asked for.

    Raises
    ------
    InputError
        If there is no result at `path`, or it is damaged or from a newer version.
    """
    return MovieResult(**read_fields(Path(path)))


def is_result(path: str | Path) -> bool:
    """Tell whether there is a saved result at `path`."""
    try:
        return open_group(Path(path)).attrs.get("format") == FORMAT
    except InputError:
        return False


def check_place(path: Path) -> None:
    """See that a result can be written to `path`, before hours are spent on it.

    Raises
    ------
    InputError
        If something other than a result is in the way, or the place cannot be written.
    """
    if path.exists() and not is_result(path):
        raise InputError(f"{path} exists and is not a result; choose another name.")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        for probe in (beside(path), path / f"probe{PARTIAL}") if path.exists() else (beside(path),):
            probe.mkdir()
            probe.rmdir()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says against writing `path` into one sentence."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror or error}); "
            "choose a folder in which you may write."
        ) from error


def create_group(path: Path, about: Mapping[str, Any]) -> zarr.Group:
    """Lay out a result with no frame in it; `about` are the fields of a `MovieResult`.

    One that has no `frame_indices` either can be made longer.
    """
    import zarr
    from zarr.codecs import ZstdCodec

    from napari_lattice_symmetry.results.durable import DurableStore

    grid: WindowGrid = about["grid"]
    group = zarr.create_group(DurableStore(path), zarr_format=3, attributes=attributes_of(about))
    indices = about["frame_indices"]
    group.create_array(
        "frame_indices",
        shape=indices.shape,
        chunks=(len(indices) or _CHUNK_ROWS["frame_indices"],),
        dtype=indices.dtype,
        dimension_names=("time",),
        compressors=ZstdCodec(checksum=True),
    )[:] = indices
    chunk_frames = max(1, min(_MAX_CHUNK_FRAMES, _CHUNK_WINDOWS // grid.size))
    for name, (shape, dtype) in array_types(len(indices), grid, about["parameters"]).items():
        axis, chunks = AXES[name].index("time"), list(shape)
        most = _CHUNK_ROWS.get(name, chunk_frames)
        chunks[axis] = min(shape[axis], most) or most
        group.create_array(
            name,
            shape=shape,
            chunks=tuple(chunks),
            dtype=dtype,
            fill_value=fill_value(dtype),
            dimension_names=AXES[name],
            compressors=ZstdCodec(checksum=True),  # what is damaged is found out
        )
    return group


def attributes_of(about: Mapping[str, Any]) -> dict[str, Any]:
    """Put the fields of a `MovieResult` that are no arrays into values that JSON knows."""
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "name": about["name"],
        "source": about["source"],
        "classes": list(CLASSES),
        "frame_shape": list(about["grid"].frame_shape),
        "calibration": {
            "pixel_size": list(about["pixel_size"]),
            "unit": about["unit"],
            "frame_time": about["frame_time"],
        },
        "parameters": about["parameters"].model_dump(mode="json"),
        "provenance": about["provenance"],
        "geometry": about["geometry"],
    }


def fields_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of a `MovieResult` that `attributes_of` wrote.

    Raises
    ------
    InputError, KeyError, TypeError, ValueError
        If they are damaged.
    """
    parameters = parse_parameters(**attributes["parameters"])
    calibration = attributes["calibration"]
    height, width = attributes["frame_shape"]
    y, x = calibration["pixel_size"]
    _check_calibration(y, x, 1 if calibration["frame_time"] is None else calibration["frame_time"])
    if calibration["unit"] not in (NANOMETER, PIXEL):
        raise ValueError(f"the unit {calibration['unit']!r}")
    return {
        "parameters": parameters,
        "grid": WindowGrid((int(height), int(width)), parameters.window, parameters.stride),
        "pixel_size": (y, x),
        "unit": calibration["unit"],
        "frame_time": calibration["frame_time"],
        "name": str(attributes["name"]),
        "source": attributes["source"] and str(attributes["source"]),
        "provenance": dict(attributes["provenance"]),
        "geometry": attributes.get("geometry"),
    }


def _check_calibration(*sizes: float) -> None:
    if not all(math.isfinite(size) and size > 0 for size in sizes):
        raise ValueError(f"a calibration of {sizes}")


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
        names = array_names(fields["parameters"])
        maps = {name for name in names if "y" in AXES[name]}
        n_frames = group["state"].shape[0]  # of all arrays that grow, it is the last to do so
        _check_arrays(group, n_frames, fields["grid"], fields["parameters"])
        rows = slice(n_frames)
        return {
            **{name: stored_maps(group[name], path)[at(name, rows)] for name in maps},
            **{name: np.asarray(group[name][at(name, rows)]) for name in {*names} - maps},
            "frame_indices": np.asarray(group["frame_indices"][rows]),
            **fields,
        }


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a damaged result makes libraries raise into one sentence."""
    try:
        yield
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(f"{path} is damaged ({reason}); analyze the movie again.") from error


def _check_arrays(
    group: Any, n_frames: int, grid: WindowGrid, parameters: AnalysisParameters
) -> None:
    """See that the arrays fit together, before memory is taken for them."""
    for name, count in (("frame_indices", n_frames), ("labels", grid.size)):
        if count > _MAX_COMPRESSION * group[name].nbytes_stored():
            raise ValueError(f"{name} of {count:,} values are not there")
    types = {"frame_indices": ((n_frames,), np.int64), **array_types(n_frames, grid, parameters)}
    for name, (shape, dtype) in types.items():
        found = list(group[name].shape)
        axis = AXES.get(name, ("time",)).index("time")
        found[axis] = min(found[axis], n_frames)  # some may have grown already
        if (tuple(found), group[name].dtype) != (shape, dtype):
            raise ValueError(f"{name} holds {group[name].dtype} {group[name].shape}")


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
        self._most = max_value(array.basename)
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __getitem__(self, index: Any) -> NDArray[Any]:
        with reading(self._path):
            values = np.asarray(self._array[index])
            if self._most is not None and values.max(initial=0) > self._most:
                raise ValueError(f"{self._array.basename} holds the value {values.max()}")
            return values


def beside(path: Path) -> Path:
    """Name a hidden place beside `path` that nothing else uses."""
    return path.with_name(f".{path.name}.{uuid4().hex[:8]}{PARTIAL}")


def _copy(name: str, values: Any, target: Any) -> None:
    """Write an array chunk by chunk along time."""
    axis = AXES[name].index("time")
    step = target.chunks[axis]
    for start in range(0, target.shape[axis], step):
        here = at(name, slice(start, start + step))
        target[here] = np.asarray(values[here])


def _move(partial: Path, path: Path) -> None:
    """Put `partial` in the place of `path`, and keep `path` until that is done."""
    if not path.exists():
        partial.rename(path)
        return
    old = beside(path)
    path.rename(old)
    try:
        partial.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old)
