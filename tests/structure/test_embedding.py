from __future__ import annotations

import sys

import numpy as np
import pytest
from stand_in import FakeClassifier

from napari_lattice_symmetry import AnalysisParameters, Movie, analyze, read_movie, simulate
from napari_lattice_symmetry.analysis.steps import StoppedError
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import LABELS
from napari_lattice_symmetry.spectrum.cartesian import cartesian_spectrum
from napari_lattice_symmetry.structure.embedding import describe_cluster, embed

GRAY = {"square": 5, "hexagonal": 35, "noise": 55}  # what the stand-in network sees


@pytest.fixture(scope="module")
def stripes():
    """Two frames with a stripe of each of three classes."""
    noise = np.random.default_rng(0).normal(0, 1, (2, 96, 288))
    frames = np.repeat(list(GRAY.values()), 96) + noise
    return Movie(frames.astype(np.float32), name="stripes")


@pytest.fixture
def result(stripes, fake_model):
    settings = AnalysisParameters(window=32, stride=8, samples=3)
    return analyze(stripes, settings, model=fake_model)


def separation(embedding, result):
    """How much of the nearest neighbors of a point are of its class."""
    labels = np.asarray(result.labels)[tuple(embedding.places.T)]
    apart = np.square(embedding.points[:, np.newaxis] - embedding.points).sum(axis=2)
    nearest = np.argsort(apart, axis=1)[:, 1:6]
    return np.mean(labels[nearest] == labels[:, np.newaxis])


@pytest.mark.parametrize("method", ["t-SNE", pytest.param("UMAP", marks=pytest.mark.slow)])
def test_windows_of_a_class_lie_together(method, stripes, result, fake_model):
    told = []
    keywords = {"at_most": 300, "model": fake_model}
    embedding = embed(stripes, result, method, progress=lambda *n: told.append(n), **keywords)
    assert embedding.method == method
    assert embedding.points.shape == (300, 2)
    assert embedding.points.dtype == np.float32
    assert embedding.places.shape == (300, 3)
    assert separation(embedding, result) > 0.9
    assert told[-1] == (600, 600)
    assert (300, 600) in told  # all windows seen by the network, none placed yet
    assert told == sorted(told)
    assert len(told) > 10
    again = embed(stripes, result, method, **keywords)
    np.testing.assert_allclose(again.points, embedding.points, rtol=1e-4, atol=1e-3)

    def stop():  # in the middle of the layout
        return bool(told) and told[-1][0] > 320

    told.clear()
    with pytest.raises(StoppedError):
        embed(
            stripes,
            result,
            method,
            progress=lambda *n: told.append(n),
            should_stop=stop,
            **keywords,
        )
    assert told[-1][0] < 600


def test_grains_of_a_simulated_movie_come_apart():
    """With the real network: three islands, and few windows on the wrong one."""
    movie = simulate("two-grains").movie
    result = analyze(movie, AnalysisParameters(window=96, stride=32, samples=5))
    assert separation(embed(movie, result, at_most=150), result) > 0.85


def test_only_analyzed_windows_are_embedded(stripes, fake_model):
    frames = stripes.frames.copy()
    frames[1] = 3  # not analyzed
    frames[0, :, 96:] = np.nan
    settings = AnalysisParameters(window=32, stride=4, samples=2)
    movie = Movie(frames)
    result = analyze(movie, settings, model=fake_model)
    places = embed(movie, result, model=fake_model).places
    assert len(places) == np.count_nonzero(result.labels)
    assert (np.asarray(result.labels)[tuple(places.T)] > 0).all()
    assert set(places[:, 0]) == {0}


def test_it_refuses_in_one_sentence(stripes, result, fake_model):
    with pytest.raises(InputError, match="no embedding 'PCA'; choose t-SNE or UMAP"):
        embed(stripes, result, "PCA", model=fake_model)
    with pytest.raises(InputError, match="20 windows are too few for t-SNE, which needs 91"):
        embed(stripes, result, at_most=20, model=fake_model)
    cut = Movie(stripes.frames[:, :80], name="cut")
    with pytest.raises(InputError, match=r"of 80 x 288 px\) is not what stripes was"):
        embed(cut, result, model=fake_model)
    with pytest.raises(InputError, match="is not what stripes was made from"):
        embed(Movie(stripes.frames[:1]), result, model=fake_model)


@pytest.mark.parametrize(("method", "module"), [("t-SNE", "openTSNE"), ("UMAP", "umap")])
def test_a_missing_library_is_one_sentence(method, module, stripes, result, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"needs {module}.*pip install .*\[explore\]"):
        embed(stripes, result, method, at_most=100, model=FakeClassifier())


def test_a_cluster_is_described(stripes, result):
    places = np.array([[0, 0, 0], [1, 2, 0], [1, 0, 16], [1, 8, 1]])
    cluster = describe_cluster(stripes, result, places)
    assert cluster.size == 4
    assert cluster.shares[LABELS["square"] - 1] == 0.75
    assert cluster.shares[LABELS["hexagonal"] - 1] == 0.25
    assert cluster.frames == (0, 1)
    assert cluster.entropy == pytest.approx(result.entropy[tuple(places.T)].mean())
    windows = [
        stripes.frames[t, 8 * row : 8 * row + 32, 8 * column : 8 * column + 32]
        for t, row, column in places
    ]
    expected = cartesian_spectrum(np.stack(windows)).mean(axis=0)
    np.testing.assert_allclose(cluster.spectrum, expected, rtol=1e-5)
    with pytest.raises(InputError, match="No window is selected"):
        describe_cluster(stripes, result, places[:0])


def test_a_real_movie_is_embedded(shared_data):
    """Contaminated windows of graphene lie apart from clean ones."""
    movie = read_movie(shared_data / "movies" / "graphene_hrtem_Dyna1_all.tif")
    result = analyze(movie, window=72, stride=24, samples=10)
    embedding = embed(movie, result, "t-SNE")
    assert len(embedding.points) == result.labels.size
    assert np.isfinite(embedding.points).all()
    assert separation(embedding, result) > 0.8
