"""Folders of any kind of file with one image each."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tifffile

from napari_lattice_symmetry.errors import ChoiceError, InputError
from napari_lattice_symmetry.io import list_datasets, read_movie, read_movies


@pytest.fixture
def of_copies(tmp_path, shared_data):
    """Make a folder of copies of a real file, and of what lies beside it."""

    def copy(name, *beside):
        folder = tmp_path / "run"
        folder.mkdir()
        stem, _, suffix = name.rpartition(".")
        for number in (1, 2, 10):
            shutil.copy(shared_data / "formats" / name, folder / f"{stem}_{number}.{suffix}")
        for other in beside:
            shutil.copy(shared_data / "formats" / other, folder)
        return folder

    return copy


def test_arrays(tmp_path, frames):
    for number in (10, 2, 1):
        np.save(tmp_path / f"{number}.npy", frames[number % 5])
    np.testing.assert_array_equal(read_movie(tmp_path).frames, frames[[1, 2, 0]])


def test_micrographs_with_their_calibration(of_copies, shared_data):
    one = read_movie(shared_data / "formats" / "multi_signal.dm3")  # beside it, a plot
    movie = read_movie(of_copies("multi_signal.dm3"))
    assert movie.shape == (3, 512, 512)
    assert (movie.pixel_size, movie.unit) == (one.pixel_size, "nm")
    assert movie.metadata["original_metadata"].keys() == one.metadata["original_metadata"].keys()
    np.testing.assert_array_equal(movie.frame(2), one.frame(0))


def test_scans_are_a_movie_for_each_of_their_datasets(of_copies, shared_data):
    scan = shared_data / "formats" / "nanonis_constheight_multichannel.sxm"
    folder = of_copies(scan.name)
    with pytest.raises(ChoiceError, match=r"several datasets; .* Z forward \(3, 1, 192, 96\)"):
        read_movie(folder)
    assert list_datasets(folder) == list_datasets(scan)
    movie, one = (read_movie(place, dataset="Current backward") for place in (folder, scan))
    assert (movie.shape, movie.pixel_size) == ((3, 192, 96), one.pixel_size)
    np.testing.assert_array_equal(movie.frame(1), one.frame(0))
    assert read_movies(folder)[0].name == "run Z forward"


def test_what_tells_of_the_images_is_none(of_copies):
    folder = of_copies("20201111--4_1.Z_mtrx", "20201111_0001.mtrx", "rendered_45frames.mp4")
    assert read_movie(folder, dataset="Z forward/up").shape == (3, 400, 400)


def test_channels(tmp_path, frames):
    for number, frame in enumerate(frames):
        image = np.stack([frame, 255 - frame])
        tifffile.imwrite(tmp_path / f"{number}.tif", image, imagej=True, metadata={"axes": "CYX"})
    with pytest.raises(ChoiceError, match="2 channels"):
        read_movie(tmp_path)
    movie = read_movie(tmp_path, channel="1", lazy=True)
    np.testing.assert_array_equal(movie.frames.compute(), 255 - frames)
    tifffile.imwrite(tmp_path / "5.tif", frames[0])
    with pytest.raises(InputError, match=r"different channels: 5\.tif has 0, 0\.tif has 0, 1"):
        read_movie(tmp_path, channel="1")


def test_stacks_beside_an_image_are_left_out(tmp_path, frames):
    for number in (0, 1):
        np.savez(tmp_path / f"{number}.npz", sum=frames[number], raw=frames)
    np.testing.assert_array_equal(read_movie(tmp_path).frames, frames[:2])


def test_files_that_share_no_image(tmp_path, frames):
    np.savez(tmp_path / "1.npz", raw=frames[0], flat=frames[1])
    np.savez(tmp_path / "2.npz", phase=frames[0], strain=frames[1])
    with pytest.raises(InputError, match="of which they share none"):
        read_movie(tmp_path)
