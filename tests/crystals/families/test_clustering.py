"""Clusters of structures without labels, and how far they are families."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.crystals.families.clustering import (
    METHODS,
    NOISE,
    assign_families,
    choose_clusters,
    cluster_structures,
    name_clusters,
    score_clusters,
)
from napari_lattice_symmetry.errors import InputError

RNG = np.random.default_rng(0)
CENTERS = RNG.uniform(size=(3, 16, 16, 3))


def blobs(n, seed):
    """Images near one of three, and which."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(n) % 3
    noise = rng.normal(0, 0.02, (n, *CENTERS.shape[1:]))
    return np.clip(CENTERS[kinds] + noise, 0, 1).astype(np.float32), kinds


@pytest.mark.parametrize("method", ["PCA", "kernel PCA"])
@pytest.mark.parametrize("algorithm", ["k-means", "HDBSCAN"])
def test_clear_clusters_are_found_in_structures_that_were_not_seen(method, algorithm):
    training, _ = blobs(90, 1)
    others, kinds = blobs(60, 2)
    reduced = METHODS[method](training, 0)
    (labels,) = cluster_structures(reduced, [reduced.transform(others)], algorithm, clusters=3)
    agreement = score_clusters(kinds, labels)
    assert agreement.accuracy == agreement.adjusted_rand == 1
    assert agreement.majority == pytest.approx(1 / 3)
    assert agreement.clusters == 3


def test_components_explain_less_and_less():
    reduced = METHODS["PCA"](blobs(90, 1)[0], 0)
    assert reduced.variance.shape == (50,)
    assert (np.diff(reduced.variance) <= 0).all()
    assert reduced.variance.sum() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("method", ["autoencoder", "convolutional autoencoder"])
def test_autoencoders_learn(method):
    training, _ = blobs(60, 1)
    reduced = METHODS[method](training, 0)
    assert reduced.training.shape == (60, 2 if method == "autoencoder" else 16)
    np.testing.assert_allclose(reduced.transform(training), reduced.training, atol=1e-5)
    for losses in reduced.losses.values():
        assert len(losses) == (10 if method == "autoencoder" else 20)
        assert losses[-1] < losses[0]


def test_clusters_are_assigned_one_to_one():
    families = np.array([0, 0, 0, 1, 1, 1])
    labels = np.array([5, 5, 2, 2, 2, NOISE])
    np.testing.assert_array_equal(assign_families(families, labels), [0, 0, 1, 1, 1, -1])
    assert score_clusters(families, labels).accuracy == pytest.approx(4 / 6)
    split = np.array([0, 0, 1, 2, 2, 2])  # a family in two clusters is right in one of them
    assert score_clusters(families, split).accuracy == pytest.approx(5 / 6)
    nothing = np.full(6, NOISE)
    assert score_clusters(families, nothing).accuracy == 0


def test_the_number_of_clusters_is_where_silhouettes_are_greatest():
    reduced = METHODS["PCA"](blobs(90, 1)[0], 0)
    silhouettes = choose_clusters(reduced, range(2, 6))
    assert max(silhouettes, key=silhouettes.get) == 3


def test_clusters_are_named_by_their_majority_of_structures_that_are_known():
    families, labels = np.array([0, 0, 1, 1, 1]), np.array([3, 3, 3, 4, 5])
    others = np.array([3, 4, 5, 6, NOISE])
    np.testing.assert_array_equal(name_clusters(families, labels, others), [0, 1, 1, -1, -1])


def test_an_algorithm_that_there_is_not_is_refused():
    reduced = METHODS["PCA"](blobs(30, 1)[0], 0)
    with pytest.raises(InputError, match="k-means or HDBSCAN"):
        cluster_structures(reduced, [], "guessing")
