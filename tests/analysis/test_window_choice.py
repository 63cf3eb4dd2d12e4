from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.analysis import describe_choice, movie_period, window_warning
from napari_lattice_symmetry.data.movie import Movie


def waves(period, shape=(200, 240)):
    y, x = np.indices(shape)
    return np.cos(2 * np.pi * x / period) + np.cos(2 * np.pi * y / period)


def test_the_reason_is_told_in_nanometers_and_pixels():
    movie = Movie(waves(18.4)[np.newaxis], pixel_size=(0.0175, 0.0175), unit="nm")
    period = movie_period(movie)
    told = describe_choice(movie, 128, period)
    assert told == "period 0.322 nm = 18.4 px, 7.0 periods in 128 px"
    assert str(period) == "a lattice fitted to 6 of 6 windows"


def test_without_a_calibration_there_are_pixels_alone():
    movie = Movie(waves(12.5)[np.newaxis])
    told = describe_choice(movie, 100, movie_period(movie))
    assert told == "period 12.5 px, 8.0 periods in 100 px"


def test_the_period_is_that_of_the_movie_not_of_a_frame():
    frames = np.stack([waves(9), *(waves(16) for _ in range(8))])
    frames[4] = np.nan
    assert movie_period(Movie(frames)).length == pytest.approx(16, rel=0.01)


def test_frames_that_cannot_be_read_are_left_out():
    class Broken:
        shape, dtype, ndim = (3, 200, 240), np.dtype(float), 3

        def __getitem__(self, index):
            if index < 2:
                raise OSError("gone")
            return waves(16)

    assert movie_period(Movie(Broken())).length == pytest.approx(16, rel=0.01)


def test_pixels_that_are_not_square():
    movie = Movie(waves(12)[np.newaxis, ::2], pixel_size=(0.2, 0.1), unit="nm")
    assert movie_period(movie).length * movie.pixel_side == pytest.approx(1.2, rel=0.01)


@pytest.mark.parametrize(
    ("period", "window", "said"),
    [
        (16, 64, "4.0 periods in 64 px, too few; a window of 160 px suits it."),
        (6, 200, "33.3 periods in 200 px, too many; a window of 64 px suits it."),
        (12.5, 128, ""),
    ],
)
def test_a_window_that_does_not_suit_is_warned_of(period, window, said):
    movie = Movie(waves(period)[np.newaxis])
    assert window_warning(movie, window).endswith(said)
    assert bool(window_warning(movie, window)) == bool(said)


def test_no_lattice_no_period():
    rng = np.random.default_rng(0)
    assert movie_period(Movie(rng.normal(size=(2, 128, 128)))) is None
    assert movie_period(Movie(np.ones((2, 128, 128)))) is None
