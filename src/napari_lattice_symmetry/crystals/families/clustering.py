"""Families without labels: reducing fingerprints to a few numbers, and clustering these.

What is found in the structures of one set is applied to those of another, on which it is scored.
scikit-learn and umap-learn come with the extra ``explore``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.optional import require

Float = NDArray[np.float64]
Integer = NDArray[np.int64]

COMPONENTS = 50
"""Of linear and kernel PCA."""

NOISE = -1
"""The label of HDBSCAN for what belongs to no cluster."""

_DEGREE = 3  # of the polynomial kernel
_NEIGHBORS, _UMAP_SIZE = 15, 2
_MIN_CLUSTER = 20  # structures that are a cluster for HDBSCAN
_LOOKED_AT = 2000  # structures whose silhouettes are averaged

NUMBERS = (4, 7, 10, 14, 18, 22, 26, 30, 40, 50, 60)
"""Numbers of clusters that silhouettes are compared of."""


@dataclass(frozen=True, eq=False)
class Reduction:
    """Structures as a few numbers.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    training : ndarray, shape (n, k)
        Of the structures from which the reduction was learned.
    transform : callable
        Reduces inputs (m, ...) of others to (m, k).
    variance : ndarray, shape (k,), optional
        Share of the variance that each component of a PCA explains.
    losses : dict of str to list of float
        Of an autoencoder, after each epoch.
    """

    method: str
    training: Float
    transform: Callable[[NDArray[Any]], Float] = field(repr=False)
    variance: Float | None = None
    losses: dict[str, list[float]] = field(default_factory=dict)


def reduce_by_pca(inputs: NDArray[Any], seed: int = 0) -> Reduction:
    """Reduce by linear principal components."""
    model = _library("sklearn.decomposition").PCA(min(COMPONENTS, len(inputs)), random_state=seed)
    training = model.fit_transform(_flat(inputs))
    return Reduction(
        "PCA",
        training,
        lambda others: np.asarray(model.transform(_flat(others))),
        np.asarray(model.explained_variance_ratio_),
    )


def reduce_by_kernel_pca(inputs: NDArray[Any], seed: int = 0) -> Reduction:
    """Reduce by principal components with a polynomial kernel of the third degree."""
    model = _library("sklearn.decomposition").KernelPCA(
        min(COMPONENTS, len(inputs) - 1),
        kernel="poly",
        degree=_DEGREE,
        eigen_solver="randomized",
        random_state=seed,
    )
    training = model.fit_transform(_flat(inputs))
    return Reduction(
        "kernel PCA", training, lambda others: np.asarray(model.transform(_flat(others)))
    )


def reduce_by_umap(inputs: NDArray[Any], seed: int = 0) -> Reduction:
    """Reduce by UMAP to a plane, after a linear PCA."""
    first = reduce_by_pca(inputs, seed)
    model = _library("umap").UMAP(
        n_components=_UMAP_SIZE, n_neighbors=_NEIGHBORS, min_dist=0.0, random_state=seed, n_jobs=1
    )
    training = np.asarray(model.fit_transform(first.training), np.float64)
    return Reduction(
        "UMAP",
        training,
        lambda others: np.asarray(model.transform(first.transform(others)), np.float64),
    )


def reduce_by_autoencoder(inputs: NDArray[Any], seed: int = 0) -> Reduction:
    """Reduce to two numbers by dense layers of 128 and 64, as the seed of the method does."""
    from napari_lattice_symmetry.crystals.families.autoencoders import train_dense

    return Reduction("autoencoder", *train_dense(inputs, seed))


def reduce_by_convolutions(inputs: NDArray[Any], seed: int = 0) -> Reduction:
    """Reduce to 16 numbers by an autoencoder of convolutions."""
    from napari_lattice_symmetry.crystals.families.autoencoders import train_convolutional

    return Reduction("convolutional autoencoder", *train_convolutional(inputs, seed))


METHODS: dict[str, Callable[[NDArray[Any], int], Reduction]] = {
    "PCA": reduce_by_pca,
    "kernel PCA": reduce_by_kernel_pca,
    "autoencoder": reduce_by_autoencoder,
    "convolutional autoencoder": reduce_by_convolutions,
    "UMAP": reduce_by_umap,
}
"""What reduces inputs (n, ...) and a seed."""

ALGORITHMS = ("k-means", "HDBSCAN")


def cluster_structures(
    reduction: Reduction,
    others: Sequence[Float],
    algorithm: str = "k-means",
    clusters: int = 7,
    seed: int = 0,
) -> list[Integer]:
    """Find clusters among the training structures, and give those of others.

    Parameters
    ----------
    reduction : Reduction
        Of the training structures.
    others : sequence of ndarray, shape (m, k)
        Sets of reduced structures.
    algorithm : {"k-means", "HDBSCAN"}
        k-means gives the cluster with the nearest center; HDBSCAN that of the nearest training
        structure, and finds their number itself.
    clusters : int
        How many there are, for k-means.
    seed : int
        Draws the first centers.

    Returns
    -------
    list of ndarray of int, shape (m,)
        Labels from 0; `NOISE` for what HDBSCAN puts into no cluster.

    Raises
    ------
    InputError
        If there is no such algorithm, or scikit-learn is not installed.
    """
    if algorithm not in ALGORITHMS:
        raise InputError(f"{algorithm!r} is no way to cluster; use {' or '.join(ALGORITHMS)}.")
    library = _library("sklearn.cluster")
    if algorithm == "k-means":
        model = library.KMeans(clusters, n_init=20, random_state=seed).fit(reduction.training)
        return [np.asarray(model.predict(each), np.int64) for each in others]
    smallest = min(_MIN_CLUSTER, max(2, len(reduction.training) // 10))
    labels = library.HDBSCAN(min_cluster_size=smallest, copy=True).fit_predict(reduction.training)
    nearest = _library("sklearn.neighbors").KNeighborsClassifier(1).fit(reduction.training, labels)
    return [np.asarray(nearest.predict(each), np.int64) for each in others]


def choose_clusters(
    reduction: Reduction, numbers: Sequence[int] = NUMBERS, seed: int = 0
) -> dict[int, float]:
    """Return the mean silhouette of k-means for numbers of clusters, without labels.

    Where it is greatest, structures are nearest to those of their cluster and farthest from those
    of the next one (P. J. Rousseeuw, J. Comput. Appl. Math. 20, 53 (1987),
    doi:10.1016/0377-0427(87)90125-7).

    Parameters
    ----------
    reduction : Reduction
        Of the training structures, of which 2,000 at most are looked at.
    numbers : sequence of int
        Which numbers of clusters.
    seed : int
        Draws the first centers and the structures.

    Returns
    -------
    dict of int to float
        From -1 to 1.
    """
    silhouette = _library("sklearn.metrics").silhouette_score
    size = min(_LOOKED_AT, len(reduction.training))
    found = {}
    for number in numbers:
        (labels,) = cluster_structures(reduction, [reduction.training], clusters=number, seed=seed)
        score = silhouette(reduction.training, labels, sample_size=size, random_state=seed)
        found[number] = float(score)
    return found


@dataclass(frozen=True)
class Agreement:
    """How far clusters are families.

    Parameters
    ----------
    accuracy : float
        Share of structures in the cluster of their family, each family having one cluster at
        most, assigned so that this is greatest (the Hungarian method).
    adjusted_rand, mutual_information : float
        Adjusted Rand index, and normalized mutual information: 1 where clusters are families, 0
        where they tell nothing.
    majority : float
        Accuracy of calling all structures the most frequent family.
    clusters : int
        How many there are, noise left out.
    """

    accuracy: float
    adjusted_rand: float
    mutual_information: float
    majority: float
    clusters: int


def score_clusters(families: Integer, labels: Integer) -> Agreement:
    """Return how far clusters are families.

    Parameters
    ----------
    families, labels : ndarray of int, shape (n,)
        Family and cluster of each structure.
    """
    metrics = _library("sklearn.metrics")
    return Agreement(
        float(np.mean(assign_families(families, labels) == families)),
        float(metrics.adjusted_rand_score(families, labels)),
        float(metrics.normalized_mutual_info_score(families, labels)),
        float(np.bincount(families).max() / len(families)),
        len({*labels.tolist()} - {NOISE}),
    )


def assign_families(families: Integer, labels: Integer) -> Integer:
    """Return the family (n,) of each cluster in the best one-to-one assignment; -1 for none."""
    known = np.unique(labels[labels != NOISE])
    counts = np.zeros((len(known), families.max() + 1), np.int64)
    inside = labels != NOISE
    np.add.at(counts, (np.searchsorted(known, labels[inside]), families[inside]), 1)
    assigned = np.full(len(families), -1)
    if len(known):
        for row, family in zip(*linear_sum_assignment(-counts), strict=True):
            assigned[labels == known[row]] = family
    return assigned


def name_clusters(families: Integer, labels: Integer, others: Integer) -> Integer:
    """Return the family of each cluster's majority, several clusters a family allowed.

    Parameters
    ----------
    families, labels : ndarray of int, shape (n,)
        Family and cluster of structures whose families are known.
    others : ndarray of int, shape (m,)
        Clusters of those that are to be named.

    Returns
    -------
    ndarray of int, shape (m,)
        Families; -1 for noise, and for clusters of which none is known.
    """
    named = np.full(len(others), -1)
    for cluster in np.unique(others[others != NOISE]):
        known = families[labels == cluster]
        if len(known):
            named[others == cluster] = np.bincount(known).argmax()
    return named


def _flat(inputs: NDArray[Any]) -> Float:
    return np.asarray(inputs, np.float64).reshape(len(inputs), -1)


def _library(module: str) -> Any:
    name = "umap-learn" if module == "umap" else "scikit-learn"
    return require(module, name, "explore", Path("Clustering"))
