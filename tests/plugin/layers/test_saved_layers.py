"""What was saved, in a fresh viewer: layers, colors, calibration, parameters and plots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Image, Layer
from napari.utils import Colormap, DirectLabelColormap
from napari.utils.colormaps import ALL_COLORMAPS
from npe2 import PluginManager
from qtpy.QtCore import QObject

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters, parse_parameters
from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.writing.write import write_layer_stack
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry, layer_affine
from napari_lattice_symmetry.plugin.layers.origin import geometry_of, result_of
from napari_lattice_symmetry.plugin.layers.result_group import layers_of_result, show_map
from napari_lattice_symmetry.plugin.layers.result_layers import (
    result_layers,
    result_metadata,
)
from napari_lattice_symmetry.plugin.layers.saved_layers import describe_layer
from napari_lattice_symmetry.plugin.readers import read_layers
from napari_lattice_symmetry.plugin.selection.source import take_source
from napari_lattice_symmetry.plugin.structure.selection_link import SelectionLink
from napari_lattice_symmetry.results import load_result, plot_fractions
from napari_lattice_symmetry.results.export import result_layer_stack

PLUGIN = "napari-lattice-symmetry"
FORMATS = ("run.ome.zarr", "run.ome.tif", "run.tif")
FIRST_RELEASE = Path(__file__).parents[2] / "results" / "first-release.ome.tif"
SHEAR = np.array([[1, 0.2, 5], [0, 1.1, -3], [0, 0, 1]])
ORIGIN = {"source_layer": "run", "source_id": "1234", "channel": None}


@pytest.fixture(autouse=True)
def plugins():
    """Let napari know the plugin: a model of a viewer alone does not look for any."""
    PluginManager.instance().discover()


@pytest.fixture
def result(fake_model):
    frames = np.random.default_rng(0).normal(20, 15, (3, 48, 80)).astype(np.float32)
    frames[1, :, :40] = np.nan
    movie = Movie(frames, name="run", pixel_size=(0.02, 0.01), unit="nm", frame_time=0.5)
    parameters = AnalysisParameters(
        window=32, stride=8, samples=3, frame_step=2, lattice_maps=True, tolerance=0.03
    )
    return analyze(movie, parameters, model=fake_model)


@pytest.fixture
def viewer(result):
    """A viewer with all layers of the result, which was made from a layer that lies elsewhere."""
    geometry = LayerGeometry((0.5, 20, 10), (1, 200, 100), ("s", "pm", "pm"), ("t", "row", "col"))
    viewer = ViewerModel()
    for layer in result_layers(result, geometry, maps=result.maps, origin=ORIGIN):
        viewer.add_layer(Layer.create(*layer))
    return viewer


def saved_and_opened(viewer, path, names=None):
    chosen = [layer for layer in viewer.layers if names is None or layer.name in names]
    viewer.layers.selection = chosen
    viewer.layers.save(str(path), selected=True, plugin=PLUGIN)
    fresh = ViewerModel()
    fresh.open(path, plugin=PLUGIN)
    assert [layer.name for layer in fresh.layers] == [layer.name for layer in chosen]
    return list(zip(chosen, fresh.layers, strict=True))


def assert_same_layer(one, two):
    assert type(one) is type(two)
    assert one.data.dtype == two.data.dtype
    np.testing.assert_array_equal(one.data, two.data)
    for name in ("units", "axis_labels", "visible", "opacity", "blending"):
        assert getattr(one, name) == getattr(two, name), name
    for name in ("scale", "translate", "rotate", "shear"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_array_equal(one.affine.affine_matrix, two.affine.affine_matrix)
    if hasattr(one, "contrast_limits"):
        assert (one.contrast_limits, one.gamma) == (two.contrast_limits, two.gamma)
        np.testing.assert_allclose(one.colormap.colors, two.colormap.colors)
        assert one.colormap.name == two.colormap.name
    else:
        assert one.features.equals(two.features)
        for value in range(1, 9):
            np.testing.assert_allclose(one.get_color(value), two.get_color(value), atol=1 / 255)


@pytest.mark.parametrize("name", FORMATS)
def test_a_result_comes_back_with_all_its_layers(viewer, result, tmp_path, name):
    for one, two in saved_and_opened(viewer, tmp_path / name):
        assert_same_layer(one, two)
        about, again = result_metadata(one), result_metadata(two)
        assert about.pop("result") != again.pop("result"), "both may be in one viewer"
        assert again == about
        assert geometry_of(two).axis_labels == ("t", "row", "col")
    again = result_of(two)
    assert (again.parameters, again.provenance) == (result.parameters, result.provenance)
    for plotted, expected in zip(curves(again), curves(result), strict=True):
        np.testing.assert_array_equal(plotted, expected)


def curves(result):
    return [line.get_xydata() for axes in plot_fractions(result).axes for line in axes.lines]


@pytest.mark.parametrize("name", FORMATS)
def test_a_part_of_a_result_comes_back_as_it_looked(viewer, tmp_path, name):
    probability, labels = viewer.layers["P(hexagonal) · run"], viewer.layers["classes · run"]
    probability.visible, probability.contrast_limits, probability.gamma = True, (0.2, 0.7), 0.8
    probability.colormap = "magma"
    labels.name, labels.opacity, labels.blending = "my grains", 0.9, "additive"
    labels.scale = labels.scale * 2
    for one, two in saved_and_opened(viewer, tmp_path / name, {probability.name, labels.name}):
        assert_same_layer(one, two)
        assert result_of(two).mean.shape == result_of(one).mean.shape


@pytest.mark.parametrize("name", FORMATS)
def test_a_map_that_was_asked_for_belongs_to_its_result(viewer, result, tmp_path, name):
    labels = viewer.layers["classes · run"]
    viewer.layers.remove(viewer.layers["uncertainty · run"])
    show_map(viewer.layers, labels, "entropy")
    show_map(viewer.layers, labels, "at least", "rectangular")
    names = {"classes · run", "uncertainty · run", "P(at least rectangular) · run"}
    for one, two in saved_and_opened(viewer, tmp_path / name, names):
        assert_same_layer(one, two)
        assert result_of(two).parameters == result.parameters


@pytest.mark.parametrize("name", FORMATS)
def test_painted_windows_come_back(viewer, result, tmp_path, name):
    parent = QObject()
    link = SelectionLink(viewer, parent)
    link.open(viewer.layers["classes · run"], np.argwhere(result.labels))
    link.paint(np.arange(len(link.lit)) % 2 == 0)
    painted = link.region.name
    link.release()
    for names in ({painted}, {painted, "classes · run"}):
        for one, two in saved_and_opened(viewer, tmp_path / str(len(names)) / name, names):
            np.testing.assert_array_equal(two.data, one.data)
            assert result_of(two) is None
            settings = parse_parameters(**result_metadata(two)["parameters"])
            assert settings == result.parameters
            assert layers_of_result(viewer.layers, two) == []


@pytest.mark.parametrize("name", FORMATS)
def test_what_was_made_of_a_map_comes_back_as_it_is(viewer, result, tmp_path, name):
    labels = viewer.layers["classes · run"]
    data, about, _ = labels.as_layer_data_tuple()
    place = {key: about[key] for key in ("scale", "translate", "units", "axis_labels", "metadata")}
    viewer.add_image(np.asarray(data, np.float32), name="as an image", **place)
    viewer.add_labels(np.asarray(data)[:, 1:], name="cropped", **place)
    for made in ("as an image", "cropped"):
        ((one, two),) = saved_and_opened(viewer, tmp_path / made / name, {made})
        assert type(one) is type(two)
        np.testing.assert_array_equal(two.data, one.data)


@pytest.mark.parametrize("name", FORMATS)
def test_an_image_and_painted_labels_come_back(tmp_path, name):
    viewer = ViewerModel()
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30), dtype=np.uint8)
    place = {"scale": (20, 10), "translate": (3, 4), "units": ("pm", "pm")}
    greens = Colormap([[0, 0, 0, 1], [0.1, 0.9, 0.2, 1]], name="my greens")
    viewer.add_image(pixels, name="HAADF", colormap=greens, contrast_limits=(3, 99), **place)
    colors = DirectLabelColormap(color_dict={None: "transparent", 1: "#FF8000", 2: "#0080FF"})
    features = {"index": [1, 2], "class": ["grain", "boundary"]}
    viewer.add_labels(pixels % 3, name="grains", colormap=colors, features=features, **place)
    for one, two in saved_and_opened(viewer, tmp_path / name):
        assert_same_layer(one, two)
        assert result_metadata(two) is None


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("n_axes", [2, 3])
def test_transforms_come_back(tmp_path, name, n_axes):
    pixels = np.random.default_rng(0).integers(0, 255, (4, 20, 30), dtype=np.uint8)
    pixels = pixels if n_axes == 3 else pixels[0]
    place = {"scale": (20, 10), "translate": (3, 4), "units": ("pixel",) * n_axes}
    transforms = {"rotate": 30, "shear": [0.1], "affine": layer_affine(SHEAR, n_axes)}
    if n_axes == 3:
        place |= {"scale": (1, 20, 10), "translate": (0, 3, 4)}
        transforms |= {"rotate": (0, 0, 30), "shear": (0.1, 0.2, 0.3)}
    for kinds in (("affine",), ("rotate", "shear"), tuple(transforms)):
        viewer = ViewerModel()
        viewer.add_image(
            pixels, name="HAADF", **place, **{kind: transforms[kind] for kind in kinds}
        )
        ((one, two),) = saved_and_opened(viewer, tmp_path / "_".join(kinds) / name)
        assert_same_layer(one, two)
        corner = (1,) * n_axes
        np.testing.assert_allclose(one.data_to_world(corner), two.data_to_world(corner))


@pytest.mark.parametrize("name", FORMATS)
def test_a_corrected_result_comes_back_corrected(viewer, tmp_path, name):
    for layer in viewer.layers:
        layer.affine = layer_affine(SHEAR, 3)
    for one, two in saved_and_opened(viewer, tmp_path / name):
        assert_same_layer(one, two)


@pytest.mark.parametrize("name", ["result.zarr", *FORMATS])
@pytest.mark.parametrize("n_channels", [0, 2])
def test_maps_lie_on_the_layer_that_was_analyzed(tmp_path, fake_model, name, n_channels):
    frames = np.random.default_rng(0).normal(20, 15, (3, 2, 48, 80)).astype(np.float32)
    place = {"scale": (0.5, 20, 10), "translate": (1, 200, 100), "units": ("s", "pm", "pm")}
    if n_channels:
        place = {key: (value[0], value[0], *value[1:]) for key, value in place.items()}
    data = frames if n_channels else frames[:, 0]
    image = Image(data, name="run", affine=layer_affine(SHEAR, data.ndim), **place)
    source = take_source(image, 1 if n_channels else None)
    result = analyze(source.movie, window=32, stride=8, samples=3, model=fake_model)
    if name == "result.zarr":
        result.save(tmp_path / name)
    else:
        write_layer_stack(result_layer_stack(result), tmp_path / name)
    fresh = ViewerModel()
    fresh.open(tmp_path / name, plugin=PLUGIN)
    expected = [Layer.create(*layer) for layer in result_layers(result, source.geometry)]
    for one, two in zip(expected, fresh.layers, strict=True):
        assert_same_layer(one, two)
        np.testing.assert_array_equal(two.affine.affine_matrix, image.affine.affine_matrix)
    assert result_of(two).geometry == source.geometry.described()


def test_a_layer_of_a_damaged_result_names_the_file(result, tmp_path):
    path = tmp_path / "run.zarr"
    result.save(path)
    chunk = path / "mean/c/0/0/0/0"
    chunk.write_bytes(chunk.read_bytes()[:20])
    layers = {keywords["name"]: data for data, keywords, _ in read_layers(str(path))}
    np.testing.assert_array_equal(layers["classes · run"], result.labels)
    with pytest.raises(InputError, match=r"run\.zarr is damaged"):
        np.asarray(layers["P(hexagonal) · run"])


@pytest.mark.parametrize(
    "change", [{"units": ["s", "?", "nm"]}, {"scale": [1]}, {"affine": [["a"]]}, {"units": None}]
)
def test_a_damaged_geometry_is_one_sentence(result, tmp_path, change):
    geometry = LayerGeometry.of_calibration(result).described() | change
    replace(result, geometry=geometry).save(tmp_path / "run.zarr")
    write_layer_stack(result_layer_stack(load_result(tmp_path / "run.zarr")), tmp_path / "run.tif")
    for name in ("run.zarr", "run.tif"):
        with pytest.raises(InputError, match=rf"{name} is damaged"):
            read_layers(str(tmp_path / name))


@pytest.mark.parametrize("name", FORMATS)
def test_an_exported_result_opens_like_a_saved_one(result, tmp_path, name):
    write_layer_stack(result_layer_stack(result), tmp_path / name)
    result.save(tmp_path / "result.zarr")
    fresh, expected = ViewerModel(), ViewerModel()
    fresh.open(tmp_path / name, plugin=PLUGIN)
    expected.open(tmp_path / "result.zarr", plugin=PLUGIN)
    assert [layer.name for layer in fresh.layers] == [layer.name for layer in expected.layers]
    for one, two in zip(expected.layers, fresh.layers, strict=True):
        assert_same_layer(one, two)


def test_layers_saved_by_the_first_release_come_back():
    viewer = ViewerModel()
    viewer.open(FIRST_RELEASE, plugin=PLUGIN)
    layers = {layer.name.split(" · ")[0]: layer for layer in viewer.layers}
    assert len(layers) == 18
    result = result_of(layers["classes"])
    shown = {
        "classes": result.labels,
        "apparent classes": result.apparent_labels,
        "classes of the metric": result.metric_labels,
        "uncertainty": result.entropy,
        "P(hexagonal)": result.mean[3],
        "P(at least rectangular)": result.mean[[1, 0]].sum(axis=0),
        "b (nm)": result.b,
        "orientation (°)": result.orientation,
        "flags": result.flags,
        "network and metric": result.agreement,
    }
    for name, maps in shown.items():
        np.testing.assert_array_equal(layers[name].data, maps, err_msg=name)
    np.testing.assert_allclose(255 * layers["P(hexagonal)"].colormap.colors[1][:3], (230, 159, 0))


def test_colors_of_one_session_are_there_in_the_next(result):
    """Napari forgets the colormaps that were made in a session."""
    for data, keywords, kind in result_layers(result, LayerGeometry.of_calibration(result)):
        if kind == "image":
            layer = Layer.create(data, keywords, kind)
            named = describe_layer(layer.as_layer_data_tuple())["colormap"]
            assert "colors" in named or named["name"] in ALL_COLORMAPS


def test_other_hyperstacks_open_as_images_and_labels(tmp_path):
    frames = np.random.default_rng(0).integers(0, 3, (2, 20, 30), dtype=np.uint8)
    meanings = {"grains": {1: ("grain", "#FF8000"), 2: ("boundary", "#0080FF")}}
    stack = LayerStack("run", {"a": frames}, {"grains": frames}, unit="nm", values=meanings)
    write_layer_stack(stack, tmp_path / "run.ome.zarr")
    (_, image, _), (data, labels, kind) = read_layers(str(tmp_path / "run.ome.zarr"))
    assert (kind, image["units"]) == ("labels", ("pixel", "nm", "nm"))
    np.testing.assert_array_equal(data, frames)
    assert labels["features"]["class"] == ["grain", "boundary"]


def test_a_damaged_description_is_one_sentence(viewer, tmp_path):
    path = tmp_path / "run.tif"
    viewer.layers.save(str(path), plugin=PLUGIN)
    with tifffile.TiffFile(path) as tif:
        values, facts = tif.asarray(), tif.imagej_metadata
        resolution = [tif.pages[0].tags[f"{axis}Resolution"].value for axis in "XY"]
    notes = facts["Info"].replace('"opacity"', '"capacity"')
    again = {key: facts[key] for key in ("Labels", "unit", "finterval")}
    again |= {"axes": "TCYX", "Info": notes}
    tifffile.imwrite(path, values, imagej=True, resolution=resolution, metadata=again)
    with pytest.raises(InputError, match=r"^run\.tif is damaged: what it says of its layers"):
        read_layers(str(path))
