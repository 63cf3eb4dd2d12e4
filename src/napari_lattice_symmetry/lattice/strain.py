"""Strain and rotation of lattices against a reference.

The deformation gradient G takes the vectors of the reference to those that are seen, ``seen = G @
reference`` for columns. Its polar decomposition is a rotation and a stretch: in the image's axes
the left stretch V = G G.T to the power 1/2, in those of the crystal the right one, turned so that x
runs along a. The strain is the stretch less the identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import cell, reduce_basis

Float = NDArray[np.float64]

# Lattices that differ more, vector by vector, are those of another grain or phase.
MAX_DEPARTURE = 0.2
_STEP = 1e-6


@dataclass(frozen=True, eq=False)
class StrainMaps:
    """Strain and rotation of every lattice, NaN where there is none or another crystal.

    Parameters
    ----------
    exx, eyy, exy : ndarray
        In percent; x to the right and y down in the image, or x along the vector a.
    rotation : ndarray
        In degrees from x towards y.
    errors : ndarray, shape (4, ...) or None
        Standard errors of these four, where those of the lattices are known.
    reference : ndarray, shape (2, 2)
        The lattice that counts as not strained, vectors (x, y) in rows.
    """

    exx: Float
    eyy: Float
    exy: Float
    rotation: Float
    errors: Float | None
    reference: Float


def strain_maps(
    bases: Float,
    reference: Float,
    covariance: Float | None = None,
    *,
    lattice_axes: bool = False,
) -> StrainMaps:
    """Compare lattices with a reference.

    Parameters
    ----------
    bases : ndarray, shape (..., 2, 2)
        Any bases of the lattices, vectors (x, y) in rows; NaN where there is none.
    reference : ndarray, shape (2, 2)
        A basis of the lattice that is not strained, in the same unit and about the same
        direction.
    covariance : ndarray, shape (..., 4, 4), optional
        Of the four numbers of each basis (ax, ay, bx, by).
    lattice_axes : bool
        Give strains along and across the vector a of the reference instead of x and y.

    Returns
    -------
    StrainMaps

    Raises
    ------
    InputError
        If the reference spans no lattice.
    """
    bases = np.asarray(bases, dtype=np.float64)
    try:
        reference = reduce_basis(reference)
    except ValueError as error:
        raise InputError(f"{np.asarray(reference).tolist()} spans no lattice.") from error
    change, departure = written_alike(bases, reference)
    same = departure[..., np.newaxis, np.newaxis] < MAX_DEPARTURE
    values = _decompose(np.where(same, change @ bases, np.nan), reference, lattice_axes)
    errors = None
    if covariance is not None:
        gradient = np.empty((4, *bases.shape[:-2], 4))
        size = float(np.linalg.norm(reference[0]))
        for k in range(4):
            moved = bases.copy()
            moved[..., k // 2, k % 2] += _STEP * size
            shifted = _decompose(change @ moved, reference, lattice_axes)
            gradient[..., k] = (shifted - values) / (_STEP * size)
        variance = np.einsum("m...i,...ij,m...j->m...", gradient, covariance, gradient)
        errors = np.sqrt(np.maximum(variance, 0))
    exx, eyy, exy, rotation = values
    return StrainMaps(exx, eyy, exy, rotation, errors, reference)


def median_basis(bases: Float) -> Float:
    """Give the lattice that most of the bases (..., 2, 2) are near to.

    The median of each component over the bases that lie within a departure of 20 % of one of
    them, that which has most such neighbors among a sample.

    Raises
    ------
    InputError
        If there is no lattice at all.
    """
    flat = np.asarray(bases, dtype=np.float64).reshape(-1, 2, 2)
    flat = flat[np.isfinite(flat).all(axis=(1, 2))]
    if not len(flat):
        raise InputError("No window of the reference has a lattice; choose another region.")
    best: Float = flat[:0]
    for candidate in flat[:: max(1, len(flat) // 30)]:
        change, departure = written_alike(flat, reduce_basis(candidate))
        near = (change @ flat)[departure < MAX_DEPARTURE]
        if len(near) > len(best):
            best = near
    return np.asarray(np.median(best, axis=0))


def reference_basis(
    bases: Float, given: NDArray[Any] | tuple[float, float, float] | None = None
) -> Float:
    """Make the lattice that counts as not strained of what a user says.

    Parameters
    ----------
    bases : ndarray, shape (..., 2, 2)
        The lattices that will be compared with it.
    given : ndarray of bool, ndarray of shape (2, 2) or (float, float, float), optional
        Which of the bases (their last axes) it is the median of, a basis, or a, b and gamma of a
        cell that is turned to their median; the median of all if not given.

    Raises
    ------
    InputError
        If no basis is chosen or there is no such cell.
    """
    if given is None:
        return median_basis(bases)
    if isinstance(given, tuple):
        return _turned(given, median_basis(bases))
    if given.dtype != bool:
        return np.asarray(given, dtype=np.float64)
    shape = bases.shape[:-2]
    if given.shape != shape[len(shape) - given.ndim :]:
        raise InputError(
            f"The reference region has the shape {given.shape}, the maps have {shape}."
        )
    return median_basis(bases[np.broadcast_to(given, shape)])


def _turned(known: tuple[float, float, float], like: Float) -> Float:
    """Turn a cell (a, b, gamma) so that it is nearest to a lattice that is seen."""
    a, b, gamma = known
    if not (a > 0 and b > 0 and 0 < gamma < 180):
        raise InputError(f"There is no cell with a = {a}, b = {b}, gamma = {gamma} degrees.")
    true, like = reduce_basis(cell(a, b, gamma)), reduce_basis(like)
    best, least = true, np.inf
    for entries in product((-1, 0, 1), repeat=4):
        change = np.reshape(entries, (2, 2))
        if abs(entries[0] * entries[3] - entries[1] * entries[2]) == 1:
            left, stretch, right = np.linalg.svd(np.linalg.inv(change @ true) @ like)
            departure = float(np.abs(np.log(stretch)).max())
            if departure < least:
                best, least = change @ true @ (left @ right), departure
    return np.asarray(best)


def basis_covariance(
    basis: Float, a_error: Float, b_error: Float, gamma_error: Float, orientation_error: Float
) -> Float:
    """Make the covariance (..., 4, 4) of bases (..., 2, 2) of the errors of a, b and angles.

    Angles are in degrees. Errors are taken as independent, the angle between a and b being
    shared by both of them.
    """
    length = np.linalg.norm(basis, axis=-1)
    along = basis / length[..., np.newaxis]
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    turn = np.deg2rad(orientation_error) * length[..., 0]
    opening = np.deg2rad(np.hypot(orientation_error, gamma_error)) * length[..., 1]
    covariance = np.zeros((*basis.shape[:-2], 4, 4))
    for k, (stretch, shift) in enumerate(((a_error, turn), (b_error, opening))):
        part = stretch[..., np.newaxis, np.newaxis] ** 2 * (
            along[..., k, :, np.newaxis] * along[..., k, np.newaxis, :]
        ) + shift[..., np.newaxis, np.newaxis] ** 2 * (
            across[..., k, :, np.newaxis] * across[..., k, np.newaxis, :]
        )
        covariance[..., 2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = part
    return covariance


def written_alike(bases: Float, reference: Float) -> tuple[Float, Float]:
    """Write bases (..., 2, 2) of a lattice with vectors next to those of a reference (2, 2).

    Returns
    -------
    change : ndarray, shape (..., 2, 2)
        Whole numbers; ``change @ bases`` are the vectors. NaN where there is no lattice.
    departure : ndarray, shape (...)
        Greatest distance of a vector from that of the reference, as a share of its length; NaN
        where there is no lattice, or one whose cell is not as large.
    """
    none = np.asarray(~np.isfinite(bases).all(axis=(-2, -1)))
    safe = np.where(none[..., np.newaxis, np.newaxis], np.eye(2), bases)
    change = np.rint(reference @ np.linalg.inv(safe))
    wrong = np.asarray(none | (np.abs(np.abs(np.linalg.det(change)) - 1) > 0.5))
    change = np.where(wrong[..., np.newaxis, np.newaxis], np.nan, change)
    away = np.linalg.norm(change @ bases - reference, axis=-1)
    return change, np.asarray((away / np.linalg.norm(reference, axis=-1)).max(axis=-1))


def _decompose(bases: Float, reference: Float, lattice_axes: bool) -> Float:
    """Strains in percent and rotation in degrees, shape (4, ...)."""
    gradient = (np.linalg.inv(reference) @ bases).swapaxes(-1, -2)
    turn = np.arctan2(
        gradient[..., 1, 0] - gradient[..., 0, 1], gradient[..., 0, 0] + gradient[..., 1, 1]
    )
    c, s = np.cos(turn), np.sin(turn)
    back = np.stack([np.stack([c, s], -1), np.stack([-s, c], -1)], -2)
    if lattice_axes:
        x = reference[0] / np.linalg.norm(reference[0])
        axes = np.array([x, [-x[1], x[0]]])
        stretch = axes @ (back @ gradient) @ axes.T
    else:
        stretch = gradient @ back
    return np.stack(
        [
            100 * (stretch[..., 0, 0] - 1),
            100 * (stretch[..., 1, 1] - 1),
            50 * (stretch[..., 0, 1] + stretch[..., 1, 0]),
            np.rad2deg(turn),
        ]
    )
