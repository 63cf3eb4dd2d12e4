"""The two-dimensional diffraction fingerprint of a structure.

After A. Ziletti et al., Nat. Commun. 9, 2775 (2018): kinematic diffraction by electrons of 5 pm of
a cluster of about 250 atoms that is turned by 45 degrees either way about x, y and z, which make
red, green and blue. Lengths are scaled by the first peak of the pair distribution, which unlike the
mean distance of neighbors hardly moves where atoms are displaced.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.clusters import cluster
from napari_lattice_symmetry.crystals.neighbors import neighbor_distance
from napari_lattice_symmetry.crystals.structure import Crystal

Float = NDArray[np.float64]
Single = NDArray[np.float32]

SIZE = 64
"""Pixels a side."""

STEP = 2 * np.pi * 0.004 / 0.05
"""Wave number of a pixel times the distance of neighbors: 0.4 mm at 0.1 m and 5 pm."""

INNER, OUTER = 10, 30
"""Pixels from the center between which there is an image."""

_WAVE = 2 * np.pi / 0.05  # of electrons, times the distance of neighbors
_TURNS = np.deg2rad([45, -45])
_CENTER = (SIZE - 1) / 2
_AXIS = (np.arange(SIZE) - _CENTER) * STEP
_RADIUS = np.hypot(_AXIS, _AXIS[:, np.newaxis])
_RING = (_RADIUS > INNER * STEP) & (_RADIUS < OUTER * STEP)


def fingerprint(crystal: Crystal) -> Single:
    """Return the diffraction fingerprint.

    Parameters
    ----------
    crystal : Crystal
        About 250 atoms of it, along the conventional axes where symmetry tells a family, else
        along those of the file, on which the fingerprint then depends; see `cluster`.

    Returns
    -------
    ndarray, shape (64, 64, 3), float32
        From 0 to 1 over all three channels: the sum of the intensities at +45 and -45 degrees about
        x, y and z. The beam is along z; rows are y, columns x.

    Raises
    ------
    InputError
        If there are fewer than two atoms.
    """
    positions, symbols = cluster(crystal)
    return diffract(positions, symbols)


def diffract(positions: Float, symbols: list[str]) -> Single:
    """Return the fingerprint of atoms as they lie.

    Parameters
    ----------
    positions : ndarray, shape (n, 3)
        In angstrom.
    symbols : list of str
        Element of each atom.

    Returns
    -------
    ndarray, shape (64, 64, 3), float32
    """
    scale = neighbor_distance(positions)
    places = ((positions - positions.mean(axis=0)) / scale).astype(np.float32)
    kinds = {symbol: np.flatnonzero(np.array(symbols) == symbol) for symbol in set(symbols)}
    factors = {symbol: _form_factor(symbol, round(scale, 2)) for symbol in kinds}
    channels = []
    for axis in range(3):
        image = np.zeros((SIZE, SIZE), dtype=np.float32)
        for turn in _TURNS:
            turned = places @ _about(axis, turn)
            amplitude = sum(factors[kind] * _wave(turned[which]) for kind, which in kinds.items())
            image += np.square(np.abs(amplitude))
        channels.append(image * _RING)
    stacked = np.stack(channels, axis=-1)
    return np.asarray(stacked / (stacked.max() or 1.0), dtype=np.float32)


def _wave(places: Single) -> NDArray[np.complex64]:
    """Sum the waves of atoms (n, 3) over the detector, shape (SIZE, SIZE).

    On the sphere of Ewald a wave has the phase ``qx x + qy y + (qx**2 + qy**2) z / 2 k``, which is
    a sum of what depends on the column and what depends on the row.
    """
    x, y, z = places.T
    axis = _AXIS.astype(np.float32)[:, np.newaxis]
    depth = axis**2 / np.float32(2 * _WAVE) * z
    along_x, along_y = np.exp(1j * (axis * x + depth)), np.exp(1j * (axis * y + depth))
    return np.asarray(along_y @ along_x.T)


def _about(axis: int, turn: float) -> Single:
    c, s = np.cos(turn), np.sin(turn)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3, dtype=np.float32)
    matrix[[i, i, j, j], [i, j, i, j]] = c, s, -s, c
    return matrix


@lru_cache(maxsize=512)
def _form_factor(symbol: str, scale: float) -> Single:
    """Scatter off an element, over the detector, with neighbors `scale` angstrom apart."""
    from periodictable.cromermann import fxrayatq

    known = "H" if symbol == "X" else symbol
    return np.asarray(fxrayatq(known, _RADIUS / scale), dtype=np.float32)
