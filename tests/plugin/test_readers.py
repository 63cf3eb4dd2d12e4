"""Files dropped on napari, each of them through napari's own way in."""

from __future__ import annotations

import h5py
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
import zarr
from made_files import write_ome
from napari.layers import Image, Labels

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.readers import get_reader

PLUGIN = "napari-lattice-symmetry"


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 255, (3, 20, 30), dtype=np.uint8)


def write_tiff(path, frames):
    metadata = {"axes": "TYX", "unit": "nm", "finterval": 2.5}
    tifffile.imwrite(path, frames, imagej=True, resolution=(10, 10), metadata=metadata)


def write_hdf5(path, frames):
    with h5py.File(path, "w") as file:
        file["movie"] = frames


def write_folder(path, frames):
    path.mkdir()
    for number, frame in enumerate(frames):
        iio.imwrite(path / f"frame{number}.png", frame)


KINDS = {
    "movie.tif": write_tiff,
    "movie.npy": np.save,
    "movie.npz": lambda path, frames: np.savez(path, movie=frames),
    "movie.h5": write_hdf5,
    "frames": write_folder,
}


@pytest.mark.parametrize("name", KINDS)
def test_stacks(make_napari_viewer, tmp_path, frames, name):
    KINDS[name](tmp_path / name, frames)
    viewer = make_napari_viewer()
    (layer,) = viewer.open(tmp_path / name, plugin=PLUGIN)
    np.testing.assert_array_equal(layer.data, frames)
    assert layer.name == name.split(".")[0]
    assert layer.axis_labels == ("t", "y", "x")


@pytest.mark.parametrize("name", ["image.png", "image.bmp", "image.jpg"])
def test_images(tmp_path, frames, name):
    iio.imwrite(tmp_path / name, frames[0])
    path = str(tmp_path / name)
    ((data, _, layer_type),) = get_reader(path)(path)
    assert layer_type == "image"
    assert data.shape == (1, 20, 30)


def test_calibration_becomes_scale_and_units(make_napari_viewer, tmp_path, frames):
    write_tiff(tmp_path / "movie.tif", frames)
    (layer,) = make_napari_viewer().open(tmp_path / "movie.tif", plugin=PLUGIN)
    np.testing.assert_allclose(layer.scale, (2.5, 0.1, 0.1))
    assert [str(unit) for unit in layer.units] == ["second", "nanometer", "nanometer"]
    assert layer.metadata["calibration_source"] == "resolution and unit of the ImageJ file"
    assert layer.metadata["original_metadata"]["imagej"]["finterval"] == 2.5


def test_a_text_file_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "notes.tif"
    path.write_text("not an image")
    reader = get_reader(str(path))
    with pytest.raises(InputError, match=r"^notes\.tif "):
        reader(str(path))


def test_an_empty_zarr_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "other.zarr"
    path.mkdir()
    with pytest.raises(InputError, match=r"other\.zarr"):
        get_reader(str(path))(str(path))


def test_channels_become_layers(make_napari_viewer, tmp_path, frames):
    channels = np.stack([frames, 255 - frames], axis=1)
    tifffile.imwrite(tmp_path / "two.tif", channels, imagej=True, metadata={"axes": "TCYX"})
    first, second = make_napari_viewer().open(tmp_path / "two.tif", plugin=PLUGIN)
    np.testing.assert_array_equal(first.data, frames)
    np.testing.assert_array_equal(second.data, 255 - frames)


def test_labels_that_other_programs_wrote(make_napari_viewer, tmp_path, frames):
    path = write_ome(tmp_path / "run.ome.zarr", frames, "0.5")
    zarr.open_group(path).create_group("labels", attributes={"ome": {"labels": ["grains"]}})
    write_ome(path / "labels" / "grains", frames % 3, "0.5")
    image, labels = make_napari_viewer().open(path, plugin=PLUGIN)
    assert isinstance(image, Image)
    assert isinstance(labels, Labels)
    assert labels.name == "grains"
    np.testing.assert_array_equal(labels.data, frames % 3)
    np.testing.assert_allclose(labels.scale, image.scale)


@pytest.mark.parametrize("path", ["movie.docx", "notes", ["a.tif", "b.tif"]])
def test_other_paths_are_left_to_others(path):
    assert get_reader(path) is None
