"""Geometry of layers and of the maps on them."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.layers.geometry import (
    LayerGeometry,
    layer_affine,
    undoing_affine,
)
from napari_lattice_symmetry.results import MovieResult


def image(shape, **options):
    return Image(np.zeros(shape), contrast_limits=(0, 1), **options)


@pytest.mark.parametrize(
    ("unit", "factor"), [("nm", 1), ("um", 1000), ("angstrom", 0.1), ("pm", 0.001)]
)
def test_lengths_become_nanometers(unit, factor):
    geometry = LayerGeometry.of_layer(image((3, 4), scale=(2, 3), units=unit))
    assert geometry.unit == "nm"
    assert geometry.pixel_size == pytest.approx((2 * factor, 3 * factor))


def test_other_units_are_no_calibration():
    geometry = LayerGeometry.of_layer(image((2, 3, 4), scale=(5, 2, 3)))
    assert geometry.unit == "pixel"
    assert geometry.pixel_size == (2, 3)
    assert geometry.frame_time is None


def test_a_flipped_axis_has_its_size():
    geometry = LayerGeometry.of_layer(image((3, 4), scale=(-2, 3), units="nm"))
    assert geometry.pixel_size == (2, 3)


@pytest.mark.parametrize(("unit", "time"), [("s", 4), ("ms", 0.004), ("min", 240)])
def test_time_becomes_seconds(unit, time):
    layer = image((2, 3, 4), scale=(4, 1, 1), units=(unit, "nm", "nm"))
    assert LayerGeometry.of_layer(layer).frame_time == pytest.approx(time)


def test_maps_lie_on_the_window_centers():
    layer = image((9, 50, 70), scale=(2, 0.5, -0.25), translate=(1, 3, -7))
    parameters = AnalysisParameters(window=32, stride=6, first_frame=2, frame_step=3)
    result = MovieResult.empty(Movie.from_array(layer.data), parameters)
    maps = LayerGeometry.of_layer(layer).of_maps(result)
    on_maps = Image(result.entropy, contrast_limits=(0, 1), **maps.layer_arguments())
    for cell in ((0, 0, 0), (2, 3, 6), (1, 2, 0)):
        t, row, column = cell
        y, x = result.grid.window_at(row, column)
        center = (2 + 3 * t, (y.start + y.stop - 1) / 2, (x.start + x.stop - 1) / 2)
        np.testing.assert_allclose(on_maps.data_to_world(cell), layer.data_to_world(center))


@pytest.mark.parametrize("axis", [0, 1])
def test_maps_span_all_channels(axis):
    shape = (4, 4, 40, 40)
    layer = image(shape, scale=(2, 2, 1, 1), translate=(3, 3, 0, 0))
    geometry = LayerGeometry.of_layer(layer, channel_axis=axis)
    maps = Image(
        geometry.shape_maps(np.zeros((4, 2, 2))),
        contrast_limits=(0, 1),
        **geometry.layer_arguments(),
    )
    assert maps.data.shape[axis] == 1
    for channel in range(4):
        place = layer.data_to_world(np.insert([0, 0, 0], axis, channel))
        assert round(maps.world_to_data(place)[axis]) == 0
    outside = layer.data_to_world(np.insert([0, 0, 0], axis, 4))
    assert round(maps.world_to_data(outside)[axis]) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"rotate": 5},
        {"shear": [0.1]},
    ],
)
def test_other_transforms_are_refused(options):
    with pytest.raises(InputError, match="reset its transform"):
        LayerGeometry.of_layer(image((3, 4), **options))


def test_an_affine_of_other_axes_is_refused():
    with pytest.raises(InputError, match="in time"):
        LayerGeometry.of_layer(image((2, 3, 4), affine=np.diag([2, 1, 1, 1])))


@pytest.mark.parametrize("shape", [(50, 70), (9, 50, 70)])
def test_maps_lie_on_an_image_that_is_corrected(shape):
    layer = image(shape, scale=(0.5, 0.25), translate=(3, -7), units="nm")
    distortion = np.array([[1.1, 0.08], [0.02, 0.9]])
    layer.affine = layer_affine(undoing_affine(layer, distortion), layer.ndim)
    result = MovieResult.empty(
        Movie.from_array(layer.data), AnalysisParameters(window=32, stride=6)
    )
    geometry = LayerGeometry.of_layer(layer)
    assert geometry.pixel_size == (0.5, 0.25)
    maps = geometry.of_maps(result)
    on_maps = Image(result.entropy, contrast_limits=(0, 1), **maps.layer_arguments())
    for row, column in ((0, 0), (3, 6), (1, 0)):
        y, x = result.grid.window_at(row, column)
        center = ((y.start + y.stop - 1) / 2, (x.start + x.stop - 1) / 2)
        expected = layer.data_to_world((*[0] * (layer.ndim - 2), *center))[-2:]
        np.testing.assert_allclose(on_maps.data_to_world((0, row, column))[-2:], expected)


@pytest.mark.parametrize("scale", [(1, 1), (0.5, 0.25), (-0.5, 0.25)])
def test_the_affine_undoes_a_distortion(scale):
    layer = image((50, 70), scale=scale, translate=(3, -7))
    distortion = np.array([[1.1, 0.08], [0.02, 0.9]])
    center = layer.data_to_world((24.5, 34.5))
    layer.affine = layer_affine(undoing_affine(layer, distortion), 2)
    np.testing.assert_allclose(layer.data_to_world((24.5, 34.5)), center)
    # Two true vectors (x, y) of equal length at right angles, as they are seen.
    seen = distortion @ np.array([[3, 4], [-4, 3]]).T
    world = [
        np.subtract(layer.data_to_world(vector[::-1]), layer.data_to_world((0, 0)))
        for vector in seen.T
    ]
    side = np.sqrt(abs(np.prod(scale)))
    np.testing.assert_allclose(np.linalg.norm(world, axis=1), 5 * side)
    assert np.dot(*world) == pytest.approx(0, abs=1e-9)


def test_calibration_makes_a_layer():
    movie = Movie(np.zeros((2, 3, 4)), pixel_size=(0.1, 0.2), unit="nm", frame_time=2.5)
    geometry = LayerGeometry.of_calibration(movie)
    assert geometry.pixel_size == movie.pixel_size
    assert geometry.unit == movie.unit
    assert geometry.frame_time == movie.frame_time
