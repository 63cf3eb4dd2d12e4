"""Frames along another axis than the first: opened rightly, or asked about."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie, read_movies
from napari_lattice_symmetry.io.axes import guess_axes, may_be_last

FRAMES = np.random.default_rng(0).integers(0, 255, (5, 20, 24), dtype=np.uint8)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((9, 8), "YX"),
        ((5, 9, 8), "TYX"),
        ((9, 8, 3), "YXS"),
        ((5, 2, 9, 8), "TCYX"),
        ((1, 5, 1, 9, 8), "TTTYX"),
        ((5, 1, 2, 9, 8), "TTCYX"),
        ((5, 3, 2, 9, 8), ""),
        ((8,), ""),
    ],
)
def test_axes_of_a_shape(shape, axes):
    assert guess_axes(shape) == axes


@pytest.mark.parametrize(
    ("shape", "doubtful"),
    [
        ((512, 512, 20), True),
        ((480, 512, 300), True),
        ((256, 256, 300), True),
        ((20, 512, 512), False),
        ((300, 512, 480), False),
        ((40, 48, 80), False),  # frames are rather broad than high
        ((1, 80, 48), False),
        ((64, 64, 64), False),
        ((5, 0, 8), False),
    ],
)
def test_where_frames_may_lie_along_the_last_axis(shape, doubtful):
    assert may_be_last(shape) == doubtful


def test_an_array_y_x_t_is_asked_about(tmp_path):
    np.save(tmp_path / "a.npy", np.moveaxis(FRAMES, 0, 2))
    with pytest.raises(InputError, match=r"a\.npy .*--frames-are first or --frames-are last"):
        read_movie(tmp_path / "a.npy")
    for lazy in (False, True):
        movie = read_movie(tmp_path / "a.npy", frames_are="last", lazy=lazy)
        np.testing.assert_array_equal(movie.frames, FRAMES)
        np.testing.assert_array_equal(movie.reopen().frames, FRAMES)
    assert read_movie(tmp_path / "a.npy", frames_are="first").shape == (20, 24, 5)


def test_in_a_viewer_which_cannot_ask_the_likelier_axis_is_taken(tmp_path):
    np.save(tmp_path / "a.npy", np.moveaxis(FRAMES, 0, 2))
    (movie,) = read_movies(tmp_path / "a.npy")
    np.testing.assert_array_equal(movie.frames, FRAMES)
    assert movie.frames_are == "last"
    np.testing.assert_array_equal(movie.reopen().frames, FRAMES)


def test_three_frames_along_the_last_axis_are_no_colors_where_that_is_said(tmp_path):
    np.save(tmp_path / "a.npy", np.moveaxis(FRAMES[:3], 0, 2))
    assert read_movie(tmp_path / "a.npy").shape == (1, 20, 24)
    movie = read_movie(tmp_path / "a.npy", frames_are="last")
    np.testing.assert_array_equal(movie.frames, FRAMES[:3])


def test_a_movie_that_imagej_stored_as_channels(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, FRAMES[None], imagej=True, metadata={"axes": "TCYX"})
    with pytest.raises(InputError, match=r"5 channels.*--frames-are channels"):
        read_movie(path)
    movie = read_movie(path, frames_are="channels")
    np.testing.assert_array_equal(movie.frames, FRAMES)
    assert movie.frames_are == "channels"
    assert len(read_movies(path)) == 5


def test_more_channels_than_microscopes_have_are_frames_in_a_viewer(tmp_path):
    frames = np.tile(FRAMES, (4, 1, 1))
    tifffile.imwrite(tmp_path / "a.tif", frames[None], imagej=True, metadata={"axes": "TCYX"})
    (movie,) = read_movies(tmp_path / "a.tif")
    np.testing.assert_array_equal(movie.frames, frames)


@pytest.mark.parametrize("frames_are", ["channels", "middle"])
def test_frames_that_cannot_be_there_are_told(tmp_path, frames_are):
    np.save(tmp_path / "a.npy", FRAMES)
    with pytest.raises(InputError, match=f"{frames_are}"):
        read_movie(tmp_path / "a.npy", frames_are=frames_are)


def test_a_field_of_view_is_that_of_the_frames(tmp_path):
    np.save(tmp_path / "a.npy", np.moveaxis(FRAMES, 0, 2))
    about = {"field_of_view_y": 2.0, "field_of_view_x": 2.4, "field_of_view_units": "nm"}
    (tmp_path / "a.json").write_text(json.dumps(about))
    movie = read_movie(tmp_path / "a.npy", frames_are="last")
    assert movie.pixel_size == pytest.approx((0.1, 0.1))


def test_axes_of_length_one_are_left_out(tmp_path):
    np.save(tmp_path / "a.npy", FRAMES[None, :, None])
    np.testing.assert_array_equal(read_movie(tmp_path / "a.npy").frames, FRAMES)
