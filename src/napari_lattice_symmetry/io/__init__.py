"""Files in: every format gives the same calibrated `Movie`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path

from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import as_path
from napari_lattice_symmetry.io import sidecar
from napari_lattice_symmetry.io.axes import FRAMES_ARE, FramesAre
from napari_lattice_symmetry.io.folder import open_folder
from napari_lattice_symmetry.io.formats import OPENERS
from napari_lattice_symmetry.io.general.zarr_files import is_zarr, open_labels, open_ome_zarr
from napari_lattice_symmetry.io.layer_stack import layer_stack_among
from napari_lattice_symmetry.io.loading import to_movie
from napari_lattice_symmetry.io.stack import (
    Files,
    Stack,
    choose,
    movies_among,
    one_sentence,
    short_name,
)

__all__ = [
    "SUFFIXES",
    "list_datasets",
    "read_labels",
    "read_layer_stack",
    "read_movie",
    "read_movies",
]

SUFFIXES = tuple(OPENERS)
"""Endings of the names that `read_movie` knows, in lower case, with the dot."""

_TALKATIVE = ("tifffile", "rsciio", "igor2", "libav", "PIL")


def read_movie(
    path: str | PathLike[str],
    *,
    dataset: str | None = None,
    channel: int | str | None = None,
    frames_are: FramesAre | None = None,
    lazy: bool = False,
) -> Movie:
    """Read a file, or a folder of images, as a movie.

    RGB becomes gray, a Z stack becomes frames, lengths become nanometers. What does not fit
    into a quarter of the free memory stays in the file, and is read frame by frame.

    Parameters
    ----------
    path : path-like
        A file (or Zarr folder) whose name ends in one of `SUFFIXES`, or a folder of such files
        with one frame each, which are taken in the natural order of their names.
    dataset : str, optional
        Which of several images in the file: a signal, an HDF5 dataset, an NPZ array, a TIFF
        series. Not needed where only one of them is a movie.
    channel : int or str, optional
        Which of several channels, by name or by number from 0.
    frames_are : {"first", "last", "channels"}, optional
        Along which axis frames lie, where a file does not say so or says otherwise: the first of
        three, the last, as in an array (Y, X, T), or that of the channels, as some programs
        store movies. Needed only where an array without names of its axes may well be (Y, X, T).
    lazy : bool
        Whether to read frame by frame even what fits into memory, where the format allows that.

    Returns
    -------
    Movie
        Frames (T, Y, X) of the dtype in the file (float32 or float64 where colors became
        gray), in the byte order of this machine.

    Raises
    ------
    InputError
        If the file is missing, damaged or no movie, or if it holds several datasets or
        channels and none is chosen, or if its frames may lie along two axes.

    Examples
    --------
    >>> import numpy as np
    >>> import napari_lattice_symmetry as nls
    >>> np.save("movie.npy", np.zeros((3, 64, 80), dtype=np.uint16))
    >>> movie = nls.read_movie("movie.npy")
    >>> movie.shape, movie.unit
    ((3, 64, 80), 'pixel')
    """
    path = _named(path)
    with _opened(path) as (stacks, files):
        dataset = choose(path, stacks, dataset)
        stacks[dataset].lazy = lazy
        _arrange(stacks[dataset], path, frames_are)
        movie = to_movie(stacks[dataset], path, channel, files)
    return replace(movie, frames_are=frames_are, reopen=_again(path, dataset, channel, frames_are))


def read_movies(path: str | PathLike[str]) -> list[Movie]:
    """Read all that is a movie in a file: each dataset, and each channel of it.

    Where `read_movie` asks along which axis the frames lie, the likelier one is taken, and the
    movie tells which as `frames_are`: the last of three, or that of more than 16 channels.

    Parameters
    ----------
    path : path-like
        As in `read_movie`.

    Returns
    -------
    list of Movie
        At least one; where there are several, each is named after its dataset and channel.

    Raises
    ------
    InputError
        If the file is missing or damaged, or nothing in it is a movie.
    """
    path = _named(path)
    movies = []
    with _opened(path) as (stacks, files):
        names = movies_among(path, stacks)
        for dataset in names:
            stack = stacks[dataset]
            frames_are = _likely_frames(stack)
            _arrange(stack, path, frames_are)
            channels = stack.channel_names
            for channel in channels:
                parts = [dataset] * (len(names) > 1) + [channel] * (len(channels) > 1)
                name = " ".join([short_name(path), *parts])
                movie = to_movie(stack, path, channel, files, name=name)
                if parts:
                    movie = replace(movie, dataset=dataset, channel=channel)
                again = _again(path, dataset, channel, frames_are)
                movies.append(replace(movie, frames_are=frames_are, reopen=again))
    return movies


def list_datasets(path: str | PathLike[str]) -> list[str]:
    """Name what a file holds; `read_movie` takes each name as `dataset`, or says why it cannot.

    Raises
    ------
    InputError
        If the file is missing, damaged, or of an unknown kind.
    """
    path = _named(path)
    with _opened(path) as (stacks, _):
        return list(stacks)


def read_layer_stack(path: str | PathLike[str]) -> LayerStack | None:
    """Read images and labels together, as `io.writing.write_layer_stack` wrote them.

    Parameters
    ----------
    path : path-like
        An OME-Zarr folder, an OME-TIFF or an ImageJ file.

    Returns
    -------
    LayerStack or None
        None if another program wrote the file, or changed its arrays or its calibration since.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    path = _named(path)
    with _opened(path) as (stacks, files):
        return layer_stack_among(path, stacks, files)


