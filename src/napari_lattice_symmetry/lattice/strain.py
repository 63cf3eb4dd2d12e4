"""Strain and rotation of lattices against a reference.

The deformation gradient G takes the vectors of the reference to those that are seen, ``seen = G @
reference`` for columns. Its polar decomposition is a rotation and a stretch: in the image's axes
the left stretch V = G G.T to the power 1/2, in those of the crystal the right one, turned so that x
runs along a. The strain is the stretch less the identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def strain_errors(bases: Float, covariance: Float) -> Float:
    """Return standard errors in percent of strains along x, y and the diagonal between.

    Components of reciprocal vectors err by themselves, so that three numbers say what the
    covariance of a basis does; they hardly depend on what strains are measured against.

    Parameters
    ----------
    bases : ndarray, shape (..., 2, 2)
        Vectors (x, y) in rows.
    covariance : ndarray, shape (..., 4, 4)
        Of ax, ay, bx, by.

    Returns
    -------
    ndarray, shape (3, ...)
    """
    none = np.asarray(~np.isfinite(bases).all(axis=(-2, -1), keepdims=True))
    inverse = np.linalg.inv(np.where(none, np.eye(2), bases))
    paired = covariance.reshape(*bases.shape, 2, 2)
    of_strain = np.einsum("...pi,...pk,...ixky->...xy", inverse, inverse, paired) / 2
    xx, yy, xy = of_strain[..., 0, 0], of_strain[..., 1, 1], of_strain[..., 0, 1]
    return np.asarray(100 * np.sqrt(np.stack([xx, yy, (xx + yy) / 2 + xy])))


def covariance_of(bases: Float, errors: Float, distortion: Float | None = None) -> Float:
    """Return the covariance of bases of which the strain errors (3, ...) are known.

    Parameters
    ----------
    bases, errors
        As in `strain_errors`.
    distortion : ndarray, shape (2, 2), optional
        What was undone of the image, in whose pixels noise is even.

    Returns
    -------
    ndarray, shape (..., 4, 4)
    """
    xx, yy, diagonal = np.square(np.asarray(errors, dtype=np.float64) / 100)
    xy = diagonal - (xx + yy) / 2
    of_strain = np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)
    seen = bases if distortion is None else bases @ distortion.T
    share = 1.0 if distortion is None else 2 / np.square(distortion).sum()
    gram = share * seen @ seen.swapaxes(-1, -2)
    paired = np.einsum("...ik,...xy->...ixky", gram, of_strain)
    return np.asarray(paired.reshape(*bases.shape[:-2], 4, 4))


def median_basis(bases: Float) -> Float:
    """Return the lattice that most of the bases (..., 2, 2) are near to.

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


def reference_basis(bases: Float, given: ArrayLike | None = None) -> Float:
    """Make the lattice that counts as not strained of what a user says.

    Parameters
    ----------
    bases : ndarray, shape (..., 2, 2)
        The lattices that will be compared with it.
    given : array_like of bool, of shape (2, 2) or of shape (3,), optional
        Which of the bases (their last axes) it is the median of, a basis, or a, b and gamma of a
        cell that is turned to their median; the median of all if not given.

    Raises
    ------
    InputError
        If no basis is chosen or there is no such cell.
    """
    if given is None:
        return median_basis(bases)
    try:
        chosen = np.asarray(given)
        values = chosen.astype(np.float64)
    except (TypeError, ValueError):
        chosen = values = np.empty(0)
    if chosen.dtype != bool:
        if values.shape == (3,):
            return _turned(values, median_basis(bases))
        if values.shape != (2, 2):
            raise InputError(
                f"{given!r} is no reference: give a region, a basis, or a, b and gamma of a cell."
            )
        return values
    shape = bases.shape[:-2]
    if chosen.shape != shape[len(shape) - chosen.ndim :]:
        raise InputError(
            f"The reference region has the shape {chosen.shape}, the windows have {shape}."
        )
    return median_basis(bases[np.broadcast_to(chosen, shape)])


def known_cell(known: ArrayLike) -> Float:
    """Make the reduced basis of a cell of which a, b and gamma (degrees) are given.

    Raises
    ------
    InputError
        If these are not three numbers, or span no lattice.
    """
    try:
        a, b, gamma = np.asarray(known, dtype=np.float64).tolist()
    except (TypeError, ValueError) as error:
        raise InputError(f"{known!r} is no cell: give a, b and gamma in degrees.") from error
    try:
        if not (0 < a < np.inf and 0 < b < np.inf and 0 < gamma < 180):
            raise ValueError
        return reduce_basis(cell(a, b, gamma))
    except ValueError as error:
        raise InputError(
            f"There is no cell with a = {a:g}, b = {b:g}, gamma = {gamma:g} degrees."
        ) from error


def _turned(known: ArrayLike, like: Float) -> Float:
    """Turn a cell (a, b, gamma) so that it is nearest to a lattice that is seen."""
    true, like = known_cell(known), reduce_basis(like)
    best, least = true, np.inf
    for entries in product((-1, 0, 1), repeat=4):
        change = np.reshape(entries, (2, 2))
        if abs(entries[0] * entries[3] - entries[1] * entries[2]) == 1:
            left, stretch, right = np.linalg.svd(np.linalg.inv(change @ true) @ like)
            departure = float(np.abs(np.log(stretch)).max())
            if departure < least:
                best, least = change @ true @ (left @ right), departure
    return np.asarray(best)


def written_alike(bases: Float, reference: Float) -> tuple[Float, Float]:
    """Write bases (..., 2, 2) of a lattice with vectors next to those of a reference, or of each.

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
