"""The table of maps: a map that is added in this one place is found everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from napari.layers import Layer

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.io import read_layer_stack
from napari_lattice_symmetry.io.writing.write import write_layer_stack
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.plugin.layers.result_layers import result_layers
from napari_lattice_symmetry.report.page import write_report
from napari_lattice_symmetry.results import MAPS, MapSpec, load_result
from napari_lattice_symmetry.results.export import layer_stack_result, result_layer_stack

DOCS = Path(__file__).parents[1] / "docs"

STRAIN = MapSpec(
    name="strain",
    about="How far a is from that of the bulk.",
    title="strain of a",
    short="strain ({unit})",
    unit="%",
    colors="magma",
    limits=(-5.0, 5.0),
)
GRAINS = MapSpec(
    name="grains",
    about="Which grain a window belongs to.",
    title="grain",
    short="grains",
    dtype=np.uint8,
    kind="flag",
    values={1: ("left", "#112233"), 2: ("right", "#445566")},
    nothing="no grain",
    reported=True,
)


@pytest.fixture
def result(movie, parameters, fake_model, monkeypatch):
    """A result with two maps that only the table knows."""
    for spec in (STRAIN, GRAINS):
        monkeypatch.setitem(MAPS, spec.name, spec)
    result = analyze(movie, parameters, model=fake_model)
    assert np.isnan(result.maps["strain"]).all(), "nobody has measured it"
    assert not result.maps["grains"].any()
    result.maps["strain"][:] = np.linspace(-4, 4, result.labels.size).reshape(result.labels.shape)
    result.maps["grains"][:] = 1 + np.arange(result.grid.shape[1]) // 4
    return result


def assert_same_maps(one, other):
    assert list(one.maps) == list(other.maps)
    for name in ("strain", "grains"):
        assert other.maps[name].dtype == MAPS[name].dtype
        np.testing.assert_array_equal(other.maps[name], one.maps[name])


def test_a_new_map_is_saved_and_read(result, tmp_path):
    result.save(tmp_path / "run.zarr")
    assert_same_maps(result, load_result(tmp_path / "run.zarr"))


def test_a_new_map_is_written_frame_by_frame(result, movie, parameters, fake_model, tmp_path):
    path = tmp_path / "run.zarr"
    analyze(movie, parameters, model=fake_model, output=path)
    stored = load_result(path).maps["strain"]
    assert stored.shape == result.labels.shape
    assert np.isnan(np.asarray(stored)).all()


@pytest.mark.parametrize("name", ["run.ome.tif", "run.ome.zarr", "run.tif"])
def test_a_new_map_is_exported(result, tmp_path, name):
    write_layer_stack(result_layer_stack(result), tmp_path / name)
    stack = read_layer_stack(tmp_path / name)
    np.testing.assert_array_equal(stack.images["strain of a"], result.maps["strain"])
    assert stack.values["grain"] == GRAINS.values
    assert_same_maps(result, layer_stack_result(stack))


def test_a_new_map_becomes_a_layer(result):
    made = result_layers(result, LayerGeometry.of_calibration(result), maps=result.maps)
    layers = {layer.name.split(" · ")[0]: layer for layer in (Layer.create(*each) for each in made)}
    strain, grains = layers["strain (%)"], layers["grains"]
    np.testing.assert_array_equal(strain.data, result.maps["strain"])
    assert (strain.colormap.name, strain.contrast_limits) == ("magma", [-5, 5])
    np.testing.assert_array_equal(grains.data, result.maps["grains"])
    assert list(grains.features["grains"]) == ["no grain", "left", "right"]
    np.testing.assert_allclose(255 * grains.get_color(2)[:3], [0x44, 0x55, 0x66], atol=0.5)


def test_a_new_map_is_in_the_report(result, tmp_path):
    page = write_report(result, tmp_path / "report.html", None).read_text(encoding="utf-8")
    assert "<figcaption>grains</figcaption>" in page


def written_shape(spec):
    lengths = {"time": "T", "class": str(len(CLASSES)), "y": "gy", "x": "gx"}
    return f"({', '.join(lengths[axis] for axis in spec.axes)})"


CONDITIONS = {
    "always": {"answer": "network"},
    "with a `distortion`": {"answer": "network", "distortion": ((1, 0.1), (0, 1))},
    "with `lattice_maps`": {"answer": "network", "lattice_maps": True},
    "with `plane_groups`": {"answer": "network", "plane_groups": True},
    "of a `verdict`": {},
}


def when(spec):
    there = [
        text for text, given in CONDITIONS.items() if spec.present(AnalysisParameters(**given))
    ]
    return "always" if "always" in there else ", or ".join(there)


def test_the_docs_list_every_map():
    rows = [
        f"| `{spec.name}` | {written_shape(spec)} | {np.dtype(spec.dtype).name} | "
        f"{ {'length': 'nm or px'}.get(spec.unit, spec.unit) } | {when(spec)} | {spec.about} |"
        for spec in MAPS.values()
    ]
    text = (DOCS / "maps.md").read_text(encoding="utf-8")
    assert "\n".join(rows) in text
