"""How exactly a column can be placed at best, by the counts that it gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Integer = NDArray[np.intp]


def disc(radius: float) -> Integer:
    """List the pixels (p, 2) within a radius of the middle one."""
    side = np.arange(-int(radius), int(radius) + 1)
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.asarray(grid[np.square(grid).sum(axis=1) <= radius**2], dtype=np.intp)


def cramer_rao(height: float, sigma: float, background: float, radius: float) -> float:
    """Return the least standard deviation of a coordinate of a column, of its counts.

    Parameters
    ----------
    height : float
        Expected counts at its peak, above the background.
    sigma : float
        Its standard deviation in pixels.
    background : float
        Expected counts a pixel around it.
    radius : float
        Within which pixels are used.

    Returns
    -------
    float
        In pixels: one over the root of the Fisher information of counts with Poisson noise.
    """
    offsets = disc(radius)
    peak = height * np.exp(-0.5 * np.square(offsets).sum(axis=1) / sigma**2)
    slope = peak * offsets[:, 0] / sigma**2
    return float(1 / np.sqrt((slope**2 / (peak + background)).sum()))
