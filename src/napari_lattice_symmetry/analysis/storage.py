"""Results on disk: one Zarr group of plain arrays, whose attributes say all the rest."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from napari_lattice_symmetry.analysis.parameters import parse_parameters
from napari_lattice_symmetry.analysis.result import MovieResult
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.spectrum import WindowGrid

if TYPE_CHECKING:
    import zarr

FORMAT = "lattice-symmetry-result"
SCHEMA_VERSION = 1

_ARRAYS = {
    "labels": ("time", "y", "x"),
    "mean": ("class", "time", "y", "x"),
    "std": ("class", "time", "y", "x"),
    "entropy": ("time", "y", "x"),
    "mutual_information": ("time", "y", "x"),
    "fractions": ("time", "class"),
    "fractions_std": ("time", "class"),
    "done": ("time",),
    "frame_indices": ("time",),
}


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
    check_target(path, overwrite=overwrite)
    partial = _sibling(path)
    with writing(path):
        try:
            _write(result, partial)
            _move(partial, path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def load_result(path: str | Path) -> MovieResult:
    """Read a result that was saved.

    Raises
    ------
    InputError
        If there is no result at `path`, or it is damaged or from a newer version.
    """
    path = Path(path)
    attributes = _attributes(path)
    if attributes.get("format") != FORMAT:
        raise InputError(f"{path} is not a saved result; choose a .zarr folder that was made here.")
    if attributes.get("schema_version", 0) > SCHEMA_VERSION:
        raise InputError(f"{path} was written by a newer version; update napari-lattice-symmetry.")
    try:
        group = _open(path)
        arrays = {name: np.asarray(group[name]) for name in _ARRAYS}
        parameters = parse_parameters(**attributes["parameters"])
        calibration = attributes["calibration"]
        y, x = attributes["frame_shape"]
        return MovieResult(
            **arrays,
            parameters=parameters,
            grid=WindowGrid((y, x), parameters.window, parameters.stride),
            pixel_size=tuple(calibration["pixel_size"]),
            unit=calibration["unit"],
            frame_time=calibration["frame_time"],
            name=attributes["name"],
            source=attributes["source"],
            provenance=attributes["provenance"],
        )
    except (KeyError, TypeError, ValueError, OSError, RuntimeError) as error:
        raise InputError(
            f"{path} is damaged ({type(error).__name__}: {error}); analyse the movie again."
        ) from error


def is_result(path: str | Path) -> bool:
    """Tell whether there is a saved result at `path`."""
    try:
        return _attributes(Path(path)).get("format") == FORMAT
    except InputError:
        return False


def check_target(path: Path, *, overwrite: bool = False) -> None:
    """See that a result can be written to `path`, before hours are spent on it.

    Raises
    ------
    InputError
        If something is in the way or the place cannot be written.
    """
    if path.exists() and not is_result(path):
        raise InputError(f"{path} exists and is not a result; choose another name.")
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists; choose another name, or overwrite it.")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = _sibling(path)
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


def _write(result: MovieResult, path: Path) -> None:
    import zarr

    y, x = result.grid.frame_shape
    attributes: dict[str, Any] = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "name": result.name,
        "source": result.source,
        "classes": list(CLASSES),
        "frame_shape": [y, x],
        "calibration": {
            "pixel_size": list(result.pixel_size),
            "unit": result.unit,
            "frame_time": result.frame_time,
        },
        "parameters": result.parameters.model_dump(mode="json"),
        "provenance": result.provenance,
    }
    group = zarr.create_group(path, zarr_format=3, attributes=attributes)
    for name, dimensions in _ARRAYS.items():
        values = getattr(result, name)
        # a lost chunk then reads as "not analysed"
        fill = np.nan if values.dtype.kind == "f" else 0
        group.create_array(name, data=values, dimension_names=dimensions, fill_value=fill)


def _move(partial: Path, path: Path) -> None:
    """Put `partial` in the place of `path`, and keep `path` until that is done."""
    if not path.exists():
        partial.rename(path)
        return
    old = _sibling(path)
    path.rename(old)
    try:
        partial.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old)


def _sibling(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid4().hex[:8]}.partial")


def _open(path: Path) -> zarr.Group:
    import zarr

    return zarr.open_group(path, mode="r", zarr_format=3)


def _attributes(path: Path) -> dict[str, Any]:
    try:
        return dict(_open(path).attrs)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not a saved result; choose a .zarr folder that was made here."
        ) from error
