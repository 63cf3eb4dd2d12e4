"""Files in: every format gives the same calibrated `Movie`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import folder, hdf5, images, numpy_files, tiff
from napari_lattice_symmetry.io.stack import Opener, Stack, choose, one_sentence, to_movie

if TYPE_CHECKING:
    from napari_lattice_symmetry.movie import Movie

__all__ = ["SUFFIXES", "list_datasets", "read_movie"]

_OPENERS: dict[str, Opener] = {
    **dict.fromkeys(tiff.SUFFIXES, tiff.open_tiff),
    **dict.fromkeys(images.SUFFIXES, images.open_image),
    **dict.fromkeys(hdf5.SUFFIXES, hdf5.open_hdf5),
    ".npy": numpy_files.open_npy,
    ".npz": numpy_files.open_npz,
}

SUFFIXES = tuple(_OPENERS)
"""Endings of the file names that `read_movie` knows, in lower case, with the dot."""


def read_movie(
    path: str | PathLike[str],
    *,
    dataset: str | None = None,
    channel: int | str | None = None,
    lazy: bool = False,
) -> Movie:
    """Read a file, or a folder of images, as a movie.

    RGB becomes grey, a Z stack becomes frames, lengths become nanometres. What does not fit
    into a quarter of the free memory stays in the file, and is read frame by frame.

    Parameters
    ----------
    path : path-like
        A file whose name ends in one of `SUFFIXES`, or a folder of TIFF, PNG, JPEG or BMP
        images, which are taken in the natural order of their names.
    dataset : str, optional
        Which of several images in the file (HDF5 dataset, NPZ array, TIFF series).
    channel : int or str, optional
        Which of several channels, by name or by number from 0.
    lazy : bool
        Whether to read frame by frame even what fits into memory, where the format allows that.

    Returns
    -------
    Movie
        Frames (T, Y, X) of the dtype in the file (float32 or float64 where colours became
        grey), in the byte order of this machine.

    Raises
    ------
    InputError
        If the file is missing, damaged or no movie, or if it holds several datasets or
        channels and none is chosen.
    """
    path = Path(path)
    with ExitStack() as files, _quiet(), one_sentence(path):
        stack = choose(path, _open(path, files), dataset)
        stack.lazy = lazy
        movie = to_movie(stack, path, channel, files)
    again = partial(read_movie, path.absolute(), dataset=dataset, channel=channel, lazy=True)
    return replace(movie, reopen=again)


def list_datasets(path: str | PathLike[str]) -> list[str]:
    """Name the images in a file, any of which `read_movie` takes as `dataset`.

    Raises
    ------
    InputError
        If the file is missing, damaged, or of an unknown kind.
    """
    path = Path(path)
    with ExitStack() as files, _quiet(), one_sentence(path):
        return list(_open(path, files))


def _open(path: Path, files: ExitStack) -> dict[str, Stack]:
    if path.is_dir():
        return folder.open_folder(path, files)
    if not path.exists():
        raise InputError(f"{path} does not exist.")
    if path.suffix.lower() not in _OPENERS:
        raise InputError(
            f"{path.name} is of a kind that cannot be read; known are {', '.join(SUFFIXES)}."
        )
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes).")
    return _OPENERS[path.suffix.lower()](path, files)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what libraries say about odd files: what matters is raised as an InputError."""
    logger = logging.getLogger("tifffile")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
