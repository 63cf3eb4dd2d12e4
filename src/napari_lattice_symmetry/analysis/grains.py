"""Grains of a result: connected windows of one class and one lattice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from napari_lattice_symmetry.analysis.cell_windows import Places, frames_in, places_apart
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import LABELS, NOT_ANALYZED
from napari_lattice_symmetry.lattice.strain import written_alike
from napari_lattice_symmetry.results.result import MovieResult

STEP = 0.05
"""Departure of lattice vectors, as a share of their length, that parts neighboring windows."""


def grains_of(result: MovieResult) -> NDArray[np.int32]:
    """Give numbers to the grains of every frame of a result.

    A grain is a connected region of windows of one class whose lattice vectors are, from each
    window to the next, within `STEP` of each other: 3 degrees of a turn. A bent crystal is one
    grain.

    Parameters
    ----------
    result : MovieResult
        With lattice maps.

    Returns
    -------
    ndarray of int32, shape (T, gy, gx)
        From 1 for the largest grain of each frame; 0 where there is no lattice.

    Raises
    ------
    InputError
        If no lattices were fitted.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> image = nls.LatticeImage(lattice="square", a=12, size=256, second_grain=0.5).draw()
    >>> result = nls.analyze(image, window=96, stride=16, lattice_maps=True)
    >>> int(nls.grains_of(result).max()) >= 2
    True
    """
    bases, labels = result.bases(), np.asarray(result.labels)
    return np.array(
        [_grains_of(*frame) for frame in zip(bases, labels, strict=True)], np.int32
    ).reshape(labels.shape)


def _grains_of(bases: NDArray[np.float64], labels: NDArray[Any]) -> NDArray[np.int32]:
    """Give numbers to the grains of one frame, the largest first."""
    index = np.arange(labels.size).reshape(labels.shape)
    pairs = [
        np.stack([each.ravel() for each in sides])
        for sides in ((index[1:], index[:-1]), (index[:, 1:], index[:, :-1]))
    ]
    i, j = np.concatenate(pairs, axis=1)
    flat, kind = bases.reshape(-1, 2, 2), labels.ravel()
    crystal = np.isfinite(flat).all(axis=(1, 2)) & (kind > NOT_ANALYZED) & (kind < LABELS["noise"])
    both = crystal[i] & crystal[j] & (kind[i] == kind[j])
    i, j = i[both], j[both]
    joined = written_alike(flat[i], flat[j])[1] < STEP
    graph = coo_matrix((np.ones(joined.sum()), (i[joined], j[joined])), shape=(labels.size,) * 2)
    _, part = connected_components(graph, directed=False)
    counts = np.bincount(part[crystal], minlength=part.max() + 1)
    number = np.zeros(len(counts), np.int32)
    order = np.argsort(-counts, kind="stable")
    number[order] = np.arange(1, len(counts) + 1)
    return np.where(crystal, number[part], 0).astype(np.int32).reshape(labels.shape)


def places_of_grain(
    result: MovieResult, place: tuple[float, float], frames: Sequence[int] | None = None
) -> Places:
    """List windows of the grain at a place that do not overlap, as `places_of_class` does.

    Parameters
    ----------
    result : MovieResult
        Of the movie, with lattice maps.
    place : (float, float)
        x and y in pixels of the frame.
    frames : sequence of int, optional
        In each of these the grain that is there; all of the result if not given.

    Returns
    -------
    ndarray of int, shape (n, 3)
        Frame, row and column of the first pixel of each, which has the side `result.grid.window`.

    Raises
    ------
    InputError
        If there is no grain at the place, the frames were not analyzed, or no lattices were fitted.
    """
    side, stride = result.grid.window, result.grid.stride
    chosen = frames_in(result, frames)
    shape = result.grid.shape
    x, y = ((each - (side - 1) / 2) / stride for each in place)
    row, column = (
        int(np.clip(np.rint(each), 0, last - 1)) for each, last in zip((y, x), shape, strict=True)
    )
    grains = grains_of(result)[chosen]
    here = grains[:, row, column]
    found = [
        np.argwhere(each == number) if number else np.zeros((0, 2), np.intp)
        for each, number in zip(grains, here, strict=True)
    ]
    count = [len(each) for each in found]
    if not sum(count):
        raise InputError(f"There is no grain at {place[0]:.0f}, {place[1]:.0f} px.")
    return places_apart(
        np.repeat(result.frame_indices[chosen], count), stride * np.concatenate(found), side
    )
