"""Which window suits a movie, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_lattice_symmetry.analysis.reading import is_blank, try_to_read
from napari_lattice_symmetry.lattice import pixel_distortion
from napari_lattice_symmetry.spectrum.period import Period, measure_period

if TYPE_CHECKING:
    from napari_lattice_symmetry.data.movie import Movie

_MAX_FRAMES = 5


def movie_period(movie: Movie) -> Period | None:
    """Measure the lattice period in a few frames all over a movie.

    Returns
    -------
    Period or None
        None where no frame that can be read shows a lattice.
    """
    t = np.linspace(0, len(movie) - 1, min(len(movie), _MAX_FRAMES))
    readings = (try_to_read(movie, index)[0] for index in t.round().astype(int).tolist())
    frames = [frame for frame in readings if frame is not None and not is_blank(frame)]
    return measure_period(frames, pixel_distortion(movie.pixel_size)) if frames else None


def describe_length(movie: Movie, pixels: float) -> str:
    """Give a length in px, and in nm where the movie is calibrated."""
    size = "" if movie.pixel_side is None else f"{pixels * movie.pixel_side:.3g} nm = "
    return f"{size}{pixels:.1f} px"


def describe_choice(movie: Movie, window: int, period: Period) -> str:
    """Give the lattice period of a movie, and how many of it are in a window."""
    length = describe_length(movie, period.length)
    return f"period {length}, {window / period.length:.1f} periods in {window} px"
