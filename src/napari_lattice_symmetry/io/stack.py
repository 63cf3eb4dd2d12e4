"""From an array that lies in a file to a movie in memory, or a lazy one."""

from __future__ import annotations

import math
import os
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.data.movie import NANOMETER, PIXEL, Frames, Movie
from napari_lattice_symmetry.errors import ChoiceError, InputError, guard
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.arrays import ArrayLike, Colors, gray
from napari_lattice_symmetry.io.calibration import is_plausible

_ORDER = "TZCYXS"
_MAX_CHANNELS = 16  # more of them, unnamed, are positions of a scan
# Deflate packs 1032 bytes into one at most, LZW some 2700: beyond this a size is a lie.
_MAX_COMPRESSION = 4096
_MAX_FRAMES = 10_000_000


@dataclass
class Stack:
    """An image or a stack of images in an open file, described but not read.

    Parameters
    ----------
    data : array-like
        Has shape, dtype and indexing.
    axes : str
        A letter an axis: T or Z (frames), C (channels), Y, X, S (gray or RGB, with or without
        alpha). Where the file says nothing, or something else, the shape tells.
    pixel_size : (float, float), optional
        Along y and x, in nm.
    frame_time : float, optional
        In seconds.
    calibration_source : str
        What in the file says so, for people.
    channels : tuple of str
        Names of the channels, where the file has them.
    metadata : mapping
        What the file says about itself.
    refusal : str
        Why it is not a movie ("is a spectrum image ..."), where the file says that.
    in_parts : bool
        Whether a frame can be read without the others.
    lazy : bool
        Whether to leave it in the file even if it fits into memory; ignored unless `in_parts`.
    stored : int, optional
        Bytes that the file holds of it, to compare with what its shape declares.
    compressed : bool
        Whether these bytes may unpack into more, as much as Deflate and LZW can pack.
    piece : int
        Bytes that are unpacked at once, whatever is asked for.
    """

    data: ArrayLike
    axes: str = ""
    pixel_size: tuple[float, float] | None = None
    frame_time: float | None = None
    calibration_source: str = ""
    channels: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    refusal: str = ""
    in_parts: bool = True
    lazy: bool = False
    stored: int | None = None
    compressed: bool = False
    piece: int = 0

    def __post_init__(self) -> None:
        if Colors.are_in(self.data):
            self.data, self.axes = Colors(self.data), self.axes and f"{self.axes}S"
        counts = Counter(self.axes)
        known = counts["Y"] == counts["X"] == 1 and set(self.axes) <= set(_ORDER)
        if not known or len(self.axes) != len(self.data.shape):
            self.axes = _guess_axes(self.data.shape)
            if "C" in self.axes and self.length("C") > _MAX_CHANNELS and not self.refusal:
                self.refusal = refusals.four_dimensional(self.data.shape)
        if not self.refusal:
            self.refusal = self._not_images()

    def _not_images(self) -> str:
        """Say why this is no stack of real numbers, if it is none."""
        dtype, shape = np.dtype(self.data.dtype), self.data.shape
        if not self.axes:
            return (
                f"holds an array of shape {shape}; frames must be (T, Y, X), (T, C, Y, X) or one "
                "(Y, X) image."
            )
        if dtype.kind not in "buif":
            return f"holds {dtype} values, which are not real numbers."
        if 0 in shape:
            return f"holds an empty stack of shape {shape}."
        if 1 in self.frame_shape:
            return f"holds lines, not images: its frames have {self.frame_shape} pixels."
        return ""

    def length(self, letters: str) -> int:
        """Count the elements along the axes `letters`."""
        sizes = zip(self.axes, self.data.shape, strict=True)
        return math.prod(size for letter, size in sizes if letter in letters)

    @property
    def frame_shape(self) -> tuple[int, int]:
        """(Y, X)."""
        return self.length("Y"), self.length("X")

    @property
    def channel_names(self) -> tuple[str, ...]:
        """A name for each channel: its number from 0 where the file has none."""
        count = self.length("C")
        return self.channels if len(self.channels) == count else tuple(map(str, range(count)))

    @property
    def gray_dtype(self) -> np.dtype[Any]:
        """Dtype of the frames when colors have become gray."""
        dtype = np.dtype(self.data.dtype)
        return np.result_type(dtype, np.float32) if self.length("S") > 2 else dtype

    @property
    def gray_shape(self) -> tuple[int, ...]:
        """Length of every axis when colors have become gray."""
        sizes = zip(self.axes, self.data.shape, strict=True)
        return tuple(size for letter, size in sizes if letter != "S")

    @property
    def nbytes(self) -> int:
        """Size of all values in bytes, as the file declares it."""
        return math.prod(self.data.shape) * int(np.dtype(self.data.dtype).itemsize)


