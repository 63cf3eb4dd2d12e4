"""Which window suits a movie, and why."""

from __future__ import annotations

import numpy as np

from napari_lattice_symmetry.analysis.reading import try_to_read
from napari_lattice_symmetry.bravais.parameters import suggest_window
from napari_lattice_symmetry.data.movie import Movie, is_blank
from napari_lattice_symmetry.lattice import pixel_distortion
from napari_lattice_symmetry.spectrum.lattice_fit import MAX_PERIODS, MIN_PERIODS
from napari_lattice_symmetry.spectrum.period import Period, measure_period

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
    """Return a length in px, and in nm where the movie is calibrated."""
    size = "" if movie.pixel_side is None else f"{pixels * movie.pixel_side:.3g} nm = "
    return f"{size}{pixels:.1f} px"


def too_few_or_many(window: int, period: Period) -> str:
    """Say "too few" or "too many" where a window does not hold as many periods as it should."""
    n_periods = window / period.length
    if n_periods < MIN_PERIODS:
        return "too few"
    return "too many" if n_periods > MAX_PERIODS else ""


def window_warning(movie: Movie, window: int) -> str:
    """Warn in a sentence of a window that holds too few or too many periods of a movie.

    Returns
    -------
    str
        Empty where the window suits, or the movie shows no lattice.
    """
    period = movie_period(movie)
    fault = "" if period is None else too_few_or_many(window, period)
    if period is None or not fault:
        return ""
    better = suggest_window(period.length, movie.shape[1:], period.min_window)
    advice = f"; a window of {better} px suits it" if better != window else ""
    return f"{movie.name}: {describe_choice(movie, window, period)}, {fault}{advice}."


def describe_choice(movie: Movie, window: int, period: Period) -> str:
    """Return the lattice period of a movie, and how many of it are in a window."""
    length = describe_length(movie, period.length)
    return f"period {length}, {window / period.length:.1f} periods in {window} px"
