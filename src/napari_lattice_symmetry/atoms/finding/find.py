"""Finding atoms in an image or in all frames of a movie."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_lattice_symmetry.atoms.finding.clearness import shows_columns
from napari_lattice_symmetry.atoms.finding.finder import Finder, load_finder
from napari_lattice_symmetry.atoms.finding.parameters import FindParameters
from napari_lattice_symmetry.atoms.finding.scaling import fill_gaps
from napari_lattice_symmetry.atoms.finding.spacing import check_spacing, measure_spacing
from napari_lattice_symmetry.atoms.reading import nm_pair
from napari_lattice_symmetry.atoms.refine import Refined, refine
from napari_lattice_symmetry.atoms.simulation.pictures import FAINTEST
from napari_lattice_symmetry.atoms.table import Atoms, join
from napari_lattice_symmetry.data.movie import Movie, is_blank
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.settings import parse_settings

Float = NDArray[np.float64]

MIN_SIDE = 32
"""Pixels that a frame needs along each side."""

_BRIGHT = 0.9  # share of the columns that the brightest exceeds


def find_atoms(
    frame: Movie | ArrayLike,
    pixel_size: float | tuple[float, float] | None = None,
    *,
    network: str | os.PathLike[str] | Finder = "atoms",
    **settings: Any,
) -> Atoms:
    """Find the atoms of an image, or of all frames of a movie.

    Parameters
    ----------
    frame : Movie or array_like, shape (Y, X) or (T, Y, X)
        Bright atoms on a darker ground; missing pixels may be NaN.
    pixel_size : float or (float, float), optional
        In nm, or along y and x; that of the movie if not given.
    network : str, path or Finder
        "atoms", a .keras file, or one that is loaded.
    **settings
        Fields of `FindParameters`, such as ``spacing``: the distance of neighbors in pixels.

    Returns
    -------
    Atoms
        One table, frame after frame. Its ``remarks`` say where no clear columns were seen, and
        whether neighbors are as far apart as the spacing says.

    Raises
    ------
    InputError
        If it is no image, all of it is constant, its scale cannot be told, or neighbors are less
        than 4 pixels apart.
    ModelError
        If there is no such network.

    Examples
    --------
    >>> picture = nls.atoms.AtomImage(material="graphene", spacing=16, size=96).draw()
    >>> found = nls.atoms.find_atoms(picture.image, spacing=16)
    >>> nls.atoms.score(found, picture.atoms, radius=5, ignore=picture.faint).f1 > 0.95
    True
    """
    tables = list(iter_find_atoms(frame, pixel_size, network=network, **settings))
    return join(tables)


def iter_find_atoms(
    frame: Movie | ArrayLike,
    pixel_size: float | tuple[float, float] | None = None,
    *,
    network: str | os.PathLike[str] | Finder = "atoms",
    **settings: Any,
) -> Iterator[Atoms]:
    """Find the atoms of one frame after the other, holding one frame in memory.

    Parameters
    ----------
    frame, pixel_size, network, **settings
        As for `find_atoms`.

    Yields
    ------
    Atoms
        Of a frame; those of a constant frame are none.

    Raises
    ------
    InputError
        As for `find_atoms`.
    """
    movie = frame if isinstance(frame, Movie) else Movie.from_array(frame, name="the image")
    parameters = parse_settings(FindParameters, **settings)
    size = nm_pair(pixel_size) if pixel_size is not None else _size_of(movie)
    if min(movie.shape[1:]) < MIN_SIDE:
        raise InputError(
            f"{movie.name}: frames of {movie.shape[1]} x {movie.shape[2]} px are too small to find "
            f"atoms in; {MIN_SIDE} px are needed."
        )
    finder = network if isinstance(network, Finder) else load_finder(network)
    spacing = None if parameters.spacing is None else check_spacing(parameters.spacing, movie.name)
    blank = 0
    for number in range(len(movie)):
        image = movie.frame(number)
        if is_blank(image):
            blank += 1
            if blank == len(movie):
                raise InputError(
                    f"{movie.name} is constant or missing; there are no atoms to be found in it."
                )
            yield _table(number, _NOTHING, spacing, size, movie.name)
            continue
        gray = fill_gaps(image)
        if spacing is None:
            side = None if size is None else float(np.sqrt(np.prod(size)))
            spacing = check_spacing(measure_spacing(gray, finder, side, movie.name), movie.name)
        peaks = finder.peaks(gray, spacing, parameters.samples, parameters.seed)
        columns = _columns(gray, spacing, finder.confidence(peaks), peaks.place, parameters)
        table = _table(number, columns, spacing, size, movie.name)
        is_clear = not len(table) or shows_columns(gray, spacing, peaks.clearness)
        yield table if is_clear else replace(table, unclear=(number,))


def _size_of(movie: Movie) -> tuple[float, float] | None:
    return movie.pixel_size if movie.calibrated else None


def _columns(
    frame: Float, spacing: float, confidence: Float, places: Float, parameters: FindParameters
) -> dict[str, NDArray[Any]]:
    kept = confidence >= parameters.confidence
    raw_y, raw_x = places[kept].T
    columns: dict[str, NDArray[Any]] = {
        "y": raw_y,
        "x": raw_x,
        "raw_y": raw_y,
        "raw_x": raw_x,
        "confidence": confidence[kept],
    }
    if parameters.refine:
        fitted = refine(frame, raw_y, raw_x, spacing)
        for title in ("y", "x", "y_error", "x_error", "intensity", "intensity_error", "sigma"):
            columns[title] = getattr(fitted, title)
        columns = {title: values[~_too_faint(fitted)] for title, values in columns.items()}
    return columns


def _too_faint(fitted: Refined) -> NDArray[np.bool_]:
    """Return which columns are, beyond doubt, fainter than any that are looked for; (n,)."""
    known = fitted.intensity[fitted.succeeded]
    brightest = np.quantile(known, _BRIGHT) if len(known) else 0.0
    return np.asarray(fitted.highest < FAINTEST * brightest)


_NOTHING: Mapping[str, NDArray[Any]] = {
    title: np.empty(0) for title in ("y", "x", "raw_y", "raw_x", "confidence")
}


def _table(
    number: int,
    columns: Mapping[str, NDArray[Any]],
    spacing: float | None,
    size: tuple[float, float] | None,
    name: str,
) -> Atoms:
    frame = np.full(len(columns["y"]), number, np.int64)
    return Atoms.at(**columns, frame=frame, spacing=spacing, pixel_size=size, name=name)
