"""Some of the many windows of a movie: chosen evenly, read frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.analysis.frame import AnalysisJob
from napari_lattice_symmetry.analysis.reading import FailureLimit, try_to_read

Places: TypeAlias = NDArray[np.int64]

BLOCK = 256
"""Windows that are read at a time."""


def choose_windows(known: NDArray[np.bool_], at_most: int, seed: int = 0) -> Places:
    """Choose windows at random, every one with the same chance; all if they are few.

    Parameters
    ----------
    known : ndarray, shape (T, gy, gx), bool
        Which windows can be chosen.
    at_most : int
        How many are chosen at most.
    seed : int
        Draws them; the same seed draws the same ones.

    Returns
    -------
    ndarray, shape (n, 3), int64
        Time, row and column on the map, in C order.
    """
    places = np.argwhere(known)
    if len(places) > at_most:
        rng = np.random.default_rng(seed)
        places = places[np.sort(rng.choice(len(places), at_most, replace=False))]
    return places


def read_windows(job: AnalysisJob, places: Places) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Read windows in blocks; each frame is read once.

    Parameters
    ----------
    job : AnalysisJob
        Movie and parameters.
    places : ndarray, shape (n, 3)
        As `choose_windows` gives them.

    Yields
    ------
    part : slice
        Which of the places come next: `BLOCK` or fewer, of one frame.
    windows : ndarray, shape (m, w, w)

    Raises
    ------
    AnalysisError
        If the file of the movie is gone, or frames in a row cannot be read; single ones are
        left out.
    """
    limit = FailureLimit(job.movie)
    for position in np.unique(places[:, 0]).tolist():
        frame, failure = try_to_read(job.movie, job.indices[position])
        limit.note(failure)
        if frame is None:
            continue
        windows = job.grid.windows(frame)
        first, last = np.searchsorted(places[:, 0], [position, position + 1]).tolist()
        for start in range(first, last, BLOCK):
            part = slice(start, min(start + BLOCK, last))
            yield part, windows[tuple(places[part, 1:].T)]