class Files(ExitStack):
    """What is open; closed with the last array that is kept, else at the end of the block."""

    _kept: _Kept | None = None

    def keep(self) -> _Kept:
        """Leave all open for as long as what is given here lives."""
        if self._kept is None:
            self._kept = _Kept(self.pop_all())
        return self._kept


class _Kept:
    def __init__(self, files: ExitStack) -> None:
        weakref.finalize(self, files.close)


Opener: TypeAlias = Callable[[Path, Files], dict[str, Stack]]
"""Opens a file, which `Files` is to close, and gives the images in it by their names."""


def add(stacks: dict[str, Stack], name: str, stack: Stack) -> None:
    """Add a stack under its name, numbered where that is taken."""
    number = 2
    unique = name
    while unique in stacks:
        unique, number = f"{name} {number}", number + 1
    stacks[unique] = stack


def choose(path: Path, stacks: Mapping[str, Stack], dataset: str | None) -> str:
    """Give the name `dataset`, or that of the only stack that is a movie.

    Raises
    ------
    ChoiceError
        If there is none of that name, or there are several and `dataset` is None.
    InputError
        If there is none at all.
    """
    named = None if dataset is None else str(dataset).strip("/")
    if named is not None and named in stacks:
        return named
    movies = movies_among(path, stacks)
    if dataset is None and len(movies) == 1:
        return movies[0]
    held = ", ".join(f"{name} {stacks[name].data.shape}" for name in movies)
    problem = "several datasets" if dataset is None else f"no dataset {dataset!r}"
    raise ChoiceError(
        f"{path.name} holds {problem}; choose one by name from: {held}.", "dataset", movies
    )


def movies_among(path: Path, stacks: Mapping[str, Stack]) -> list[str]:
    """Name the stacks that are movies.

    Raises
    ------
    InputError
        If none is; it says why the first is not.
    """
    movies = [name for name, stack in stacks.items() if not stack.refusal]
    if movies:
        return movies
    for stack in stacks.values():
        raise InputError(f"{path.name} {stack.refusal}")
    raise InputError(f"{path.name} holds no image: no array of numbers with two axes or more.")


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
        frames = np.take(frames, index, axis=sorted(stack.axes, key=_ORDER.index).index("C"))
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


def short_name(path: Path) -> str:
    """Give the name of a file without its endings, as text that can be drawn and written."""
    return os.fsencode(path.stem.removesuffix(".ome")).decode(errors="backslashreplace")


def memory_budget() -> int:
    """Give the bytes that one movie may take: a quarter of the free memory."""
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


@contextmanager
def one_sentence(path: Path) -> Iterator[None]:
    """Turn whatever a library raises about a file into an InputError that names it."""
    kind = path.suffix.lstrip(".").upper() or "image"
    with guard(f"{path.name} is not a readable {kind} file", InputError):
        yield


def _guess_axes(shape: tuple[int, ...]) -> str:
    """Tell the axes from the shape alone: a last axis of 1, 3 or 4 is color."""
    color = shape[-1:] in ((1,), (3,), (4,))
    return {2: "YX", 3: "YXS" if color else "TYX", 4: "TYXS" if color else "TCYX"}.get(
        len(shape), ""
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
    raise ChoiceError(
        f"{path.name} holds {count} channel{'s' * (count > 1)}{problem}; choose a channel by name "
        f"or number from 0: {', '.join(names)}.",
        "channel",
        names,
    )


def _load(stack: Stack, path: Path, files: Files) -> Frames:
    """Read all of it, or make a Dask array of one chunk a frame; in the order of `_ORDER`, gray."""
    order = sorted(range(len(stack.axes)), key=lambda axis: _ORDER.index(stack.axes[axis]))
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

    def __init__(self, data: ArrayLike, path: Path, files: _Kept) -> None:
        self._data, self._path, self._files = data, path, files
        self.shape, self.dtype, self.ndim = data.shape, data.dtype, len(data.shape)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        with one_sentence(self._path):
            return np.asarray(self._data[index])
