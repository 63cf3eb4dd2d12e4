"""Layers saved through napari's own way out."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.io import read_movie, read_movies

PLUGIN = "napari-lattice-symmetry"
PLACE = {
    "scale": (0.5, 20, 10),
    "translate": (1, 200, 100),
    "units": ("s", "pm", "pm"),
    "axis_labels": ("t", "y", "x"),
}


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 255, (3, 20, 30), dtype=np.uint8)


@pytest.mark.parametrize("name", ["run.ome.zarr", "run.ome.tif", "run.tif"])
def test_image_and_labels_are_saved_together(make_napari_viewer, tmp_path, frames, name):
    viewer = make_napari_viewer()
    image = viewer.add_image(frames, name="HAADF", **PLACE)
    labels = viewer.add_labels(frames % 7, name="classes", **PLACE)
    viewer.layers.selection = {image, labels}
    viewer.layers.save(str(tmp_path / name), selected=True, plugin=PLUGIN)
    channel = "HAADF" if name == "run.tif" else None
    dataset = "HAADF" if name == "run.ome.tif" else None
    movie = read_movie(tmp_path / name, dataset=dataset, channel=channel)
    np.testing.assert_array_equal(movie.frames, frames)
    assert movie.pixel_size == pytest.approx((0.02, 0.01))
    assert (movie.unit, movie.frame_time) == ("nm", 0.5)


def test_place_is_saved(make_napari_viewer, tmp_path, frames):
    viewer = make_napari_viewer()
    viewer.add_image(frames, name="HAADF", **PLACE)
    viewer.layers.save(str(tmp_path / "run.ome.tif"), plugin=PLUGIN)
    with tifffile.TiffFile(tmp_path / "run.ome.tif") as tif:
        plane = next(
            node for node in ElementTree.fromstring(tif.ome_metadata).iter() if "Plane" in node.tag
        )
    assert float(plane.get("PositionX")) == pytest.approx(0.1)
    assert float(plane.get("PositionY")) == pytest.approx(0.2)


def test_one_image_without_units(make_napari_viewer, tmp_path, frames):
    viewer = make_napari_viewer()
    viewer.add_image(frames[0], name="HAADF")
    viewer.layers.save(str(tmp_path / "run.ome.zarr"), plugin=PLUGIN)
    (movie,) = read_movies(tmp_path / "run.ome.zarr")
    np.testing.assert_array_equal(movie.frames, frames[:1])
    assert (movie.unit, movie.frame_time) == ("pixel", None)


@pytest.mark.parametrize(
    "place",
    [
        {"translate": (0, 5, 0)},
        {"affine": [[1, 0, 0, 0], [0, 1, 0.1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]},
        {"rotate": 5},
        {"units": ("s", "nm", "nm")},
    ],
)
def test_layers_that_lie_elsewhere_are_refused(make_napari_viewer, tmp_path, frames, place):
    viewer = make_napari_viewer()
    viewer.add_image(frames, name="one")
    viewer.add_image(frames, name="two", **place)
    with pytest.raises(LatticeSymmetryError, match="'two' and 'one' do not lie on one grid"):
        viewer.layers.save(str(tmp_path / "run.ome.tif"), plugin=PLUGIN)


def test_color_is_refused(make_napari_viewer, tmp_path, frames):
    viewer = make_napari_viewer()
    viewer.add_image(np.stack([frames[0]] * 3, axis=-1), name="photo", rgb=True)
    with pytest.raises(LatticeSymmetryError, match="'photo' is in color"):
        viewer.layers.save(str(tmp_path / "run.ome.tif"), plugin=PLUGIN)
