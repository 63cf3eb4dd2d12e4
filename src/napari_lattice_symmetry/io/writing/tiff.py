"""Images and labels as calibrated OME-TIFF, and as a hyperstack for ImageJ."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.data.movie import Frames
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.writing.header import header_of, printable

_MAX_IMAGEJ = 2**32 - 2**20
_EXACT = 2**24  # up to here float32 holds every whole number
_MAX_INTEGER = 4  # bytes, in OME


def write_ome_tiff(stack: LayerStack, path: Path) -> None:
    """Write images as the channels of one image (T, C, Y, X), and each labels as one more image.

    Frames are read and written one by one. Types that OME does not know become others that hold
    the same values.

    Raises
    ------
    InputError
        If there are whole numbers that need more than 32 bits.
    """
    import tifffile

    parts = [(stack.name, stack.images)] if stack.images else []
    parts += [(name, {name: values}) for name, values in stack.labels.items()]
    dtypes = [np.result_type(*itertools.starmap(_ome_type, of.items())) for _, of in parts]
    n_values = [math.prod(stack.shape) * len(channels) for _, channels in parts]
    n_bytes = sum(n * dtype.itemsize for n, dtype in zip(n_values, dtypes, strict=True))
    with tifffile.TiffWriter(path, ome=True, bigtiff=n_bytes > _MAX_IMAGEJ) as tiff:
        for number, ((name, channels), dtype) in enumerate(zip(parts, dtypes, strict=True)):
            about = "" if number else json.dumps(header_of(stack))
            _write_ome_image(tiff, stack, name, channels, dtype=dtype, about=about)


def _ome_type(name: str, channel: Frames) -> np.dtype[Any]:
    """Return a type that OME knows for the values of a channel."""
    dtype: np.dtype[Any] = np.dtype(channel.dtype)
    if dtype == np.float16:
        return np.dtype(np.float32)
    if dtype.kind not in "iu" or dtype.itemsize <= _MAX_INTEGER:
        return dtype
    ends = [(int(plane.min()), int(plane.max())) for plane in map(np.asarray, channel)]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    dtype = np.result_type(np.min_scalar_type(low), np.min_scalar_type(high))
    if dtype.kind not in "iu" or dtype.itemsize > _MAX_INTEGER:
        raise InputError(
            f"{name!r} holds whole numbers from {low:,} to {high:,}, and OME-TIFF knows none of "
            "more than 32 bits; write .ome.zarr instead."
        )
    return dtype


def _write_ome_image(
    tiff: Any,
    stack: LayerStack,
    name: str,
    channels: Mapping[str, Frames],
    *,
    dtype: np.dtype[Any],
    about: str,
) -> None:
    n_frames, y, x = stack.shape
    (step, size_y, size_x), (_, start_y, start_x) = stack.scale, stack.translate
    n_planes = n_frames * len(channels)
    metadata: dict[str, Any] = {
        "axes": "TCYX",
        "Name": printable(name),
        "Channel": {"Name": list(map(printable, channels))},
    }
    if about:
        metadata["Description"] = about
    if stack.timed:
        metadata |= {"TimeIncrement": step, "TimeIncrementUnit": "s"}
    if stack.calibrated:
        metadata |= {f"PhysicalSize{axis}Unit": "nm" for axis in "YX"}
        metadata |= {"PhysicalSizeY": size_y, "PhysicalSizeX": size_x}
        metadata["Plane"] = {
            "PositionY": [start_y] * n_planes,
            "PositionX": [start_x] * n_planes,
            "PositionYUnit": ["nm"] * n_planes,
            "PositionXUnit": ["nm"] * n_planes,
        }
    tiff.write(
        _planes(list(channels.values()), n_frames, dtype),
        shape=(n_frames, len(channels), y, x),
        dtype=dtype,
        metadata=metadata,
        photometric="minisblack",
        compression="zlib",
    )


def write_imagej(stack: LayerStack, path: Path) -> None:
    """Write labels and images as the channels of one hyperstack (T, C, Y, X).

    ImageJ knows one type for all: labels alone stay integers, beside images all is float32.

    Raises
    ------
    InputError
        If it is larger than such a file can be.
    """
    import tifffile

    channels = [*stack.labels.items(), *stack.images.items()]
    n_frames, y, x = stack.shape
    dtype = np.result_type(*(channel.dtype for _, channel in channels))
    if dtype not in (np.uint8, np.uint16):
        dtype = np.dtype(np.float32)
    shape = (n_frames, len(channels), y, x)
    if np.prod(shape) * dtype.itemsize > _MAX_IMAGEJ:
        raise InputError(f"{path.name} would be too large for ImageJ; write .ome.tif instead.")
    (step, size_y, size_x), (_, start_y, start_x) = stack.scale, stack.translate
    metadata: dict[str, Any] = {
        "axes": "TCYX",
        "Labels": [printable(name) for name, _ in channels] * n_frames,
        "Info": json.dumps(header_of(stack, labels_first=True)),
        "unit": stack.unit,
        "xorigin": -start_x / size_x,
        "yorigin": -start_y / size_y,
        "mode": "grayscale",
    }
    if stack.timed:
        metadata |= {"finterval": step, "tunit": "s"}
    tifffile.imwrite(
        path,
        _planes([channel for _, channel in channels], n_frames, dtype),
        shape=shape,
        dtype=dtype,
        imagej=True,
        resolution=(1 / size_x, 1 / size_y),
        metadata=metadata,
    )


def _planes(
    channels: Sequence[Frames], n_frames: int, dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    for t in range(n_frames):
        for channel in channels:
            plane = np.asarray(channel[t])
            if plane.dtype.kind in "iu" and dtype == np.float32 and np.abs(plane).max() > _EXACT:
                raise InputError(
                    f"Whole numbers beyond {_EXACT:,} cannot be written for ImageJ; write .ome.tif "
                    "instead."
                )
            yield plane.astype(dtype, copy=False)
