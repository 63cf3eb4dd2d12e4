"""Layers of a result."""

from __future__ import annotations

import json

import numpy as np
import pytest
from napari.layers import Layer

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.lattice import CLASSES, COLORS
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.plugin.layers.result_layers import (
    class_features,
    list_maps,
    result_layers,
    result_metadata,
)


@pytest.fixture
def result(fake_model, stack):
    parameters = AnalysisParameters(window=32, stride=8, samples=5)
    return analyze(Movie.from_array(stack, name="movie"), parameters, model=fake_model)


@pytest.fixture
def layers(result):
    geometry = LayerGeometry.of_calibration(result)
    maps = [kind for kind, _ in list_maps(result)]
    return [Layer.create(*layer) for layer in result_layers(result, geometry, maps=maps)]


def test_they_are_copies_of_the_result(result, layers):
    *probabilities, labels = layers[-7:]
    uncertainty = next(each for each in layers if each.name.startswith("uncertainty"))
    for layer, maps in (
        (labels, result.labels),
        (uncertainty, result.entropy),
        *zip(reversed(probabilities), result.mean, strict=True),
    ):
        np.testing.assert_array_equal(layer.data, maps)
        assert not np.shares_memory(layer.data, maps)


def test_sums_of_probabilities_follow_what_is_inserted(result, layers):
    centered, rectangular = layers[-9:-7]
    result.mean[:] = np.arange(6).reshape(6, 1, 1, 1) / 15
    assert np.allclose(np.asarray(rectangular.data), 1 / 15)
    assert np.allclose(np.asarray(centered.data), 5 / 15)


def test_labels_have_the_colors_of_the_classes(layers):
    for value, name in enumerate(CLASSES, start=1):
        drawn = (255 * layers[-1].get_color(value)[:3]).round().astype(int)
        assert "#{:02X}{:02X}{:02X}".format(*drawn) == COLORS[name]
    assert layers[-1].colormap.map(0)[3] == 0


def test_probabilities_go_from_black_to_the_color_of_the_class(layers):
    for layer, name in zip(reversed(layers[-7:-1]), CLASSES, strict=True):
        assert layer.colormap.map(0.0).ravel()[:3].tolist() == [0, 0, 0]
        drawn = (255 * layer.colormap.map(1.0).ravel()[:3]).round().astype(int)
        assert "#{:02X}{:02X}{:02X}".format(*drawn) == COLORS[name]
        assert layer.contrast_limits == [0, 1]
        assert layer.name == f"P({name}) · movie"


def test_metadata_tell_the_origin_in_json(result, layers):
    for layer in layers:
        about = json.loads(json.dumps(result_metadata(layer)))
        assert AnalysisParameters(**about["parameters"]) == result.parameters
        assert about["provenance"] == result.provenance
    assert len({result_metadata(layer)["result"] for layer in layers}) == 1


def test_area_shares_are_of_what_was_analyzed():
    features = class_features(np.array([3, 0, 0, 1, 0, 0]))
    assert features["index"] == [1, 2, 3, 4, 5, 6]
    assert features["area share"].tolist() == [0.75, 0, 0, 0.25, 0, 0]
    assert class_features(np.zeros(6, dtype=int))["area share"].tolist() == [0] * 6
