"""Peaks of a map, and how many of them chance alone would give."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms.peaks import local_maxima, vertices

Float = NDArray[np.float64]

FALSE_ALARMS = 1.0
"""Peaks of a perfect crystal, of 1,000 sites, that are told as defects."""


def find_peaks(image: Float, least: float, apart: float) -> tuple[Float, Float]:
    """List the peaks of a map.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        The map.
    least : float
        Height that a peak has at least.
    apart : float
        Pixels within which the lower of two is left out.

    Returns
    -------
    places : ndarray, shape (n, 2)
        y and x, the highest first, to fractions of a pixel by parabolas.
    heights : ndarray, shape (n,)
        Of the pixels.
    """
    rows, columns = local_maxima(image, least)
    order = np.argsort(-image[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    offsets, _ = vertices(image, rows, columns)
    places = np.stack([rows, columns], axis=1) + offsets
    kept = np.ones(len(places), bool)
    for i in range(len(places)):
        if kept[i]:
            near = np.hypot(*(places[i + 1 :] - places[i]).T) < apart
            kept[i + 1 :] &= ~near
    return places[kept], image[rows, columns][kept]


def confidence_of(heights: Float, rate: Callable[[Float], Float], sites: int) -> Float:
    """Return one minus the share of false alarms among peaks that are as high.

    Parameters
    ----------
    heights : ndarray, shape (n,)
        Of the peaks of a frame.
    rate : callable
        Peaks at least so high, of 1,000 sites of a perfect crystal.
    sites : int
        Of the frame.

    Returns
    -------
    ndarray, shape (n,)
        The false discovery rate of Benjamini and Hochberg, J. R. Stat. Soc. B 57, 289 (1995),
        taken from one.
    """
    order = np.argsort(-heights, kind="stable")
    expected = rate(heights[order]) * sites / 1000
    share = np.minimum(expected / np.arange(1, len(heights) + 1), 1)
    # No peak is surer than a higher one.
    share = np.minimum.accumulate(share[::-1])[::-1]
    found = np.empty(len(heights))
    found[order] = 1 - share
    return found
