"""What drift and a skewed scan did to a lattice that is known, and how to undo it.

A distortion is a (2, 2) matrix D for positions (x, y) as columns, ``seen = D @ true``. For
bases, whose vectors are rows, ``seen = true @ D.T``; for spatial frequencies,
``seen = inv(D).T @ true``.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import cell, reduce_basis

Matrix = NDArray[np.float64]

_KNOWN = {"square": (1.0, 1.0, 90.0), "hexagonal": (1.0, 1.0, 60.0)}
_CHANGES = [
    np.reshape(entries, (2, 2))
    for entries in product((-1, 0, 1), repeat=4)
    if abs(entries[0] * entries[3] - entries[1] * entries[2]) == 1
]


def solve_distortion(basis: Matrix, known: str | tuple[float, float, float]) -> Matrix:
    """Find the distortion that made a known lattice look like `basis`.

    Four numbers are seen, but a lattice may lie in any direction, so that a turn of the whole
    image cannot be told: the symmetric matrix is given, which stretches along two
    perpendicular axes and turns nothing. Of the ways to match the two lattices vector by
    vector it is the one of least stretch.

    Parameters
    ----------
    basis : ndarray, shape (2, 2)
        The lattice as it is seen, two vectors (x, y) in rows.
    known : {"square", "hexagonal"} or (float, float, float)
        The true lattice: by its name, when its size is taken from the image so that areas are
        kept; or a and b in the unit of `basis` and gamma in degrees.

    Returns
    -------
    ndarray, shape (2, 2)
        Symmetric, positive matrix D, ``seen = D @ true``; its determinant is 1 if `known` is a
        name.

    Raises
    ------
    InputError
        If `known` is no such name or no cell, or `basis` spans no lattice.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> seen = np.array([[1.0, 0.0], [0.5, 0.8]])  # of a hexagonal crystal, squeezed along y
    >>> distortion = nls.solve_distortion(seen, "hexagonal")
    >>> distortion.round(3) + 0
    array([[1.04 , 0.   ],
           [0.   , 0.961]])
    >>> nls.correct_basis(seen, distortion).round(3) + 0
    array([[0.961, 0.   ],
           [0.481, 0.832]])
    """
    try:
        seen = reduce_basis(basis)
    except ValueError as error:
        raise InputError(f"The basis {np.asarray(basis).tolist()} spans no lattice.") from error
    true = _true_basis(known)
    if isinstance(known, str):
        true = true * np.sqrt(abs(np.linalg.det(seen) / np.linalg.det(true)))
    # seen.T = D @ R @ true.T for a rotation R, and D is the left factor of a polar decomposition.
    matches = [(np.linalg.inv(change @ true) @ seen).T for change in _CHANGES]
    stretches = [_left_stretch(match) for match in matches if np.linalg.det(match) > 0]
    return min(stretches, key=np.linalg.cond)


def correct_basis(basis: Matrix, distortion: Matrix) -> Matrix:
    """Undo a distortion of bases.

    Parameters
    ----------
    basis : ndarray, shape (..., 2, 2)
        Lattice vectors (x, y) in rows, as the image shows them.
    distortion : ndarray, shape (2, 2)
        As of `solve_distortion`: ``seen = distortion @ true``.

    Returns
    -------
    ndarray, shape (..., 2, 2), float64
        Those of the crystal, in the same unit.
    """
    return np.asarray(basis @ np.linalg.inv(distortion).T)


def pixel_distortion(pixel_size: tuple[float, float]) -> Matrix:
    """Return the distortion of an image whose pixels are not square, areas kept.

    Parameters
    ----------
    pixel_size : (float, float)
        Size of a pixel along y and x.
    """
    y, x = pixel_size
    return np.diag(np.sqrt([y / x, x / y]))


def seen_distortion(given: ArrayLike | None, pixel_size: tuple[float, float]) -> Matrix | None:
    """Return the distortion of an image: what was measured, else that of pixels not square.

    Parameters
    ----------
    given : array_like, shape (2, 2), optional
        What was measured, in which pixels that are not square are contained.
    pixel_size : (float, float)
        Size of a pixel along y and x.
    """
    if given is not None:
        return np.array(given, dtype=np.float64)
    y, x = pixel_size
    return None if np.isclose(y, x, rtol=1e-4) else pixel_distortion(pixel_size)


def describe_stretch(distortion: Matrix) -> tuple[float, float]:
    """Return how a distortion stretches an image.

    Returns
    -------
    (float, float)
        How much more along one direction than across it, and that direction in degrees from x
        towards y, 0 to 180.
    """
    directions, stretch, _ = np.linalg.svd(distortion)
    x, y = directions[:, 0]
    return float(stretch[0] / stretch[1]), float(np.rad2deg(np.arctan2(y, x)) % 180)


def _true_basis(known: str | tuple[float, float, float]) -> Matrix:
    if isinstance(known, str):
        if known not in _KNOWN:
            raise InputError(
                f"{known!r} does not fix a lattice; give 'square', 'hexagonal' or (a, b, gamma)."
            )
        known = _KNOWN[known]
    a, b, gamma = known
    if not (a > 0 and b > 0 and 0 < gamma < 180):
        raise InputError(f"There is no cell with a = {a}, b = {b}, gamma = {gamma} degrees.")
    return reduce_basis(cell(a, b, gamma))


def _left_stretch(matrix: Matrix) -> Matrix:
    """Symmetric factor V of the polar decomposition ``matrix = V @ rotation``."""
    u, stretch, _ = np.linalg.svd(matrix)
    return np.asarray(u * stretch @ u.T)
