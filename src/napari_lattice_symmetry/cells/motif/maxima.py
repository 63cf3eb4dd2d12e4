"""Maxima of the symmetrized image of a cell, between which there are valleys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from napari_lattice_symmetry.cells.transform import NODES

if TYPE_CHECKING:
    from napari_lattice_symmetry.cells.unit_cell import UnitCell

Float = NDArray[np.float64]

SAME = 0.01
"""Fractions of the cell within which two places are one."""

_STEPS = 8
_BETWEEN = np.linspace(0, 1, 17)[1:-1, np.newaxis]  # where valleys are looked for
_CLEAR = 4.0  # times the standard error
_EQUAL = 1e-3  # share by which heights of one orbit differ by rounding


def find_maxima(cell: UnitCell, min_height: float) -> tuple[Float, Float]:
    """Find the maxima that noise alone has not split.

    Parameters
    ----------
    cell : UnitCell
        An averaged cell.
    min_height : float
        Least height over the lowest point, as a share of that of the highest.

    Returns
    -------
    places : ndarray, shape (n, 2)
        Fractions of the conventional cell.
    valleys : ndarray, shape (n,)
        Highest valley between each and another, as a share of the height of the lower one.
    """
    return _distinct(cell, _maxima(cell, min_height))


def apart(place: Float, others: Float) -> Float:
    """Return how far places (..., 2) are from others, the greater of both coordinates."""
    away = others - place
    return np.asarray(np.abs(away - np.rint(away)).max(axis=-1))


def _maxima(cell: UnitCell, min_height: float) -> Float:
    image = cell.symmetrized
    highest = image == scipy.ndimage.maximum_filter(image, 3, mode="wrap")
    low, high = float(image.min()), float(image.max())
    error = float(cell.error.flat[0])
    highest &= image - low > max(min_height * (high - low), _CLEAR * error)
    rows, columns = np.nonzero(highest)
    places = np.stack([columns / image.shape[1], rows / image.shape[0]], axis=1)
    for _ in range(_STEPS):
        slope, curvature = derivatives(cell, places)
        down = np.linalg.eigvalsh(curvature)[:, -1] < 0
        places, slope, curvature = places[down], slope[down], curvature[down]
        step = -np.linalg.solve(curvature, slope[..., np.newaxis])[..., 0]
        places = (places + np.clip(step, -0.01, 0.01)) % 1
    kept: list[Float] = []
    for place in places:
        if not kept or apart(place, np.array(kept)).min() > SAME:
            kept.append(place)
    return np.reshape(kept, (-1, 2))


def _distinct(cell: UnitCell, places: Float) -> tuple[Float, Float]:
    """Join the maxima that noise alone may have split; also gives the highest valley of each.

    Those of a height become one in their middle; a lower one is left out.
    """
    lowest = float(cell.symmetrized.min())
    heights = cell.at(places, cell.symmetric) - lowest
    away = places - places[:, np.newaxis]
    away -= np.rint(away)  # from the first to the second
    way = places[:, np.newaxis, np.newaxis] + _BETWEEN * away[:, :, np.newaxis]
    valley = (cell.at(way, cell.symmetric) - lowest).min(axis=2)
    lower = np.minimum(heights, heights[:, np.newaxis])
    error = np.sqrt(cell.variance[cell.significant].sum() * cell.noise_at(places))
    split = lower - valley < _CLEAR * np.maximum(error, error[:, np.newaxis])
    equal = split & (np.abs(heights - heights[:, np.newaxis]) < _EQUAL * heights)
    hidden = (split & ~equal & (heights < heights[:, np.newaxis]).T).any(axis=1)
    middle = places + (away * equal[..., np.newaxis]).sum(axis=1) / equal.sum(axis=1)[:, np.newaxis]
    first = equal.argmax(axis=1) == np.arange(len(places))
    kept = first & ~hidden
    share = np.where(split | np.eye(len(places), dtype=bool), np.nan, valley / lower)
    return middle[kept] % 1, _greatest(share[np.ix_(kept, kept)])


def _greatest(shares: Float) -> Float:
    """Return the greatest of every row; NaN of an empty one."""
    greatest = np.where(np.isnan(shares), -np.inf, shares).max(axis=1, initial=-np.inf)
    return np.where(np.isfinite(greatest), greatest, np.nan)


def derivatives(cell: UnitCell, places: Float) -> tuple[Float, Float]:
    """Return slope (n, 2) and curvature (n, 2, 2) of the symmetrized image at places (n, 2)."""
    nodes = _conventional(cell)
    waves = np.exp(2j * np.pi * places @ nodes.T) * cell.symmetric[cell.significant]
    slope = -2 * np.pi * waves.imag @ nodes
    curvature = -4 * np.pi**2 * np.einsum("nk,ki,kj->nij", waves.real, nodes, nodes)
    return slope, curvature


def maxima_errors(cell: UnitCell, places: Float, copies: Float) -> tuple[Float, Float]:
    """Estimate how noise moves maxima: by its slope over their curvature.

    Parameters
    ----------
    cell : UnitCell
        An averaged cell.
    places : ndarray, shape (n, 2)
        Fractions of the conventional cell.
    copies : ndarray, shape (n,)
        Number of places in a primitive cell over which symmetry has averaged.

    Returns
    -------
    covariance : ndarray, shape (n, 2, 2)
        Of the places.
    heights : ndarray, shape (n,)
        Standard errors of the heights.
    """
    if not len(places):
        return np.zeros((0, 2, 2)), np.zeros(0)
    nodes, variance = _conventional(cell), cell.variance[cell.significant]
    local = cell.noise_at(places) / copies
    noise = 4 * np.pi**2 * np.einsum("k,ki,kj->ij", variance, nodes, nodes)
    inverse = np.linalg.inv(derivatives(cell, places)[1])
    covariance = inverse @ noise @ inverse.swapaxes(1, 2) * local[:, np.newaxis, np.newaxis]
    return covariance, np.sqrt(variance.sum() * local)


def _conventional(cell: UnitCell) -> Float:
    """Return the indices of the significant nodes in the conventional cell."""
    nodes = NODES[cell.significant] @ cell.setting.conventional.T
    return np.asarray(nodes, dtype=np.float64)
