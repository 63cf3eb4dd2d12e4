"""Atoms followed through a movie, and the drift of its frames taken off.

Linking is that of trackpy (Allan et al., doi:10.5281/zenodo.12708864) after Crocker and Grier,
J. Colloid Interface Sci. 179, 298 (1996): in each group of atoms that might be mistaken for each
other, the links of the least sum of squared distances.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree

from napari_lattice_symmetry.atoms.table import Atoms, spacing_of
from napari_lattice_symmetry.errors import InputError, guard

Float = NDArray[np.float64]
Integer = NDArray[np.int64]

RADIUS = 0.45
"""Spacings that an atom moves at most from frame to frame."""

GAP = 2
"""Frames in a row in which an atom may be missed."""

_REACH = 0.6  # spacings that the drift from frame to frame is looked for within
_AGREE = 0.15  # spacings within which pairs agree on a drift


def track(
    atoms: Atoms,
    radius: float | None = None,
    gap: int = GAP,
    drift: ArrayLike | None = None,
) -> Atoms:
    """Follow atoms from frame to frame.

    Parameters
    ----------
    atoms : Atoms
        Of a movie, as `find_atoms` gives them.
    radius : float, optional
        How far in pixels an atom moves at most from frame to frame, beside the drift; 0.45 of the
        spacing if not given.
    gap : int
        In how many frames in a row an atom may be missed and still be the same.
    drift : array_like, shape (T, 2), optional
        Shift of each frame (y, x) in pixels against the first; measured on the atoms if not given.

    Returns
    -------
    Atoms
        With the columns ``track`` (a number from 0 on, the same for an atom in all frames) and
        ``still_y`` and ``still_x``: the place with the drift taken off.

    Raises
    ------
    InputError
        If the radius is not positive, the gap is negative, the drift has another shape, or atoms
        lie so close to each other that they cannot be told apart within the radius.

    Notes
    -----
    Where frames show nothing but a lattice, a drift is known up to a lattice vector: the smallest
    that most atoms agree on is taken, so that it has to stay below half a spacing from one frame to
    the next.

    Examples
    --------
    >>> y, x = [10, 30, 11, 31], [10, 10, 12, 12]
    >>> atoms = nls.atoms.Atoms.at(y, x, frame=[0, 0, 1, 1], spacing=20)
    >>> nls.atoms.track(atoms).more["track"].tolist()
    [0, 1, 0, 1]
    """
    reach = RADIUS * spacing_of(atoms) if radius is None else radius
    if not 0 < reach < np.inf:
        raise InputError(f"A radius of {reach:g} px follows no atom; it must be positive.")
    if gap < 0:
        raise InputError(f"A gap of {gap} frames cannot be; it must be 0 or more.")
    shifts = measure_drift(atoms) if drift is None else _checked(drift, atoms)
    still = atoms.positions - shifts[atoms.frame]
    with guard(f"{atoms.name} cannot be tracked", InputError, advice="choose a smaller radius"):
        numbers = link(still, atoms.frame, reach, gap)
    return atoms.with_columns(track=numbers, still_y=still[:, 0], still_x=still[:, 1])


def measure_drift(atoms: Atoms) -> Float:
    """Measure how far each frame is shifted against the first one with atoms.

    Parameters
    ----------
    atoms : Atoms
        Of a movie.

    Returns
    -------
    ndarray, shape (T, 2)
        y and x in pixels for each frame up to the last with atoms; a frame without atoms has the
        shift of the one before.
    """
    count = int(atoms.frame.max()) + 1 if len(atoms) else 0
    shifts = np.zeros((count, 2))
    filled = np.unique(atoms.frame).tolist()
    if len(filled) < 2:
        return shifts
    spacing = spacing_of(atoms)
    steps = np.zeros((count, 2))
    for before, after in pairwise(filled):
        first, second = (atoms.positions[atoms.frame == each] for each in (before, after))
        steps[after] = _step(first, second, spacing)
    return np.cumsum(steps, axis=0)


def _step(first: Float, second: Float, spacing: float) -> Float:
    """Return the shift that most pairs of two frames agree on."""
    near = KDTree(first).sparse_distance_matrix(
        KDTree(second), _REACH * spacing, output_type="coo_matrix"
    )
    apart = second[near.col] - first[near.row]
    if not len(apart):
        return np.zeros(2)
    agreeing = KDTree(apart).query_ball_point(apart, _AGREE * spacing, return_length=True)
    best = np.flatnonzero(agreeing == agreeing.max())
    shift = apart[best[np.linalg.norm(apart[best], axis=1).argmin()]]
    for _ in range(3):
        shift = apart[np.linalg.norm(apart - shift, axis=1) <= _AGREE * spacing].mean(axis=0)
    return np.asarray(shift)


def link(places: Float, frame: Integer, radius: float, gap: int) -> Integer:
    """Return numbers of points, the same for the same one in all frames.

    Parameters
    ----------
    places : ndarray, shape (n, 2)
        Without drift.
    frame : ndarray of int, shape (n,)
        Of each point.
    radius : float
        How far it moves at most from frame to frame.
    gap : int
        Frames in a row in which it may be missing.

    Returns
    -------
    ndarray of int, shape (n,)
        From 0 on, in the order in which they appear.
    """
    numbers = np.full(len(places), -1, np.int64)
    if not len(places):
        return numbers
    from trackpy import quiet
    from trackpy.linking import link_iter

    quiet()
    rows = [np.flatnonzero(frame == each) for each in range(frame.min(), frame.max() + 1)]

    def frames() -> Iterator[tuple[int, Float]]:
        for number, some in enumerate(rows):
            yield number, places[some]

    for number, found in link_iter(frames(), search_range=radius, memory=gap):
        numbers[rows[number]] = found
    return numbers


def _checked(drift: ArrayLike, atoms: Atoms) -> Float:
    shifts = np.asarray(drift, dtype=np.float64)
    count = int(atoms.frame.max()) + 1 if len(atoms) else 0
    if shifts.ndim != 2 or shifts.shape[1] != 2 or len(shifts) < count:
        raise InputError(
            f"A drift of shape {shifts.shape} is not that of {count} frames; it should be "
            f"({count}, 2), y before x in pixels."
        )
    if not np.isfinite(shifts[atoms.frame]).all():
        raise InputError("The drift is not known in all frames with atoms; leave the others out.")
    return shifts
