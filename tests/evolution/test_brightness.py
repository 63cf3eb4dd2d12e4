from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_lattice_symmetry.analysis.steps import StoppedError
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import AnalysisError
from napari_lattice_symmetry.evolution.brightness import (
    Brightness,
    brightness_curve,
    measure_brightness,
)
from napari_lattice_symmetry.lattice import simulate
from napari_lattice_symmetry.results import MovieResult


@pytest.fixture(scope="module")
def simulated():
    return simulate("growing-holes", frames=4, size=256, c=0.2)


def measure(movie, **options):
    rows = list(measure_brightness(movie, np.arange(len(movie)), **options))
    return Brightness(np.array(rows))


def test_the_holes_of_a_lattice_are_found(simulated):
    brightness = measure(simulated.movie)
    fractions = brightness.hole_fraction(brightness.otsu())
    np.testing.assert_allclose(fractions, simulated.parameters["hole_fraction"], atol=0.01)


def test_without_smoothing_the_gaps_between_atoms_are_holes_too(simulated):
    brightness = measure(simulated.movie, smoothing=0.5)
    assert np.all(brightness.hole_fraction(brightness.otsu()) > 0.4)


def test_a_frame_without_a_hole_has_none(simulated):
    film = simulate("growing-holes", frames=1, size=256, c=1e-3).movie.frame(0)
    stack = np.concatenate([film[np.newaxis], np.asarray(simulated.movie.frames)])
    brightness = measure(Movie(stack))
    assert brightness.hole_fraction(brightness.otsu())[0] < 0.01


def test_holes_may_be_the_brighter_part(simulated):
    negative = Movie(255.0 - np.asarray(simulated.movie.frames, dtype=float))
    brightness = measure(negative, smoothing=6)
    fractions = brightness.hole_fraction(brightness.otsu(), bright=True)
    np.testing.assert_allclose(fractions, simulated.parameters["hole_fraction"], atol=0.01)


def test_a_region_is_what_counts(simulated):
    hole = np.asarray(simulated.classes[0] == 6)
    brightness = measure(simulated.movie, region=hole)
    assert brightness.hole_fraction(measure(simulated.movie).otsu())[0] > 0.9


def test_missing_pixels_do_not_count(simulated):
    frames = np.asarray(simulated.movie.frames, dtype=float)
    frames[0, :100] = np.nan
    frames[1] = np.nan
    brightness = measure(Movie(frames), smoothing=6)
    fractions = brightness.hole_fraction(brightness.otsu())
    truth = np.asarray(simulated.classes == 6)
    assert fractions[0] == pytest.approx(truth[0, 100:].mean(), abs=0.015)
    assert np.isnan(fractions).tolist() == [False, True, False, False]


def test_the_curve_holds_what_the_threshold_leaves_open(simulated):
    parameters = AnalysisParameters(window=64)
    result = MovieResult.empty(simulated.movie, parameters)
    brightness = measure(simulated.movie)
    curve = brightness_curve(result, brightness)
    low, high = np.percentile(curve.draws, [2.5, 97.5], axis=0)
    truth = np.array(simulated.parameters["hole_fraction"])
    assert np.all((low < truth) & (truth < high))
    assert np.all(high - low < 0.04)
    py, px = simulated.movie.pixel_size
    assert curve.area == pytest.approx(256 * 256 * py * px)


def test_a_curve_is_stopped_between_draws(simulated):
    result = MovieResult.empty(simulated.movie, AnalysisParameters(window=64))
    asked = iter([False, False, True])
    with pytest.raises(StoppedError):
        brightness_curve(result, measure(simulated.movie), should_stop=lambda: next(asked))
    assert list(asked) == []


def test_a_given_threshold_is_taken():
    frames = np.stack([np.repeat([10.0, 20.0], 512).reshape(32, 32)])
    brightness = measure(Movie(frames), smoothing=0.1)
    assert brightness.hole_fraction(15) == pytest.approx(0.5, abs=0.01)
    assert brightness.hole_fraction(5) == 0
    assert brightness.hole_fraction(25) == 1


def spoil(movie, *spoilt):
    """Give a movie of which some frames cannot be read."""
    frames = np.asarray(movie.frames)

    def read(block_info=None):
        index = block_info[None]["array-location"][0][0]
        if index in spoilt:
            raise OSError("corrupt")
        return frames[index : index + 1]

    chunks = ((1,) * len(frames), *((n,) for n in frames.shape[1:]))
    return Movie(da.map_blocks(read, chunks=chunks, dtype=frames.dtype, meta=frames[:0]))


@pytest.mark.parametrize("spoilt", [0, 2])
def test_a_frame_that_cannot_be_read_is_unknown(simulated, spoilt):
    brightness = measure(spoil(simulated.movie, spoilt))
    known = np.arange(4) != spoilt
    np.testing.assert_array_equal(np.isfinite(brightness.quantiles).all(axis=1), known)
    fractions = brightness.hole_fraction(brightness.otsu())
    truth = np.array(simulated.parameters["hole_fraction"])
    np.testing.assert_allclose(fractions[known], truth[known], atol=0.01)


def test_frames_in_a_row_that_cannot_be_read_are_too_many(simulated):
    stack = np.concatenate([np.asarray(simulated.movie.frames)] * 2)
    with pytest.raises(AnalysisError, match="5 frames in a row cannot be read"):
        measure(spoil(Movie(stack), 2, 3, 4, 5, 6), smoothing=3)
