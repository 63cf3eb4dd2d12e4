"""Layers of the lattice fit: names, ranges, colors and words."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Layer

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.lattice import LABELS
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.plugin.layers.result_layers import result_layers
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.spectrum import Flag


@pytest.fixture
def make_layers():
    """Make the layers of a result of one frame, 3 x 3 windows, by the start of their names."""

    def make(unit="nm", **maps):
        movie = Movie(np.zeros((1, 96, 96)), name="film", unit=unit, pixel_size=(0.1, 0.1))
        parameters = AnalysisParameters(window=64, stride=16, lattice_maps=True)
        result = MovieResult.empty(movie, parameters)
        for name, values in maps.items():
            getattr(result, name)[:] = values
        layers = [
            Layer.create(*data)
            for data in result_layers(result, LayerGeometry.of_calibration(movie), maps=result.maps)
        ]
        return {layer.name.split(" \u00b7 ")[0]: layer for layer in layers}

    return make


@pytest.mark.parametrize(("unit", "shown"), [("nm", "nm"), ("pixel", "px")])
def test_names_tell_the_unit(make_layers, unit, shown):
    assert {f"a ({shown})", f"b ({shown})", "gamma (°)", "orientation (°)"} <= {*make_layers(unit)}


@pytest.mark.parametrize(
    ("labels", "turn"),
    [
        (LABELS["hexagonal"], 60),
        (LABELS["square"], 90),
        ([[LABELS["hexagonal"]] * 3, [LABELS["square"]] * 3, [0] * 3], 90),
        ([[LABELS["square"]] * 3, [LABELS["oblique"]] * 3, [0] * 3], 180),
        (0, 180),
    ],
)
def test_colors_of_the_orientation_go_round_once(make_layers, labels, turn):
    layer = make_layers(metric_labels=labels)["orientation (°)"]
    assert layer.contrast_limits == [0, turn]
    first, *_, last = layer.colormap.colors
    np.testing.assert_allclose(first, last, atol=0.1)


def test_directions_are_drawn_in_half_a_turn(make_layers):
    layers = make_layers(metric_labels=LABELS["hexagonal"])
    for side in "ab":
        assert layers[f"direction of {side} (°)"].contrast_limits == [0, 180]


def test_no_answer_is_told_in_words(make_layers):
    flags = np.zeros((1, 3, 3), np.uint8)
    flags[0, 1] = Flag.TWO_LATTICES | Flag.MANY_PERIODS
    flags[0, 2] = Flag.NO_SPOTS
    labels = np.where(flags == Flag.NO_SPOTS, 0, LABELS["square"])
    layers = make_layers(flags=flags, metric_labels=labels, agreement=labels > 0)

    def told(name, row):
        layer = layers[name]
        layer.visible = True
        return layer.get_status(layer.data_to_world((0, row, 1)), world=True)["value"]

    assert told("flags", 0).endswith("flags: none")
    assert told("flags", 1).endswith("flags: two lattices, too many periods")
    assert told("flags", 2).endswith("flags: no spots")
    assert told("metric classes", 0).endswith("class: square")
    assert told("metric classes", 2).endswith("class: not resolved")
    assert told("agreement", 2).endswith("one has no answer")
