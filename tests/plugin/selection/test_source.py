"""Movies taken out of layers."""

from __future__ import annotations

import json
import pickle

import dask.array as da
import numpy as np
import pytest
import tifffile
from napari.layers import Image, Layer

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.plugin.readers import read_layers
from napari_lattice_symmetry.plugin.selection.source import (
    ALL_CHANNELS,
    can_be_frames,
    count_channels,
    take_source,
)

IMAGEJ = {"axes": "TYX", "unit": "nm", "finterval": 2.5}
FRAMES = np.random.default_rng(0).integers(0, 255, (3, 2, 20, 30), dtype=np.uint8)


def test_what_a_file_says_of_its_origin_is_known(tmp_path):
    tifffile.imwrite(
        tmp_path / "run.tif", FRAMES[:, 0], imagej=True, resolution=(10, 10), metadata=IMAGEJ
    )
    layer = Layer.create(*read_layers(str(tmp_path / "run.tif"))[0])
    movie = take_source(layer).movie
    assert movie.calibration_source == "resolution and unit of the ImageJ file"
    assert (movie.dataset, movie.channel) == (None, None)
    layer.scale = (1, 0.2, 0.2)
    assert take_source(layer).movie.calibration_source == "set by hand"


def test_which_of_several_datasets_it_is_is_known(tmp_path):
    np.savez(tmp_path / "run.npz", forward=FRAMES[:, 0], backward=FRAMES[:, 1])
    for described, k in zip(read_layers(str(tmp_path / "run.npz")), (0, 1), strict=True):
        movie = take_source(Layer.create(*described)).movie
        assert movie.dataset == ("forward", "backward")[k]
        again = read_movie(tmp_path / "run.npz", dataset=movie.dataset, channel=movie.channel)
        np.testing.assert_array_equal(again.frames, FRAMES[:, k])


def test_frames_that_stay_in_their_file_can_be_read_by_others(
    tmp_path, monkeypatch, make_napari_viewer
):
    np.save(tmp_path / "run.npy", FRAMES[:, 1])
    viewer = make_napari_viewer()
    (in_memory,) = viewer.open(tmp_path / "run.npy", plugin="napari-lattice-symmetry")
    assert take_source(in_memory).movie.reopen is None
    monkeypatch.setattr("napari_lattice_symmetry.io.loading.memory_budget", lambda: 1000)
    (in_file,) = viewer.open(tmp_path / "run.npy", plugin="napari-lattice-symmetry")
    movie = take_source(in_file).movie
    assert pickle.loads(pickle.dumps(movie.reopen))().fingerprint == movie.fingerprint


def test_an_image_has_one_frame():
    movie = take_source(Image(FRAMES[0, 0])).movie
    assert movie.shape == (1, 20, 30)
    np.testing.assert_array_equal(movie.frame(0), FRAMES[0, 0])


def test_numbers_are_not_copied():
    frames = FRAMES[:, 0]
    assert np.shares_memory(take_source(Image(frames)).movie.frames, frames)


def test_lazy_frames_stay_lazy():
    movie = take_source(Image(da.from_array(FRAMES[:, 0]), contrast_limits=(0, 255))).movie
    assert isinstance(movie.frames, da.Array)
    np.testing.assert_array_equal(movie.frame(2), FRAMES[2, 0])


def test_of_a_pyramid_the_full_resolution_is_taken():
    frames = FRAMES[:, 0]
    layer = Image([frames, frames[:, ::2, ::2]], multiscale=True, contrast_limits=(0, 255))
    assert take_source(layer).movie.shape == (3, 20, 30)


@pytest.mark.parametrize("lazy", [False, True])
def test_colors_become_luminance_when_read(lazy):
    colors = np.zeros((3, 20, 30, 4), np.uint8)
    colors[1, :, :, 1] = 100  # green
    layer = Image(da.from_array(colors) if lazy else colors, rgb=True)
    movie = take_source(layer).movie
    assert isinstance(movie.frames, da.Array)
    assert movie.shape == (3, 20, 30)
    np.testing.assert_allclose(movie.frame(1), 71.52, rtol=1e-5)


@pytest.mark.parametrize("channel", [0, 1])
def test_a_channel_of_tcyx(channel):
    source = take_source(Image(FRAMES), channel)
    np.testing.assert_array_equal(source.movie.frames, FRAMES[:, channel])
    assert source.origin["channel"] == channel


def test_the_axis_that_is_called_channel_is_the_channels():
    layer = Image(FRAMES, axis_labels=("Channel", "t", "y", "x"))
    assert count_channels(layer) == 3
    source = take_source(layer, 2)
    np.testing.assert_array_equal(source.movie.frames, FRAMES[2])
    assert source.geometry.time_axis == 1


def test_frames_lie_along_the_axis_that_is_called_time():
    layer = Image(FRAMES, axis_labels=("z", "t", "y", "x"), name="focal")
    with pytest.raises(InputError, match="'focal' has 3 channels; choose one"):
        take_source(layer)
    source = take_source(layer, 2)
    np.testing.assert_array_equal(source.movie.frames, FRAMES[2])
    assert source.geometry.time_axis == 1


def test_of_several_channels_one_must_be_chosen():
    with pytest.raises(InputError, match="2 channels; choose one"):
        take_source(Image(FRAMES, name="two"))


def test_a_single_channel_needs_no_choice():
    assert take_source(Image(FRAMES[:, :1])).movie.shape == (3, 20, 30)


@pytest.mark.parametrize(
    ("data", "flat", "time"),
    [
        (FRAMES[None, :, 1], (0, 1), 2),
        (FRAMES[:, None, None, 1], (1, 2), 0),
        (FRAMES[None, :, 1][:, :, None], (0, 2), 1),
        (FRAMES[:, None], (1, 2), 0),
        (FRAMES[None], (0, 2), 1),
    ],
)
def test_axes_of_length_one_are_left_out(data, flat, time):
    if data.ndim == 4:
        data = data[None]
    source = take_source(Image(data), 1 if 2 in data.shape else None)
    np.testing.assert_array_equal(source.movie.frames, FRAMES[:, 1])
    assert source.geometry.flat_axes == flat
    assert source.geometry.time_axis == time
    assert source.geometry.shape_maps(np.zeros((3, 4, 5))).ndim == data.ndim
    about = source.geometry.described()
    assert about == json.loads(json.dumps(about))


def test_channels_can_be_taken_as_frames():
    layer = Image(FRAMES[None, :, 0], name="stored as channels")
    with pytest.raises(InputError, match="3 channels"):
        take_source(layer)
    assert can_be_frames(layer)
    source = take_source(layer, ALL_CHANNELS)
    np.testing.assert_array_equal(source.movie.frames, FRAMES[:, 0])
    assert (source.movie.channel, source.movie.frames_are) == (None, "channels")
    assert (source.geometry.time_axis, source.origin["channel"]) == (1, ALL_CHANNELS)
    assert not can_be_frames(Image(FRAMES))
    assert not can_be_frames(Image(FRAMES[:, 0]))


def test_more_axes_are_refused():
    with pytest.raises(InputError, match="has 5 axes"):
        take_source(Image(np.zeros((2, 2, 2, 20, 30)), contrast_limits=(0, 1)))
