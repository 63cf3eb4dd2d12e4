"""Weak spots halfway or a third of the way between those of a lattice, which enlarge its cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.special import chdtrc

from napari_lattice_symmetry.cells.transform import (
    NODES,
    amplitudes,
    centered,
    even_weights,
    hann_weights,
    leak,
    noise_ratio,
)
from napari_lattice_symmetry.lattice.basis import reduce_basis
from napari_lattice_symmetry.spectrum.waves import transform

Float = NDArray[np.float64]

# Spots at the first make the second of the cell; where there are several kinds, all of them.
_HALVES = {
    (1 / 2, 0): ((2, 0), (0, 1)),
    (0, 1 / 2): ((1, 0), (0, 2)),
    (1 / 2, 1 / 2): ((1, 1), (1, -1)),
}
# Cells of half the size, by what makes an odd product with the nodes at which they show no spots.
_HALVED = {
    (1, 0): ((0.5, 0), (0, 1)),
    (0, 1): ((1, 0), (0, 0.5)),
    (1, 1): ((0.5, 0.5), (0.5, -0.5)),
}
_THIRDS = {
    (1 / 3, 0): ((3, 0), (0, 1)),
    (0, 1 / 3): ((1, 0), (0, 3)),
    (1 / 3, 1 / 3): ((1, -1), (1, 2)),
    (1 / 3, 2 / 3): ((1, 1), (-1, 2)),
}
# Places that are farthest from the spots of the lattice and of all these.
_QUARTERS = np.array([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
_STEPS = np.arange(-4, 4)
_NEAR = (np.abs(NODES) <= 4).all(axis=1)
_AROUND = NODES[_NEAR]
_NODES = np.stack([each.ravel() for each in np.meshgrid(_STEPS, _STEPS, indexing="ij")], axis=-1)
# Spots of the lattice that are so many times as strong as the noise say how far out to look.
_CLEAR = 9.0
# Weaker spots, as a share of the strongest amplitude, may be side lobes.
_FLOOR = 0.01
# One spot counts at most so many times the noise; diffuse scattering is not quite even.
_MAX_POWER, _UNEVEN = 25.0, 1.3
# Chances at which power between the spots is no noise: of its sum, and of the strongest spot
# alone, since what disorder scatters is spread over all of them.
_CHANCE, _CHANCE_OF_STRONGEST = 1e-3, 1e-1
# Cycles a window from a spot of the lattice within which there is some of its power.
_LEAK = 3.0


def find_superlattices(windows: NDArray[Any], basis: Float) -> Float:
    """Correct the cells of windows by the spots between those of the lattice, or that lack there.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
    basis : ndarray, shape (n, 2, 2)
        Reduced lattice vectors (x, y) in rows, in pixels.

    Returns
    -------
    ndarray, shape (n, 2, 2)
        Reduced bases, the same where the spots are those of the lattice.
    """
    found = basis.copy()
    for i, window in enumerate(windows):
        pixels, *_ = centered(window[np.newaxis])
        for _ in range(2):
            other = _changed(pixels, found[i])
            if other is None:
                break
            found[i] = other
    return found


def _changed(pixels: NDArray[np.float32], basis: Float) -> Float | None:
    """Return a cell that is smaller or larger; None if the spots are those of this one."""
    spectrum = _Spectrum(pixels, basis)
    for odd, halved in _HALVED.items():
        if not spectrum.shows_odd(np.array(odd)):
            return reduce_basis(np.array(halved) @ basis)
    for order, cells in ((2, _HALVES), (3, _THIRDS)):
        there = spectrum.have_spots(np.array([*cells]))
        found = [cell for cell, shows in zip(cells.values(), there, strict=True) if shows]
        if found:
            change = np.array(found[0]) if len(found) == 1 else order * np.eye(2)
            return reduce_basis(change @ basis)
    return None


class _Spectrum:
    """The power of one window at and between the spots of a lattice, noise as the unit.

    Parameters
    ----------
    pixels : ndarray, shape (1, w, w), float32
        As `centered` gives them.
    basis : ndarray, shape (2, 2)
        Lattice vectors (x, y) in rows, in pixels.
    """

    def __init__(self, pixels: NDArray[np.float32], basis: Float) -> None:
        self._size = pixels.shape[-1]
        self._weighted = pixels * even_weights(self._size)
        self._to_frequency = np.linalg.inv(basis).T
        self._values = amplitudes(pixels, basis[np.newaxis])[0][0, _NEAR]
        hann = np.abs(scipy.fft.fft2(pixels[0] * hann_weights(self._size))) ** 2
        between = (_NODES[:, np.newaxis] + _QUARTERS).reshape(-1, 2) @ self._to_frequency
        self._noise = _read(hann, between, self._size) * noise_ratio(self._size)
        self._between = between
        self._power = np.where(_AROUND.any(axis=1), np.abs(self._values) ** 2, 0)
        self._floor = _FLOOR**2 * self._power.max()
        frequency = _AROUND @ self._to_frequency
        self._noise_there = self._level(frequency)
        clear = self._power > _CLEAR * self._noise_there
        self._farthest = np.linalg.norm(frequency[clear], axis=1).max(initial=0.0)
        self._inside = np.linalg.norm(frequency, axis=1) <= self._farthest

    def _level(self, frequency: Float) -> Float:
        """Expect the power of noise at spatial frequencies (n, 2)."""
        step = np.linalg.norm(self._to_frequency, axis=1).min()
        length, ring = (np.linalg.norm(each, axis=-1) for each in (frequency, self._between))
        near = np.abs(length[:, np.newaxis] - ring) < 0.75 * step
        level = np.where(near, self._noise, 0).sum(axis=1) / np.maximum(near.sum(axis=1), 1)
        return np.asarray(_UNEVEN * level + self._floor)

    def shows_odd(self, indices: Float) -> bool:
        """Return whether there are spots at the nodes whose product with indices is odd."""
        used = self._inside & _one_of_each_pair(np.zeros((1, 2)))[0]
        used &= (_AROUND @ indices) % 2 == 1
        noise = np.maximum(self._noise_there[used] - self._floor, 1e-3 * self._floor + 1e-30)
        spots = self._power[used] / noise
        return not len(spots) or _is_signal(spots)

    def have_spots(self, places: Float) -> list[bool]:
        """Return whether nodes + place hold more power than what is farthest from spots."""
        nodes = _AROUND + places[:, np.newaxis]
        frequency = nodes @ self._to_frequency
        length = np.linalg.norm(frequency, axis=-1)
        used = (length <= self._farthest) & _one_of_each_pair(places)
        used &= length.min(axis=1, keepdims=True) * self._size >= _LEAK
        at = frequency[used]
        share = leak(at[:, np.newaxis] - _AROUND @ self._to_frequency, self._size)
        leaked = np.einsum("kj,j->k", share, self._values)
        spots = np.zeros(used.shape)
        value = transform(self._weighted, at[np.newaxis])[0] - leaked
        spots[used] = np.abs(value) ** 2 / self._level(at)
        return [_is_signal(each[chosen]) for each, chosen in zip(spots, used, strict=True)]


def _is_signal(spots: Float) -> bool:
    """Return whether powers over the noise, by their sum and the strongest, are no noise."""
    if not len(spots):
        return False
    strongest = -np.expm1(len(spots) * np.log1p(-np.exp(-spots.max())))
    total = np.minimum(spots, _MAX_POWER).sum()
    return bool(chdtrc(2 * len(spots), 2 * total) < _CHANCE and strongest < _CHANCE_OF_STRONGEST)


def _one_of_each_pair(places: Float) -> NDArray[np.bool_]:
    """Return which nodes to keep of those whose mirror image is listed: they are the same spots."""
    nodes = _AROUND + places[:, np.newaxis]
    own = (2 * places % 1 == 0).all(axis=-1, keepdims=True)
    first = (nodes[..., 0] > 0) | ((nodes[..., 0] == 0) & (nodes[..., 1] > 0))
    return np.asarray(first | ~own)


def _read(power: NDArray[Any], frequency: Float, size: int) -> Float:
    bins = np.rint(frequency * size).astype(np.intp)
    return np.asarray(power[bins[..., 1] % size, bins[..., 0] % size], dtype=np.float64)
