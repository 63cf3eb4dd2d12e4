"""Focal series in files: their images, and what is known of their foci and pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movies
from napari_lattice_symmetry.io.foci import find_defoci


@dataclass(frozen=True, eq=False)
class Series:
    """Focal series of one field at one or several times.

    Parameters
    ----------
    images : array, shape (t, n, Y, X)
        In memory, or read when it is indexed.
    defoci : tuple of float
        Of the n images in nm.
    pixel_size : float
        In nm.
    name : str
        For messages.
    """

    images: Any
    defoci: tuple[float, ...]
    pixel_size: float
    name: str


@dataclass(frozen=True, eq=False)
class SeriesFile:
    """What a file says of a series, before a user has said the rest.

    Parameters
    ----------
    frames : array, shape (t, n, Y, X)
        Images; (1, n, Y, X) where nothing tells times from foci.
    defoci, pixel_size : optional
        As `Series` has them, if the file says so.
    name : str
        For messages.
    """

    frames: Any
    defoci: tuple[float, ...] | None
    pixel_size: float | None
    name: str

    def told(self, defoci: Sequence[float] | None, pixel_size: float | None) -> Series:
        """Return the series with what the user says, or else the file.

        Raises
        ------
        InputError
            If neither says it, or the images are no multiple of the defoci.
        """
        foci = tuple(defoci or self.defoci or ())
        side = pixel_size or self.pixel_size
        if not foci:
            raise InputError(
                f"{self.name} does not say at which defoci its images were taken; give one number "
                "in nm for each, such as -3,2,7."
            )
        if side is None:
            raise InputError(f"{self.name} does not say how large its pixels are; give it in nm.")
        times, images, *frame = self.frames.shape
        if images % len(foci) or (times > 1 and images != len(foci)):
            raise InputError(
                f"{self.name} holds {images} images, and {len(foci)} defoci were given; give one "
                "for each image of a series."
            )
        return Series(self.frames.reshape(-1, len(foci), *frame), foci, side, self.name)


def read_series(path: str | Path) -> SeriesFile:
    """Read the images of a focal series, or of series of several times.

    Parameters
    ----------
    path : path
        A file that `read_movie` knows. Its frames are the images of a series, or series one after
        the other; its channels, where there are any, are the images, and its frames the times.

    Returns
    -------
    SeriesFile

    Raises
    ------
    InputError
        If it cannot be read, or its images are of several shapes.
    """
    movies = read_movies(path)
    if len({movie.shape for movie in movies}) > 1:
        raise InputError(f"{Path(path).name} holds images of several shapes; give one series.")
    first = movies[0]
    frames: Any = np.asarray(first.frames)[np.newaxis]
    if len(movies) > 1:
        frames = np.stack([np.asarray(movie.frames) for movie in movies], axis=1)
    side = None
    if first.calibrated:
        y, x = first.pixel_size
        if abs(y / x - 1) > 1e-3:
            raise InputError(
                f"{first.name} has pixels of {y:.4g} x {x:.4g} nm; square ones are needed."
            )
        side = float(y)
    return SeriesFile(frames, find_defoci(first.metadata, frames.shape[1]), side, first.name)
