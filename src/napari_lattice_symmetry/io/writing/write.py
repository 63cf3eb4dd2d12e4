"""Images and labels out, in the format that the ending of a name asks for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.writing.ome_zarr import write_ome_zarr
from napari_lattice_symmetry.io.writing.tiff import write_imagej, write_ome_tiff

if TYPE_CHECKING:
    from napari_lattice_symmetry.data.layer_stack import LayerStack

_WRITERS: dict[str, Callable[[LayerStack, Path], None]] = {
    ".ome.zarr": write_ome_zarr,
    ".ome.tif": write_ome_tiff,
    ".ome.tiff": write_ome_tiff,
    ".tif": write_imagej,
    ".tiff": write_imagej,
}

WRITTEN_SUFFIXES = tuple(_WRITERS)
"""Endings of the names that `write_layer_stack` knows; the first that fits counts."""


def write_layer_stack(stack: LayerStack, path: str | Path, *, overwrite: bool = False) -> None:
    """Write images and labels as OME-Zarr, OME-TIFF or, for .tif alone, for ImageJ.

    It is written beside its place and then moved there, so that a failure on the way leaves
    what was there before.

    Parameters
    ----------
    stack : LayerStack
        What to write.
    path : path-like
        Where to; the ending says how.
    overwrite : bool
        Whether what is there may be replaced; a folder that is no Zarr never is.

    Raises
    ------
    InputError
        If the ending is unknown, something is in the way or the place cannot be written.
    """
    path = Path(path)
    write = _writer(path)
    _check_free(path, overwrite=overwrite)
    partial = path.with_name(f".{uuid4().hex[:8]}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(stack, partial)
        if path.is_dir():
            shutil.rmtree(path)
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror or error}).") from error
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        partial.unlink(missing_ok=True)


def _writer(path: Path) -> Callable[[LayerStack, Path], None]:
    for suffix, write in _WRITERS.items():
        if path.name.lower().endswith(suffix):
            return write
    raise InputError(
        f"{path.name} does not say in which format to write; end it in "
        f"{', '.join(WRITTEN_SUFFIXES)}."
    )


def _check_free(path: Path, *, overwrite: bool) -> None:
    if not path.exists():
        return
    if not overwrite:
        raise InputError(f"{path} exists; choose another name, or overwrite it.")
    if path.is_dir() and not (path / "zarr.json").is_file():
        raise InputError(f"{path} is a folder that is no Zarr; choose another name.")
