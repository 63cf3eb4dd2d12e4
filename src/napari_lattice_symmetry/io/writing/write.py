"""Images and labels out, in the format that the ending of a name asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import as_path, check_free, replacing
from napari_lattice_symmetry.io.writing.ome_zarr import write_ome_zarr
from napari_lattice_symmetry.io.writing.tiff import write_imagej, write_ome_tiff

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
    path = as_path(path)
    write = _writer(path)
    check_free(path, overwrite=overwrite, kind="a file or a Zarr folder", is_kind=_is_image)
    with replacing(path) as partial:
        write(stack, partial)


def _writer(path: Path) -> Callable[[LayerStack, Path], None]:
    for suffix, write in _WRITERS.items():
        if path.name.lower().endswith(suffix):
            return write
    raise InputError(
        f"{path.name} does not say in which format to write; end it in "
        f"{', '.join(WRITTEN_SUFFIXES)}."
    )


def _is_image(path: Path) -> bool:
    return path.is_file() or (path / "zarr.json").is_file()
