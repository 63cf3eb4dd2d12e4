"""Embedding: windows as points in a plane, near to each other where the network finds them alike.

What the last layer of the network decides on holds more than the six probabilities: grains,
orientations and defects that have no class of their own show as clusters.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.analysis.frame import AnalysisJob
from napari_lattice_symmetry.analysis.steps import Progress, ShouldStop, Steps
from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.classifier import Classifier
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import CLASSES, NOT_ANALYZED
from napari_lattice_symmetry.results.result import MovieResult
from napari_lattice_symmetry.spectrum.cartesian import cartesian_spectrum
from napari_lattice_symmetry.structure.chosen_windows import Places, choose_windows, read_windows
from napari_lattice_symmetry.structure.parameters import MAX_EMBEDDED, NEIGHBORS

Float32: TypeAlias = NDArray[np.float32]

FOR_A_SPECTRUM = 512
"""Windows of a cluster over which its spectrum is averaged."""

_TSNE_ITERATIONS, _UMAP_EPOCHS = 750, 200


@dataclass(frozen=True, eq=False)
class Embedding:
    """Windows as points in a plane.

    Parameters
    ----------
    method : str
        "t-SNE" or "UMAP".
    points : ndarray, shape (n, 2), float32
        Where the windows lie in the plane; the axes have no meaning.
    places : ndarray, shape (n, 3), int64
        Where they lie in the maps of the result: time, row and column, in C order.
    """

    method: str
    points: Float32
    places: Places


@dataclass(frozen=True, eq=False)
class WindowCluster:
    """What some windows have in common.

    Parameters
    ----------
    size : int
        How many they are.
    shares : ndarray, shape (6,), float64
        Share of the windows that each class won.
    entropy : float
        Mean predictive entropy, in nats.
    frames : (int, int)
        The first and the last frame of the movie that has any.
    spectrum : ndarray, shape (SIDE, SIDE), float32
        Mean FFT amplitude, as `cartesian_spectrum` gives it.
    """

    size: int
    shares: NDArray[np.float64]
    entropy: float
    frames: tuple[int, int]
    spectrum: Float32


def embed(
    movie: Movie,
    result: MovieResult,
    method: str = "t-SNE",
    *,
    at_most: int = MAX_EMBEDDED,
    seed: int = 0,
    model: Classifier | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Embedding:
    """Embed the windows of an analyzed movie by what the network's last layer sees.

    Parameters
    ----------
    movie : Movie
        The one that was analyzed.
    result : MovieResult
        What was found in it.
    method : {"t-SNE", "UMAP"}
        The two agree on clusters; distances between clusters mean little in either.
    at_most : int
        Number of windows; where there are more, some are chosen at random.
    seed : int
        Draws the windows and what is random in the method.
    model : Classifier, optional
        A loaded network; that of the result is loaded if not given.
    progress : callable, optional
        Called as ``progress(done, total)``.
    should_stop : callable, optional
        Asked at every step; once it says True, this ends.

    Returns
    -------
    Embedding

    Raises
    ------
    InputError
        If the method is not known or not installed, the movie is not that of the result, or too
        few windows were analyzed.
    ModelError
        If the network cannot be loaded.
    AnalysisError
        If the file of the movie is gone, or frames in a row cannot be read.
    StoppedError
        If `should_stop` says so.
    """
    if method not in NEIGHBORS:
        raise InputError(f"There is no embedding {method!r}; choose {' or '.join(NEIGHBORS)}.")
    job = _job(movie, result)
    places = choose_windows(np.asarray(result.labels) != NOT_ANALYZED, at_most, seed)
    fewest = 3 * NEIGHBORS[method] + 1
    if len(places) < fewest:
        raise InputError(
            f"{result.name}: {len(places)} windows are too few for {method}, which needs "
            f"{fewest}; analyze more frames, or take a smaller stride."
        )
    lay_out = {"t-SNE": _lay_out_by_tsne, "UMAP": _lay_out_by_umap}[method]
    steps = Steps(2 * len(places), progress, should_stop)  # half for reading, half for the layout
    model = model or load_model(result.parameters.network, result.parameters.engine)
    read, features = [], []
    for part, windows in read_windows(job, places):
        read.append(places[part])
        features.append(model.features(windows, distortion=job.windows.distortion))
        steps.advance(len(windows))
    points = lay_out(np.concatenate(features), seed, steps)
    return Embedding(method, points.astype(np.float32), np.concatenate(read))


def describe_cluster(movie: Movie, result: MovieResult, places: Places) -> WindowCluster:
    """Tell what some windows have in common.

    Parameters
    ----------
    movie, result
        As for `embed`.
    places : ndarray, shape (n, 3)
        The windows: time, row and column on the maps.

    Returns
    -------
    WindowCluster

    Raises
    ------
    InputError
        If there are no windows, or the movie is not that of the result.
    AnalysisError
        If the file of the movie is gone, or frames in a row cannot be read.
    """
    if not len(places):
        raise InputError("No window is selected: draw a loop around some points.")
    job = _job(movie, result)
    at = tuple(places.T)
    won = np.bincount(np.asarray(result.labels)[at], minlength=len(CLASSES) + 1)[1:]
    some = places[choose_windows(np.ones(len(places), dtype=bool), FOR_A_SPECTRUM)[:, 0]]
    spectra = [
        cartesian_spectrum(windows, job.windows.distortion)
        for _, windows in read_windows(job, some)
    ]
    times = result.frame_indices[places[:, 0]]
    return WindowCluster(
        size=len(places),
        shares=won / max(won.sum(), 1),
        entropy=float(np.nanmean(np.asarray(result.entropy)[at])),
        frames=(int(times.min()), int(times.max())),
        spectrum=np.concatenate(spectra).mean(axis=0),
    )


def _job(movie: Movie, result: MovieResult) -> AnalysisJob:
    """Return the job that made a result, if the movie can be its own."""
    n_frames, *shape = movie.shape
    if tuple(shape) != result.grid.frame_shape or result.frame_indices[-1] >= n_frames:
        y, x = result.grid.frame_shape
        raise InputError(
            f"{movie.name} ({n_frames} frames of {shape[0]} x {shape[1]} px) is not what "
            f"{result.name} was made from (frames of {y} x {x} px); select the right image."
        )
    return AnalysisJob(movie, result.parameters)


def _lay_out_by_tsne(features: Float32, seed: int, steps: Steps) -> NDArray[Any]:
    every = 10
    tick = _ticks(steps, len(features), _TSNE_ITERATIONS // every)
    tsne = _require("openTSNE", "openTSNE").TSNE(
        perplexity=NEIGHBORS["t-SNE"],
        early_exaggeration_iter=_TSNE_ITERATIONS // 3,
        n_iter=_TSNE_ITERATIONS - _TSNE_ITERATIONS // 3,
        callbacks=lambda _iteration, _error, _points: tick(),
        callbacks_every_iters=every,
        random_state=seed,
        n_jobs=1,  # threads that wait for each other take ten times as long on a busy machine
    )
    return np.asarray(tsne.fit(features))


def _lay_out_by_umap(features: Float32, seed: int, steps: Steps) -> NDArray[Any]:
    umap = _require("umap", "umap-learn")
    neighbors = NEIGHBORS["UMAP"]
    # Comparing all with all costs less than compiling UMAP's own search.
    search = import_module("sklearn.neighbors").NearestNeighbors(
        n_neighbors=neighbors, algorithm="brute"
    )
    distances, nearest = search.fit(features).kneighbors(features)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "precomputed_knn")  # that no points can be added later
        layout = umap.UMAP(
            n_neighbors=neighbors,
            n_epochs=_UMAP_EPOCHS,
            init="pca",
            precomputed_knn=(nearest, distances),
            random_state=seed,
            n_jobs=1,
            tqdm_kwds={
                "file": _Ticker(_ticks(steps, len(features), _UMAP_EPOCHS)),
                "bar_format": "{n}",
                "mininterval": 0,  # at every epoch, however short
                "miniters": 1,
                "disable": False,
            },
        )
        return np.asarray(layout.fit_transform(features))


def _ticks(steps: Steps, total: int, n_ticks: int) -> Callable[..., None]:
    """Make a function that advances by a share of `total`, and by all of it in `n_ticks` calls."""
    done = 0

    def tick(ticks: int = 1) -> None:
        nonlocal done
        before, done = done, min(done + ticks, n_ticks)
        steps.advance(total * done // n_ticks - total * before // n_ticks)

    return tick


class _Ticker:
    """The file that UMAP writes its epochs to: the one way in which it tells, or can be stopped."""

    def __init__(self, tick: Callable[[int], None]) -> None:
        self._tick, self._epoch = tick, 0

    def write(self, text: str) -> None:
        """Take the number of an epoch."""
        if text.strip().isdigit():
            before, self._epoch = self._epoch, int(text)
            self._tick(self._epoch - before)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""


def _require(module: str, library: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise InputError(
            f"This embedding needs {library}, which is not installed; install it by "
            'pip install "napari-lattice-symmetry[explore]"'
        ) from error
