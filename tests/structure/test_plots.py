from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from stored_figures import assert_as_stored

from napari_lattice_symmetry import COLORS, AnalysisParameters, Movie, WindowGrid, analyze
from napari_lattice_symmetry.spectrum.cartesian import SIDE
from napari_lattice_symmetry.structure.embedding import Embedding, WindowCluster
from napari_lattice_symmetry.structure.plots import (
    endmember_colors,
    highlight,
    plot_cluster,
    plot_embedding,
    plot_unmixing,
)
from napari_lattice_symmetry.structure.unmixing import MAX_COMPONENTS, Unmixing

IMAGES = Path(__file__).parent / "images"


def spots(turn):
    """A spectrum with four spots."""
    ky, kx = np.mgrid[-SIDE // 2 : SIDE // 2, -SIDE // 2 : SIDE // 2]
    spectrum = np.zeros((SIDE, SIDE), dtype=np.float32)
    for angle in np.deg2rad(turn + np.arange(0, 360, 90)):
        y, x = 12 * np.sin(angle), 12 * np.cos(angle)
        spectrum += np.exp(-((ky - y) ** 2 + (kx - x) ** 2) / 3)
    return spectrum


@pytest.fixture
def unmixing():
    shares = np.array([0.5, 0.3, 0.2])
    return Unmixing(
        spectra=np.stack([spots(0), spots(30), np.full((SIDE, SIDE), 0.3, np.float32)]),
        abundances=np.broadcast_to(shares[:, None, None, None], (3, 2, 4, 4)).astype(np.float32),
        probabilities=np.array([[0.9, 0.1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]]),
        variances=np.array([0.5, 0.3, 0.02, 0.015, 0.01]),
        suggested=3,
        parameters=AnalysisParameters(),
        grid=WindowGrid((176, 176), 128, 16),
    )


@pytest.fixture
def result(movie, parameters, fake_model):
    return analyze(Movie(movie.frames, name="growth"), parameters, model=fake_model)


@pytest.fixture
def embedding(result):
    places = np.argwhere(np.asarray(result.labels) > 0)
    return Embedding("t-SNE", places[:, [2, 1]] + 0.1 * places[:, :1].astype(np.float32), places)


def test_unmixing_as_stored(unmixing, tmp_path):
    assert_as_stored(plot_unmixing(unmixing), IMAGES / "unmixing.png", tmp_path)


def test_every_component_has_a_color_of_its_own(unmixing):
    assert endmember_colors(unmixing) == [COLORS["square"], "#F0E442", COLORS["noise"]]
    alike = replace(unmixing, probabilities=np.eye(6)[[0] * MAX_COMPONENTS])
    colors = endmember_colors(alike)
    assert len(set(colors)) == MAX_COMPONENTS
    assert not set(colors[1:]) & set(COLORS.values())


def test_embedding_as_stored(embedding, result, tmp_path):
    figure = plot_embedding(embedding, result)
    highlight(figure.axes[0].collections[0], embedding.places[:, 2] > 3)
    assert_as_stored(figure, IMAGES / "embedding.png", tmp_path)


def test_points_have_the_colors_of_what_is_asked_for(embedding, result):
    at = tuple(embedding.places.T)
    points = plot_embedding(embedding, result, "class").axes[0].collections[0]
    for color, label in zip(points.get_facecolors(), result.labels[at], strict=True):
        assert to_hex(color) == list(COLORS.values())[label - 1].lower()

    result.a = np.arange(result.labels.size, dtype=np.float32).reshape(result.labels.shape)
    expected = {
        "frame": (at[0], "frame"),
        "entropy": (result.entropy[at], "entropy (nats)"),
        "a": (result.a[at], "a (px)"),
    }
    for coloring, (values, title) in expected.items():
        axes, bar = plot_embedding(embedding, result, coloring).axes
        np.testing.assert_array_equal(axes.collections[0].get_array(), values)
        np.testing.assert_array_equal(axes.collections[0].get_offsets(), embedding.points)
        assert bar.get_ylabel() == title


def test_points_that_are_not_lit_fade(embedding, result):
    points = plot_embedding(embedding, result).axes[0].collections[0]
    lit = embedding.places[:, 0] == 2
    highlight(points, lit)
    np.testing.assert_array_equal(points.get_alpha(), np.where(lit, 1.0, 0.08))
    highlight(points, None)
    assert set(np.asarray(points.get_alpha())) == {0.8}


def test_cluster_as_stored(tmp_path):
    shares = np.array([0.7, 0.2, 0, 0, 0, 0.1])
    cluster = WindowCluster(40, shares, 0.3, (1, 4), spots(15))
    assert_as_stored(plot_cluster(cluster), IMAGES / "cluster.png", tmp_path)
