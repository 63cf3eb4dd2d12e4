"""The other cell where some spots are much weaker than the rest: sublattice and superlattice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.spectrum.indexing import CLEAR
from napari_lattice_symmetry.spectrum.peaks import Peaks

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Spots between those of a lattice lie within this of their place (cycles per window), and weigh
# together as much as one of 6 times the noise.
_NEAR, _MIN_WEIGHT = 0.35, 0.6
# Spots that make the cell larger hold less than this share of the power of all.
_MAX_WEAK = 0.4
# By so much a cell may be larger along some direction, and the directions, by their indices.
_ORDERS = {2: ((1, 0), (0, 1), (1, 1)), 3: ((1, 0), (0, 1), (1, 1), (1, 2))}


def other_cells(peaks: Peaks, weights: Float, basis: Float, second: Bool) -> Float:
    """Find the cells that weak spots, or all but the weak spots, speak for.

    Parameters
    ----------
    peaks : Peaks
        Peaks of n windows.
    weights : ndarray, shape (n, k)
        As `peak_weights` gives them.
    basis : ndarray, shape (n, 2, 2)
        Reciprocal bases that were fitted to them; NaN where there is none.
    second : ndarray, shape (n,)
        Where another lattice was seen; there only a superlattice counts that explains it.

    Returns
    -------
    ndarray, shape (n, 2, 2)
        Reciprocal bases: of a superlattice, where weak spots lie between those that were fitted,
        else of the sublattice, where the fitted ones are strong on a part of them alone; NaN
        where there is neither.
    """
    index = peaks.position @ np.linalg.inv(basis)
    power = np.square(peaks.height) * (weights > 0)
    on = _is_on(index, basis)
    other = _finer(index, weights, basis)
    coarser = _coarser(np.rint(index), power * on, basis)
    either = on | _is_on(peaks.position @ np.linalg.inv(other), other)
    unexplained = ((weights >= CLEAR) & ~either).any(axis=1)
    coarser[second] = np.nan
    other[second & unexplained] = np.nan
    return np.where(np.isfinite(other), other, coarser)


def _is_on(index: Float, basis: Float) -> Bool:
    """Return which indices (n, k, 2) are whole, within reach."""
    return np.asarray(np.linalg.norm((index - np.rint(index)) @ basis, axis=-1) < _NEAR)


def _finer(index: Float, weights: Float, basis: Float) -> Float:
    """Return the reciprocal bases with spots halfway, or at thirds, between those fitted."""
    found = np.full(basis.shape, np.nan)
    on = _is_on(index, basis)
    for order, directions in _ORDERS.items():
        between = _is_on(order * index, basis / order) & ~on & (weights > 0)
        place = np.rint(order * index)
        total = (weights * between).sum(axis=1)
        for window in np.flatnonzero((total >= _MIN_WEIGHT) & np.isnan(found[:, 0, 0])):
            spots = place[window, between[window]]
            along = [
                each for each in directions if not (_across(spots, np.array(each)) % order).any()
            ]
            change = _along(along[0], order) if along else np.eye(2)
            found[window] = change @ basis[window] / order
    return found


def _along(direction: tuple[int, int], order: int) -> Float:
    """Return the lattice of whole numbers that holds a direction and is ``order`` times sparser."""
    return np.array([direction, (0, order) if direction[0] else (order, 0)], dtype=np.float64)


def _coarser(index: Float, power: Float, basis: Float) -> Float:
    """Return the sparsest reciprocal bases that hold nearly all the power of spots (n, k)."""
    found = np.full(basis.shape, np.nan)
    strongest = np.take_along_axis(index, power.argmax(axis=1)[:, np.newaxis, np.newaxis], axis=1)
    off_line = _across(index, strongest) != 0
    for order, directions in _ORDERS.items():
        weak = [_across(index, np.array(each)) % order != 0 for each in directions]
        lattices = [*(_along(each, order) for each in directions), order * np.eye(2)]
        for change, odd in zip(lattices, [*weak, np.any(weak, axis=0)], strict=True):
            lost = (power * odd).sum(axis=1)
            # A smaller cell is none if its spots lie on a line.
            left = (power * (~odd & off_line)).sum(axis=1)
            there = (lost < _MAX_WEAK * power.sum(axis=1)) & (left > lost)
            found[there] = (change @ basis)[there]
    return found


def _across(index: Float, direction: Float) -> Float:
    """Return the cross product of indices (n, k, 2) with a direction."""
    return np.asarray(index[..., 0] * direction[..., 1] - index[..., 1] * direction[..., 0])
