"""From an array that lies in a file to a movie in memory, or a lazy one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.data.movie import NANOMETER, PIXEL, Frames, Movie
from napari_lattice_symmetry.errors import ChoiceError, InputError
from napari_lattice_symmetry.io.arrays import ArrayLike, gray
from napari_lattice_symmetry.io.calibration import is_plausible
from napari_lattice_symmetry.io.stack import (
    MAX_CHANNELS,
    ORDER,
    Files,
    Kept,
    Stack,
    one_sentence,
    short_name,
)

# Deflate packs 1032 bytes into one at most, LZW some 2700: beyond this a size is a lie.
_MAX_COMPRESSION = 4096
_MAX_FRAMES = 10_000_000


def to_movie(
    stack: Stack, path: Path, channel: int | str | None, files: Files, *, name: str = ""
) -> Movie:
    """Read `stack`; what does not fit into a quarter of the free memory stays lazy.

    Lazy movies keep the open `files`, which close when the last of them is gone.

    Raises
    ------
    InputError
        If it is not a stack of gray or RGB images, is larger than its file can be, has several
        channels and none is chosen, or a frame does not fit into memory.
    """
    check(stack, path)
    index = _channel_index(stack, path, channel)
    pixel_size, source = _calibration(stack)

    frames = _load(stack, path, files)
    if "C" in stack.axes:
        frames = np.take(frames, index, axis=sorted(stack.axes, key=ORDER.index).index("C"))
    frames = frames.reshape((-1, *stack.frame_shape))
    both = stack.length("T") > 1 and stack.length("Z") > 1
    return Movie(
        frames.astype(frames.dtype.newbyteorder("="), copy=False),
        name=name or short_name(path),
        pixel_size=pixel_size or (1.0, 1.0),
        unit=NANOMETER if pixel_size else PIXEL,
        frame_time=None if both else stack.frame_time,
        calibration_source=source,
        metadata=stack.metadata,
        source=str(path),
    )


def channels_of(stack: Stack, path: Path, files: Files) -> list[Frames]:
    """Read all channels of a gray stack at once, each (T, Y, X); otherwise as `to_movie`.

    Raises
    ------
    InputError
        If it is not a stack of gray images, is larger than its file can be, or a frame does not
        fit into memory.
    """
    check(stack, path)
    if "S" in stack.axes:
        raise InputError(f"{path.name} holds colors, not gray images.")
    count = stack.length("C")
    frames = _load(stack, path, files).reshape((-1, count, *stack.frame_shape))
    return [frames[:, channel] for channel in range(count)]


def _calibration(stack: Stack) -> tuple[tuple[float, float] | None, str | None]:
    """Return the pixel size if it can be one, and where the calibration comes from, in words."""
    size, source = stack.pixel_size, stack.calibration_source or None
    if size is not None and not is_plausible(size):
        y, x = size
        return None, f"pixels of {y:.3g} x {x:.3g} nm are declared, which no microscope has"
    return size, source if size is not None or stack.frame_time is not None else None


def check(stack: Stack, path: Path) -> None:
    """Refuse what is no movie, before memory is taken for it.

    Raises
    ------
    InputError
        If it is not a stack of real numbers, or larger than its file can be.
    """
    if stack.refusal:
        raise InputError(f"{path.name} {stack.refusal}")
    expansion = _MAX_COMPRESSION if stack.compressed else 1
    if stack.stored is not None and stack.nbytes > stack.stored * expansion:
        raise InputError(
            f"{path.name} is damaged or truncated: its image of shape {stack.data.shape} takes "
            f"{stack.nbytes:,} bytes, and the file holds {stack.stored:,}."
        )
    if stack.length("TZC") > _MAX_FRAMES:
        raise InputError(
            f"{path.name} declares {stack.length('TZC'):,} frames; {_MAX_FRAMES:,} can be read."
        )


def memory_budget() -> int:
    """Return the bytes that one movie may take: a quarter of the free memory."""
    import psutil

    return int(psutil.virtual_memory().available) // 4


def check_memory(path: Path, needed: int) -> None:
    """Refuse what has to be read at once and does not fit.

    Raises
    ------
    InputError
        If that is more than one movie may take.
    """
    budget = memory_budget()
    if needed > budget:
        raise InputError(
            f"{path.name} does not fit into memory: {needed:,} bytes have to be read at once, and "
            f"{budget:,} (a quarter of what is free) can be."
        )


def _channel_index(stack: Stack, path: Path, channel: int | str | None) -> int:
    names = stack.channel_names
    count = len(names)
    if channel is None and count == 1:
        return 0
    numbers = {name: index for index, name in enumerate(names)}
    numbers |= {str(index): index for index in range(count) if str(index) not in numbers}
    if str(channel) in numbers:
        return numbers[str(channel)]
    problem = "" if channel is None else f" and none is {channel!r}"
    shown = ", ".join(names if count <= MAX_CHANNELS else (*names[:3], "…", names[-1]))
    if stack.length("TZ") == 1:
        shown += "; or take all of them as frames (--frames-are channels)"
    raise ChoiceError(
        f"{path.name} holds {count} channel{'s' * (count > 1)}{problem}; choose a channel by name "
        f"or number from 0: {shown}.",
        "channel",
        names,
    )


def _load(stack: Stack, path: Path, files: Files) -> Frames:
    """Read all of it, or make a Dask array of one chunk a frame; in the order of `ORDER`, gray."""
    order = sorted(range(len(stack.axes)), key=lambda axis: ORDER.index(stack.axes[axis]))
    if _held(stack) <= memory_budget() and not (stack.lazy and stack.in_parts):
        if "S" in stack.axes:
            return _load_gray(stack, order)
        values = stack.data[...]
        copy = np.array(values) if isinstance(values, np.memmap) else np.asarray(values)
        return copy.transpose(order)
    check_memory(
        path,
        max(stack.piece, stack.nbytes // stack.length("TZC")) if stack.in_parts else _held(stack),
    )
    import dask.array as da

    shape, dtype = stack.data.shape, stack.data.dtype
    frames: da.Array = da.from_array(
        _OpenArray(stack.data, path, files.keep()),
        chunks=tuple(
            size if letter in "YXS" else 1 for letter, size in zip(stack.axes, shape, strict=True)
        ),
        name=False,
        meta=np.empty((0,) * len(shape), dtype),
    )
    ordered: Frames = frames.transpose(order)
    return gray(ordered) if "S" in stack.axes else ordered


def _held(stack: Stack) -> int:
    """Count the bytes that are held while all of it is read: of colors, gray and a frame."""
    if "S" not in stack.axes:
        return stack.nbytes + stack.piece
    read = stack.nbytes // (stack.length("TZC") if stack.in_parts else 1)
    return read + stack.piece + math.prod(stack.gray_shape) * int(stack.gray_dtype.itemsize)


def _load_gray(stack: Stack, order: Sequence[int]) -> NDArray[Any]:
    """Read colors frame by frame; all of them take several times what their luminance does."""
    data, shape = stack.data, stack.data.shape
    if not stack.in_parts or stack.length("TZC") == 1:
        data = np.asarray(data[...])
    inner = len(order) - 3  # Y, X and S come last in the order
    luminance = np.empty([shape[axis] for axis in order[:-1]], stack.gray_dtype)
    for outer in np.ndindex(*luminance.shape[:inner]):
        part = [slice(None)] * len(shape)
        for axis, index in zip(order, outer, strict=False):
            part[axis] = slice(index, index + 1)
        colors = np.asarray(data[tuple(part)]).transpose(order)
        luminance[outer] = gray(colors[(0,) * inner])
    return luminance


class _OpenArray:
    """An array in files that are open for as long as something may read it."""

    def __init__(self, data: ArrayLike, path: Path, files: Kept) -> None:
        self._data, self._path, self._files = data, path, files
        self.shape, self.dtype, self.ndim = data.shape, data.dtype, len(data.shape)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        with one_sentence(self._path):
            return np.asarray(self._data[index])
