"""Holes by their brightness alone: a check on the network that knows nothing of lattices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_lattice_symmetry.analysis.reading import FailureLimit, try_to_read
from napari_lattice_symmetry.analysis.steps import ShouldStop, Steps
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.evolution.curves import BRIGHTNESS, N_DRAWS, Curve, make_curve
from napari_lattice_symmetry.results.result import MovieResult
from napari_lattice_symmetry.spectrum.period import dominant_period

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

N_QUANTILES = 513
"""How many quantiles stand for the brightness of a frame."""

NOT_MEASURED: Float32 = np.full(N_QUANTILES, np.nan, dtype=np.float32)
"""The quantiles of a frame of which nothing is known."""

THRESHOLD_DOUBT = 0.1
"""By how much a threshold may be off, in steps of brightness from hole to film."""

_LEVELS = np.linspace(0, 1, N_QUANTILES)
_UNKNOWN_SMOOTHING = 3.0


@dataclass(frozen=True, eq=False)
class Brightness:
    """How bright the pixels of each frame are, once the lattice is smoothed away.

    Attributes
    ----------
    quantiles : numpy.ndarray, shape (T, N_QUANTILES), float32
        Evenly spaced quantiles of the gray values of each frame; NaN where a frame is not
        known.
    """

    quantiles: Float32

    def otsu(self) -> float:
        """Return the threshold of Otsu for all frames together; NaN if there are none.

        One for all, since a frame without a hole has no two levels of gray to tell apart.
        """
        from skimage.filters import threshold_otsu

        known = self.quantiles[np.isfinite(self.quantiles)]
        return float(threshold_otsu(known)) if known.size else float("nan")

    def step(self, threshold: float) -> float:
        """Return the step of brightness between what is darker and what is brighter."""
        known = self.quantiles[np.isfinite(self.quantiles)]
        darker, brighter = known[known <= threshold], known[known > threshold]
        return float(brighter.mean() - darker.mean()) if darker.size and brighter.size else 0.0

    def hole_fraction(self, threshold: float, *, bright: bool = False) -> Float64:
        """Return the fraction of each frame that is darker than `threshold`, or brighter."""
        darker = np.array([np.interp(threshold, row, _LEVELS) for row in self.quantiles])
        darker[np.isnan(self.quantiles).any(axis=1)] = np.nan
        return 1 - darker if bright else darker


def brightness_curve(
    result: MovieResult,
    brightness: Brightness,
    threshold: float | None = None,
    *,
    bright: bool = False,
    area: float | None = None,
    should_stop: ShouldStop | None = None,
) -> Curve:
    """Return the fraction of each frame that is a hole by its brightness.

    Parameters
    ----------
    result : MovieResult
        Whose frames were measured.
    brightness : Brightness
        Of these frames.
    threshold : float, optional
        In gray values; Otsu's if not given.
    bright : bool
        Holes are the brighter part, as in a bright-field image.
    area : float, optional
        Number of pixels that were measured; the whole frame if not given.
    should_stop : callable, optional
        Asked before every draw.

    Returns
    -------
    Curve
        Its draws hold what a threshold leaves open that may be off by `THRESHOLD_DOUBT`.

    Raises
    ------
    StoppedError
        Once `should_stop` says True.
    """
    y, x = result.grid.frame_shape
    threshold = brightness.otsu() if threshold is None else threshold
    doubt = THRESHOLD_DOUBT * brightness.step(threshold)
    steps, rows = Steps(N_DRAWS, should_stop=should_stop), []
    for each in np.linspace(threshold - doubt, threshold + doubt, N_DRAWS):
        steps.advance()
        rows.append(brightness.hole_fraction(each, bright=bright))
    draws = np.array(rows)
    return make_curve(
        result,
        BRIGHTNESS,
        brightness.hole_fraction(threshold, bright=bright),
        draws.std(axis=0),
        draws=draws,
        area=float(y * x) if area is None else area,
    )


def measure_brightness(
    movie: Movie,
    indices: NDArray[np.int64],
    *,
    smoothing: float | None = None,
    region: NDArray[np.bool_] | None = None,
) -> Iterator[Float32]:
    """Read frames one by one, and give the quantiles of the brightness of each.

    Parameters
    ----------
    movie : Movie
        Whose frames to read.
    indices : numpy.ndarray, shape (T,)
        Which frames.
    smoothing : float, optional
        Standard deviation in px of the Gaussian that smooths the lattice away; that of
        `movie_smoothing` if not given.
    region : numpy.ndarray, shape (Y, X), bool, optional
        Which pixels count; all if not given.

    Yields
    ------
    numpy.ndarray, shape (N_QUANTILES,), float32
        NaN for a frame that is missing, or cannot be read.

    Raises
    ------
    AnalysisError
        If the file of the movie is gone, or frames in a row cannot be read; single ones are
        not known.
    """
    smoothing = movie_smoothing(movie, indices) if smoothing is None else smoothing
    limit = FailureLimit(movie)
    for index in indices:
        frame, failure = try_to_read(movie, int(index))
        limit.note(failure)
        if frame is None:
            yield NOT_MEASURED
            continue
        smooth = _smooth(frame, smoothing)
        yield _quantiles(smooth if region is None else smooth[region])


def movie_smoothing(movie: Movie, indices: NDArray[np.int64]) -> float:
    """Return the `lattice_smoothing` of the first of some frames that can be read."""
    readings = (try_to_read(movie, int(index))[0] for index in indices)
    frame = next((frame for frame in readings if frame is not None), None)
    return _UNKNOWN_SMOOTHING if frame is None else lattice_smoothing(frame)


def _quantiles(values: Float32) -> Float32:
    """Return the quantiles of the values that are known; NaN if there are none."""
    known = values[np.isfinite(values)]
    return np.quantile(known, _LEVELS).astype(np.float32) if known.size else NOT_MEASURED


def lattice_smoothing(frame: NDArray[Any]) -> float:
    """Return the standard deviation in px that smooths a lattice away but keeps the edges of holes.

    That is half a lattice period; 3 px where there is no lattice.
    """
    period = dominant_period(frame)
    return _UNKNOWN_SMOOTHING if period is None else period / 2


def _smooth(frame: NDArray[Any], sigma: float) -> Float32:
    """Smooth with a Gaussian over the pixels that are known."""
    values = frame.astype(np.float32)
    known = np.isfinite(values)
    if known.all():
        smooth: Float32 = gaussian_filter(values, sigma)
        return smooth
    weight = gaussian_filter(known.astype(np.float32), sigma)
    total = gaussian_filter(np.where(known, values, 0), sigma)
    return np.where(known, total / np.maximum(weight, 1e-6), np.nan).astype(np.float32)
