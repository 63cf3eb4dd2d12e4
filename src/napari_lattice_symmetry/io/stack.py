"""Images that lie in an open file: described, named, and chosen among."""

from __future__ import annotations

import math
import os
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from napari_lattice_symmetry.errors import ChoiceError, InputError, guard
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.arrays import ArrayLike, Colors
from napari_lattice_symmetry.io.axes import FramesAre, frames_along, guess_axes, may_be_last

ORDER = "TZCYXS"
"""Order of the axes of what is read."""

MAX_CHANNELS = 16
"""More of them, unnamed, are positions of a scan."""


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

    Attributes
    ----------
    unnamed : bool
        Whether nothing but the shape tells the axes.
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
    unnamed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if Colors.are_in(self.data):
            self.data, self.axes = Colors(self.data), self.axes and f"{self.axes}S"
        counts = Counter(self.axes)
        self.unnamed = not self.axes
        known = counts["Y"] == counts["X"] == 1 and set(self.axes) <= set(ORDER)
        if not known or len(self.axes) != len(self.data.shape):
            self.axes = guess_axes(self.data.shape)
            if "C" in self.axes and self.length("C") > MAX_CHANNELS and not self.refusal:
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

    def arrange(self, frames_are: FramesAre) -> bool:
        """Take the frames along other axes, if these can be meant; return whether they can."""
        axes = frames_along(self.axes, self.data.shape, frames_are)
        if axes:
            self.axes = axes
            self.refusal = self._not_images()
        return bool(axes)

    @property
    def may_be_last(self) -> bool:
        """Whether its frames may lie along the last of three unnamed axes."""
        return self.unnamed and self.axes == "TYX" and may_be_last(self.data.shape)

    @property
    def are_channels(self) -> bool:
        """Whether it has more channels than any microscope, and one frame of each."""
        return self.length("TZ") == 1 and self.length("C") > MAX_CHANNELS and not self.channels

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

    _kept: Kept | None = None

    def keep(self) -> Kept:
        """Leave all open for as long as what is given here lives."""
        if self._kept is None:
            self._kept = Kept(self.pop_all())
        return self._kept


class Kept:
    """What is open for as long as this lives."""

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
    """Return the name `dataset`, or that of the only stack that is a movie.

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


def short_name(path: Path) -> str:
    """Return the name of a file without its endings, as text that can be drawn and written."""
    return os.fsencode(path.stem.removesuffix(".ome")).decode(errors="backslashreplace")


@contextmanager
def one_sentence(path: Path) -> Iterator[None]:
    """Turn whatever a library raises about a file into an InputError that names it."""
    kind = path.suffix.lstrip(".").upper() or "image"
    with guard(f"{path.name} is not a readable {kind} file", InputError):
        yield
