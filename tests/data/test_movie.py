from __future__ import annotations

import dask.array as da
import h5py
import numpy as np
import pytest
import zarr

from napari_lattice_symmetry import Movie
from napari_lattice_symmetry.errors import InputError

FRAMES = np.arange(2 * 6 * 8, dtype=np.uint16).reshape(2, 6, 8)


def test_what_is_masked_is_not_a_number():
    masked = np.ma.masked_less(FRAMES, 5)
    movie = Movie.from_array(masked)
    assert np.isnan(movie.frames).sum() == 5
    np.testing.assert_array_equal(movie.frames[1], FRAMES[1])
    assert movie.frames.dtype == np.float32
    for frames in (masked, da.from_array(masked)):  # also of one that was not made of an array
        assert np.isnan(Movie(frames).frame(0)).sum() == 5
        np.testing.assert_array_equal(Movie(frames).frame(1), FRAMES[1])


def test_a_number_of_frames_that_is_not_known_is_told():
    frames = da.from_array(FRAMES, chunks=(1, 6, 8))
    with pytest.raises(InputError, match="compute_chunk_sizes"):
        Movie.from_array(frames[frames[:, 0, 0] >= 0])


def test_arrays_in_files_are_read_frame_by_frame(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        plain, chunked = (
            file.create_dataset(name, data=FRAMES, chunks=chunks)
            for name, chunks in (("plain", None), ("chunked", (1, 3, 4)))
        )
        stored = zarr.create_array(tmp_path / "a.zarr", data=FRAMES, chunks=(2, 3, 4))
        for array in (plain, chunked, stored):
            movie = Movie.from_array(array)
            assert isinstance(movie.frames, da.Array)
            assert movie.shape == FRAMES.shape
            np.testing.assert_array_equal(movie.frame(1), FRAMES[1])


def test_labeled_arrays_are_their_data():
    class Labeled:  # as xarray.DataArray
        dims, data, chunks = ("t", "y", "x"), FRAMES, None

    np.testing.assert_array_equal(Movie.from_array(Labeled()).frames, FRAMES)
    Labeled.dims, Labeled.data = ("y", "x", "time"), np.moveaxis(FRAMES, 0, 2)
    np.testing.assert_array_equal(Movie.from_array(Labeled()).frames, FRAMES)


@pytest.mark.parametrize("array", [[[1, 2], [3]], ["a", "b"], None, {}, [[None]]])
def test_what_is_no_array_of_numbers_is_one_sentence(array):
    with pytest.raises(InputError, match=r"^film: .*(\(T, Y, X\)|not real numbers)") as raised:
        Movie.from_array(array, name="film")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("size", ["0.1 nm", 0.1, None, (1, 1, 1), ("a", "b"), (1, float("nan"))])
def test_pixel_sizes_that_are_none_are_told_in_a_sentence(size):
    with pytest.raises(InputError, match=r"^movie: pixel size .* must be two numbers"):
        Movie.from_array(np.zeros((2, 4, 4)), pixel_size=size)


@pytest.mark.parametrize("time", ["1 s", 0, -1, float("inf"), [1.0]])
def test_frame_times_that_are_none_are_told_in_a_sentence(time):
    with pytest.raises(InputError, match=r"^movie: frame time .* must be positive"):
        Movie.from_array(np.zeros((2, 4, 4)), frame_time=time)
