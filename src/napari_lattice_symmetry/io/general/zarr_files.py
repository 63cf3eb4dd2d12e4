"""Zarr: OME-Zarr (0.4 and 0.5) with its calibration, and plain arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.data.movie import axis_letter
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.calibration import pixel_size_nm, seconds
from napari_lattice_symmetry.io.loading import memory_budget
from napari_lattice_symmetry.io.stack import Files, Stack, add

if TYPE_CHECKING:
    import zarr

SUFFIXES = (".zarr",)
_FIRST_AXES = "tczyx"  # of all images before version 0.3
_XARRAY_NAMES = "_ARRAY_DIMENSIONS"
_MARKS = ("zarr.json", ".zattrs", ".zgroup", ".zarray")


def is_zarr(path: Path) -> bool:
    """Return whether a folder is a Zarr group or array."""
    return any((path / mark).is_file() for mark in _MARKS)


def open_zarr(path: Path) -> Any:
    """Open a folder, or a ZIP archive of one, for reading: an array or a group.

    Raises
    ------
    InputError
        If it is a folder of another kind.
    """
    import zarr
    from zarr.storage import LocalStore, ZipStore

    from napari_lattice_symmetry.io.general.zarr_bounds import BoundedStore

    if path.is_dir() and not is_zarr(path):
        raise InputError(f"{path.name} is not a Zarr folder: it has no zarr.json and no .zgroup.")
    folder = LocalStore(path, read_only=True)
    return zarr.open(BoundedStore(folder if path.is_dir() else ZipStore(path, mode="r")), mode="r")


def open_ome_zarr(path: Path, files: Files) -> dict[str, Stack]:
    """List the images of an OME-Zarr folder at full resolution, or the arrays of any other."""
    import zarr

    root = open_zarr(path)
    if isinstance(root, zarr.Array):
        return {path.stem: zarr_stack(root, metadata=root.attrs.asdict())}
    if root.attrs.get("format") == "lattice-symmetry-result":
        raise InputError(f"{path.name} is a saved result, not a movie; load it as a result.")
    if "plate" in _ome(root):
        raise InputError(
            f"{path.name} is a plate of many images; open one of them: a row/column/0."
        )
    stacks: dict[str, Stack] = {}
    for group in _groups(root):
        for image in _ome(group).get("multiscales", []):
            add(stacks, image.get("name") or group.basename or path.stem, _image(group, image))
    if not stacks:
        for name, array in sorted(root.arrays(), key=_by_number):
            add(stacks, name, zarr_stack(array, metadata=array.attrs.asdict()))
    return stacks


def open_labels(path: Path) -> dict[str, Stack]:
    """List the labels that belong to the images of an OME-Zarr folder, in their order."""
    import zarr

    root = open_zarr(path)
    stacks: dict[str, Stack] = {}
    if isinstance(root, zarr.Array):
        return stacks
    for group in _groups(root):
        for name in _ome(group["labels"]).get("labels", []) if "labels" in group else []:
            labels = group["labels"][name]
            for image in _ome(labels).get("multiscales", [])[:1]:
                add(stacks, str(name), _image(labels, image))
    return stacks


def _groups(root: Any) -> list[Any]:
    """Return a group and those in it, which may be numbered, and come in any order."""
    return [root, *(group for _, group in sorted(root.groups(), key=_by_number))]


def _by_number(named: tuple[str, Any]) -> tuple[int, str]:
    name, _ = named
    return len(name), name


def zarr_stack(array: Any, **facts: Any) -> Stack:
    """Describe an array, with `facts` for its `Stack`.

    Raises
    ------
    InputError
        If it is not safe to read.
    """
    check_array(array)
    # Zarr 3 names axes; for Zarr 2, xarray does.
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get(_XARRAY_NAMES)
    if isinstance(names, list | tuple):
        facts = {"axes": "".join(map(axis_letter, names))} | facts
    return Stack(array, piece=math.prod(array.chunks) * array.dtype.itemsize, **facts)


def check_array(array: Any) -> None:
    """See that an array is safe to read.

    Raises
    ------
    InputError
        If it is pickled, or its chunks are larger than can be.
    """
    name = array.path or "the array"
    if any("Pickle" in type(codec).__name__ for codec in (*array.filters, *array.compressors)):
        raise InputError(f"{name} in this Zarr is pickled, and not opened: it can run code.")
    chunk = math.prod(array.chunks) * array.dtype.itemsize
    if chunk > max(memory_budget(), array.nbytes):
        raise InputError(f"{name} in this Zarr is damaged: it claims chunks of {chunk:,} bytes.")
    array.store.bound(array)


def _ome(group: zarr.Group) -> Mapping[str, Any]:
    """Return what OME says of a group: from version 0.5 on under a key of its own."""
    attributes = group.attrs.asdict()
    ome = attributes.get("ome", attributes)
    return ome if isinstance(ome, Mapping) else {}


def _image(group: zarr.Group, image: Mapping[str, Any]) -> Stack:
    level = image["datasets"][0]
    array = group[level["path"]]
    axes = [
        axis if isinstance(axis, Mapping) else {"name": axis}
        for axis in image.get("axes", _FIRST_AXES)
    ]
    steps = _scale(level, len(axes)) * _scale(image, len(axes))
    along = {
        axis["name"].upper(): (float(step), axis.get("unit"))
        for axis, step in zip(axes, steps, strict=True)
    }
    (y, unit_y), (x, unit_x) = along["Y"], along["X"]
    pixel_size = pixel_size_nm(y, x, unit_y, unit_x)
    channels = _ome(group).get("omero", {}).get("channels", [])
    return zarr_stack(
        array,
        axes="".join(along),
        pixel_size=pixel_size,
        frame_time=seconds(*along["T"]) if "T" in along else None,
        calibration_source="scale of the OME-Zarr axes",
        refusal=refusals.diffraction(unit_y, unit_x),
        channels=tuple(channel.get("label") or str(i) for i, channel in enumerate(channels)),
        metadata=group.attrs.asdict(),
    )


def _scale(part: Mapping[str, Any], n_axes: int) -> Any:
    """Return the scale among coordinate transformations, one step an axis."""
    scales = [
        transformation["scale"]
        for transformation in part.get("coordinateTransformations", [])
        if transformation.get("type") == "scale" and "scale" in transformation
    ]
    return np.prod([np.ones(n_axes), *scales], axis=0)
