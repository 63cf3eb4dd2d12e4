"""Where marks that a network gives of atoms have their tops."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

Float = NDArray[np.float64]

_EDGE = 1e-6


def local_maxima(
    mark: Float, lowest: float, size: int = 3
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """List the pixels higher than `lowest` that no pixel in a square about them is higher than.

    Parameters
    ----------
    mark : ndarray, shape (Y, X)
        Heights.
    lowest : float
        Height that is not looked at.
    size : int
        Side of the square in pixels.
    """
    highest = maximum_filter(mark, size=size, mode="constant")
    rows, columns = np.nonzero((mark >= highest) & (mark > lowest))
    return rows, columns


def vertices(
    values: Float, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[Float, Float]:
    """Return where parabolas through maxima have their tops, (n, 2) from the pixel, and how high.

    Parameters
    ----------
    values : ndarray, shape (Y, X)
        Heights, or the logarithms of round marks, which are parabolas.
    rows, columns : ndarray of int, shape (n,)
        The maxima.
    """
    padded = np.pad(values, 1, mode="reflect")
    i, j = rows + 1, columns + 1
    middle = padded[i, j]
    offsets, rise = [], np.zeros(len(rows))
    for before, after in (
        (padded[i - 1, j], padded[i + 1, j]),
        (padded[i, j - 1], padded[i, j + 1]),
    ):
        slope, bend = (after - before) / 2, before - 2 * middle + after
        offset = np.clip(np.where(bend < -_EDGE, -slope / np.minimum(bend, -_EDGE), 0), -0.5, 0.5)
        offsets.append(offset)
        rise += slope * offset + bend * offset**2 / 2
    return np.stack(offsets, axis=1), middle + rise