def read_labels(path: str | PathLike[str]) -> list[Movie]:
    """Read the labels that lie beside the images of an OME-Zarr folder.

    Parameters
    ----------
    path : path-like
        As in `read_movie`; in other files there are none.

    Returns
    -------
    list of Movie
        Of whole numbers, named as the labels are.

    Raises
    ------
    InputError
        If the folder is damaged, or its labels are no whole numbers.
    """
    path = as_path(path)
    if not is_zarr(path) and path.suffix.lower() != ".zarr":
        return []
    movies = []
    with Files() as files, silent_libraries(), one_sentence(path):
        for name, stack in open_labels(path).items():
            if stack.data.dtype.kind not in "biu":
                raise InputError(
                    f"{path.name} holds labels {name!r} of {stack.data.dtype} values, which are no "
                    "whole numbers."
                )
            channels = stack.channel_names
            for channel in channels:
                full_name = f"{name} {channel}" if len(channels) > 1 else name
                movies.append(to_movie(stack, path, channel, files, name=full_name))
    return movies


def _named(path: str | PathLike[str]) -> Path:
    """Return a path that ends in a name, as ``.`` and ``..`` do not."""
    path = as_path(path)
    return path if path.name.strip(".") else path.resolve()


def _again(
    path: Path, dataset: str, channel: int | str | None, frames_are: FramesAre | None
) -> Callable[[], Movie]:
    """Return what opens a movie anew, in any process."""
    return partial(
        read_movie,
        path.absolute(),
        dataset=dataset,
        channel=channel,
        frames_are=frames_are,
        lazy=True,
    )


def _likely_frames(stack: Stack) -> FramesAre | None:
    """Return along which other axis than usual the frames of a stack lie, most probably."""
    if stack.may_be_last:
        return "last"
    return "channels" if stack.are_channels else None


def _arrange(stack: Stack, path: Path, frames_are: FramesAre | None) -> None:
    """Take the frames along the axis that was chosen.

    Raises
    ------
    InputError
        If there is no such axis, or none was chosen and there may be two.
    """
    shape = " x ".join(map(str, stack.data.shape))
    if frames_are is None:
        if stack.may_be_last:
            raise InputError(
                f"{path.name} holds an array of {shape} without names of its axes; say whether "
                "frames lie along the first or the last (--frames-are first or --frames-are last)."
            )
        return
    if frames_are not in FRAMES_ARE:
        raise InputError(f"Frames are {frames_are!r}, and must be one of {', '.join(FRAMES_ARE)}.")
    if not stack.arrange(frames_are):
        raise InputError(
            f"{path.name} holds {shape} values along {', '.join(stack.axes.lower())}; frames "
            f"cannot be its {frames_are}."
        )
    if "sidecar" in stack.metadata:  # a field of view is shared by other pixels now
        stack.pixel_size = None
        sidecar.calibrate(stack, path)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[dict[str, Stack], Files]]:
    """Open what lies at `path`; whatever goes wrong is one sentence."""
    with Files() as files, silent_libraries(), one_sentence(path):
        stacks = _opener(path)(path, files)
        for stack in stacks.values():
            sidecar.calibrate(stack, path)
        yield stacks, files


def _opener(path: Path) -> Callable[[Path, Files], dict[str, Stack]]:
    if not path.exists():
        raise InputError(f"{path} does not exist.")
    suffix = path.suffix.lower()
    if path.is_dir() and suffix not in (".zarr", ".zspy"):
        return open_ome_zarr if is_zarr(path) else open_folder
    if suffix not in OPENERS:
        raise InputError(
            f"{path.name} is of a kind that cannot be read; known are {', '.join(SUFFIXES)}."
        )
    if not path.is_dir() and not path.is_file():  # a pipe would be waited for without end
        raise InputError(f"{path.name} is a pipe or a device; give a regular file or a folder.")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes).")
    return OPENERS[suffix]


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Hold back what libraries say about odd files: what matters is raised as an InputError."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
