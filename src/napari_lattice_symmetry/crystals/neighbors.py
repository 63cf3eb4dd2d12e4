"""How far apart neighbors are: the unit of length in which structures are compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError

Float = NDArray[np.float64]

# Shares of the distance that the nearest neighbor of an atom has, in the median.
_BINS = np.arange(0.4, 2.0, 0.01)
_WIDTH = 0.04
_SHIFTS = 5


def neighbor_distance(positions: Float) -> float:
    """Return where the pair distribution has its first peak, in the unit of the positions.

    Pairs are counted over the square of their distance, so that displacements, which widen the
    peak, and vacancies, which lower it, leave it where it is.

    Raises
    ------
    InputError
        If there are fewer than two atoms, or most share a place.
    """
    if len(positions) < 2:
        raise InputError("A fingerprint needs at least two atoms.")
    from scipy.ndimage import gaussian_filter1d
    from scipy.spatial import cKDTree

    tree = cKDTree(positions)
    nearest = float(np.median(np.asarray(tree.query(positions, 2)[0])[:, 1]))
    if nearest <= 1e-6 * np.ptp(positions):
        raise InputError("Most atoms lie where another one does; give each a place of its own.")
    pairs = tree.query_pairs(_BINS[-1] * nearest, output_type="ndarray")
    length = np.linalg.norm(np.diff(positions[pairs], axis=1)[:, 0], axis=1) / nearest
    density = np.histogram(length, _BINS, weights=length**-2)[0]
    density = gaussian_filter1d(density, _WIDTH / (_BINS[1] - _BINS[0]))
    rises, falls = density[1:-1] >= density[:-2], density[1:-1] > density[2:]
    peaks = 1 + np.flatnonzero(rises & falls & (density[1:-1] > density.max() / 2))
    peak = float(_BINS[peaks[0] if len(peaks) else density.argmax()])
    for _ in range(_SHIFTS):  # to where the pairs around it are densest, whatever the bins
        weight = np.exp(-(((length - peak) / _WIDTH) ** 2) / 2) / length**2
        peak = float(np.average(length, weights=weight))
    return peak * nearest
