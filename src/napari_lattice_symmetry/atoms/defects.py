"""Defects: atoms against the lattice that they have in common.

Every atom says where others have to be: a lattice vector away. A place that most of them agree on,
and where there is none, is a vacancy; an atom that none of them expected is an extra one. Atoms a
lattice vector apart are of one sublattice, whatever the motif, so that they are also to be alike in
brightness and to lie where the others put them. All of it is local: strain and drift of the scan
move neighbors along.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import KDTree
from scipy.special import ndtr

from napari_lattice_symmetry.atoms.defect_table import (
    BRIGHTER,
    DIMMER,
    DISPLACED,
    EXTRA,
    MISSING,
    Defects,
)
from napari_lattice_symmetry.atoms.finding.scaling import fill_gaps
from napari_lattice_symmetry.atoms.table import Atoms
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import reduce_basis

Float = NDArray[np.float64]
Integer = NDArray[np.intp]

_SAME = 0.35  # spacings within which an atom is where it is expected
_ELSEWHERE = 0.5  # spacings within which of an empty place there is no atom
_REACH = 6.0  # spacings over which vectors between atoms are looked at
_SHARED = 0.6  # share of the atoms that a lattice vector takes to another
_UNLIKE = -0.2  # correlation of brightness below which atoms are not of one sublattice
_VECTORS = 1.8  # lengths of the longer lattice vector up to which others are asked
_AGREEING, _LEAST = 0.6, 4  # share and number of those asked that have to expect an atom
_LONELY = 0.25  # share of the expected partners below which an atom is an extra one
_DOUBT = 2.5  # standard deviations at which what is told is as likely as not
_SURE = 4.5  # and those from which a displacement or a brightness is told
_MIN_ATOMS = 12
_DISC = 0.16  # standard deviation of the spot over which gray values are averaged, in spacings


@dataclass(frozen=True, eq=False)
class LatticeOfAtoms:
    """The atoms of one frame, and its gray values averaged over spots."""

    places: Float
    gray: Float
    spacing: float
    basis: Float | None

    @cached_property
    def vectors(self) -> Float:
        """Lattice vectors (n, 2) up to a length; none where the atoms have no common lattice."""
        return np.empty((0, 2)) if self.basis is None else _vectors_of(self.basis)

    def brightness(self, places: Float) -> Float:
        """Give the gray value at places (n, 2)."""
        return _gray_at(self.gray, places)

    def inside(self, places: Float) -> NDArray[np.bool_]:
        """Tell which places (..., 2) lie in the frame, off its border."""
        edge = 0.3 * self.spacing
        limits = np.array(self.gray.shape) - 1 - edge
        return np.asarray(((places >= edge) & (places <= limits)).all(axis=-1))


def _gray_at(gray: Float, places: Float) -> Float:
    return np.asarray(map_coordinates(gray, places.T, order=1, mode="nearest"))


def frame_of(movie: Movie, atoms: Atoms, number: int) -> LatticeOfAtoms:
    """Return the atoms of a frame with what they have in common.

    Raises
    ------
    InputError
        If the movie has no such frame.
    """
    check_frame(movie, atoms, number)
    spacing = spacing_of(atoms)
    gray = gaussian_filter(fill_gaps(movie.frame(number)), max(_DISC * spacing, 0.5))
    places, basis = atoms.positions, None
    if len(places) >= _MIN_ATOMS:
        basis = common_basis(places, spacing, _gray_at(gray, places))
    return LatticeOfAtoms(places, gray, spacing, basis)


def check_frame(movie: Movie, atoms: Atoms, number: int) -> None:
    """Check that a movie has the frame in which atoms were found.

    Raises
    ------
    InputError
        If it has not.
    """
    if number >= len(movie):
        raise InputError(
            f"{atoms.name} has atoms in frame {number}, and {movie.name} has {len(movie)} "
            "frames; give the movie in which they were found."
        )


def spacing_of(atoms: Atoms) -> float:
    """Give the distance of neighbors in pixels, as it was told or as it is."""
    return atoms.spacing or float(np.nanmedian(atoms.neighbor))


def of_sublattice(seen: LatticeOfAtoms, values: Float) -> Float:
    """Give the median of values over each atom and those a lattice vector away, shape (n,)."""
    if not len(seen.vectors):
        return values
    partners = _partners(seen, seen.places)
    others = np.where(partners >= 0, values[partners], np.nan)
    return _medians(np.column_stack([values, others]))


def lattice_of(movie: Movie, atoms: Atoms, number: int) -> LatticeOfAtoms:
    """Return the atoms of a frame, which have a common lattice.

    Raises
    ------
    InputError
        If they are too few, or have none.
    """
    if len(atoms) < _MIN_ATOMS:
        raise InputError(
            f"{movie.name}: {len(atoms)} atoms in frame {number} are too few to tell a lattice; "
            f"{_MIN_ATOMS} are needed."
        )
    seen = frame_of(movie, atoms, number)
    if not len(seen.vectors):
        raise InputError(
            f"{movie.name}: the atoms of frame {number} lie on no common lattice, against which "
            "defects are told; give a part of the frame within one grain."
        )
    return seen


def lattice_defects(movie: Movie, atoms: Atoms, number: int) -> Defects:
    """List the atoms of a frame that depart from their lattice, and the places without one.

    Parameters
    ----------
    movie : Movie
        Where they were found.
    atoms : Atoms
        Of one frame.
    number : int
        Of the frame.

    Raises
    ------
    InputError
        As by `lattice_of`.
    """
    seen = lattice_of(movie, atoms, number)
    rows = [*_missing(seen), *_present(seen)]
    if not rows:
        return Defects.at([], [], [])
    kind, y, x, confidence = zip(*rows, strict=True)
    return Defects.at(kind, y, x, confidence, np.full(len(rows), number))


def common_basis(places: Float, spacing: float, brightness: Float) -> Float | None:
    """Return two shortest vectors that take most atoms to atoms, shape (2, 2) of y and x.

    Parameters
    ----------
    places : ndarray, shape (n, 2)
        y and x of atoms in pixels.
    spacing : float
        Of neighbors in pixels.
    brightness : ndarray, shape (n,)
        Of the atoms: a vector from bright ones to dim ones is none.

    Returns
    -------
    ndarray or None
        None where there are none.
    """
    tree = KDTree(places)
    pairs = tree.query_pairs(_REACH * spacing, output_type="ndarray")
    apart = places[pairs[:, 1]] - places[pairs[:, 0]]
    apart = np.concatenate([apart, -apart])
    near = KDTree(apart)
    # Only differences of atoms in the middle are asked, all of whose partners are there.
    candidates = _ordered(apart[(apart[:, 0] > 0) | ((apart[:, 0] == 0) & (apart[:, 1] > 0))])
    found: list[Float] = []
    low, high = places.min(axis=0), places.max(axis=0)
    for start in candidates[:: max(1, len(candidates) // 3000)]:
        if any(np.linalg.norm(start - each) < _SAME * spacing for each in found):
            continue
        vector = apart[np.array(near.query_ball_point(start, 0.25 * spacing))].mean(axis=0)
        able = ((places + vector >= low) & (places + vector <= high)).all(axis=1)
        distance, partner = tree.query(places[able] + vector)
        here = np.asarray(distance) < _SAME * spacing
        if here.sum() < _MIN_ATOMS / 2 or here.mean() < _SHARED:
            continue
        pairs = np.stack([brightness[able][here], brightness[np.asarray(partner)[here]]])
        if (pairs.std(axis=1) > 0).all() and np.corrcoef(pairs)[0, 1] < _UNLIKE:
            continue
        if not found:
            found.append(vector)
        elif abs(np.linalg.det([found[0], vector])) > 0.3 * np.linalg.norm(found[0]) * spacing:
            return reduce_basis(np.stack([found[0], vector]))
    return None


def _ordered(vectors: Float) -> Float:
    return vectors[np.argsort(np.linalg.norm(vectors, axis=1))]


def _vectors_of(basis: Float) -> Float:
    """List lattice vectors up to a length."""
    steps = np.array([each for each in product(range(-3, 4), repeat=2) if any(each)])
    vectors = steps @ basis
    longest = np.linalg.norm(basis, axis=1).max()
    return np.asarray(vectors[np.linalg.norm(vectors, axis=1) <= _VECTORS * longest])


def _missing(seen: LatticeOfAtoms) -> list[tuple[str, float, float, float]]:
    """List the places where atoms agree that there has to be one."""
    expected = (seen.places[:, np.newaxis] + seen.vectors).reshape(-1, 2)
    expected = expected[seen.inside(expected)]
    distance, _ = KDTree(seen.places).query(expected)
    expected = expected[distance > _SAME * seen.spacing]
    tree, taken = KDTree(expected), np.zeros(len(expected), bool)
    groups: list[list[int]] = tree.query_ball_point(expected, _SAME * seen.spacing).tolist()  # type: ignore[union-attr]
    found = []
    for index in np.argsort([-len(group) for group in groups]):
        if taken[index]:
            continue
        place = expected[groups[index]].mean(axis=0)
        taken[tree.query_ball_point(place, 2 * _SAME * seen.spacing)] = True
        place, nearest = _settled(seen, place)
        if nearest < _ELSEWHERE * seen.spacing:
            continue
        asked = seen.inside(place - seen.vectors)
        partners = _partners(seen, place[np.newaxis])[0]
        here = partners >= 0
        if here.sum() < _LEAST or here.sum() < _AGREEING * asked.sum():
            continue
        others = seen.brightness(seen.places[partners[here]])
        spread = max(1.48 * float(np.median(np.abs(others - np.median(others)))), 1e-9)
        lack = (np.median(others) - seen.brightness(place[np.newaxis])[0]) / spread
        if lack > _DOUBT:
            found.append((MISSING, *place.tolist(), float(ndtr(lack - _DOUBT))))
    return found


def _settled(seen: LatticeOfAtoms, place: Float) -> tuple[Float, float]:
    """Give the mean of all that expect an atom about there, and how far the nearest atom is.

    Those on opposite sides are wrong in opposite ways where the lattice is strained.
    """
    tree = KDTree(seen.places)
    distance, index = tree.query(place - seen.vectors)
    near = np.asarray(distance) < 2 * _SAME * seen.spacing
    place = (seen.places[np.asarray(index)[near]] + seen.vectors[near]).mean(axis=0)
    return place, float(tree.query(place)[0])


def _partners(seen: LatticeOfAtoms, places: Float) -> Integer:
    """Give the atom a lattice vector before each place, (n, vectors); -1 where there is none."""
    distance, index = KDTree(seen.places).query(places[:, np.newaxis] - seen.vectors)
    return np.where(distance < _SAME * seen.spacing, index, -1)


def _present(seen: LatticeOfAtoms) -> list[tuple[str, float, float, float]]:
    """List atoms that nobody expects, that are displaced, or of another brightness."""
    partners = _partners(seen, seen.places)
    here = partners >= 0
    asked = seen.inside(seen.places[:, np.newaxis] - seen.vectors)
    share = here.sum(axis=1) / np.maximum(asked.sum(axis=1), 1)
    enough = (asked.sum(axis=1) >= _LEAST) & seen.inside(seen.places)
    crowd = _shares_around(seen, share)
    found = [
        (EXTRA, *seen.places[i].tolist(), float(crowd[i] - share[i]))
        for i in np.flatnonzero(enough & (share < _LONELY) & (crowd > _AGREEING))
    ]
    known = enough & (here.sum(axis=1) >= _LEAST) & (share >= 0.5)
    away = np.where(
        here[..., np.newaxis],
        seen.places[:, np.newaxis] - seen.vectors - seen.places[partners],
        np.nan,
    )
    gray = np.where(here, seen.brightness(seen.places)[partners], np.nan)
    off, usual = _medians(away), _medians(gray)
    distance = np.hypot(*off.T)
    scale = np.median(distance[known]) / 1.18 if known.any() else np.nan  # of a Rayleigh law
    far = known & (distance / scale > _SURE) & (distance > 0.1 * seen.spacing)
    found += [
        (DISPLACED, *seen.places[i].tolist(), float(ndtr(distance[i] / scale - _SURE + 1)))
        for i in np.flatnonzero(far)
    ]
    excess = seen.brightness(seen.places) - usual
    spread = 1.48 * _medians(np.abs(gray - usual[:, np.newaxis]))
    spread = np.maximum(spread, 0.7 * np.median(spread[known]) if known.any() else np.nan)
    for i in np.flatnonzero(known & (np.abs(excess) > _SURE * spread)):
        sure = float(ndtr(abs(excess[i]) / spread[i] - _SURE + 1))
        kind = BRIGHTER if excess[i] > 0 else DIMMER
        found.append((kind, *seen.places[i].tolist(), sure))
    return found


def _medians(values: Float) -> Float:
    """Give medians along the axis 1, leaving out NaN; NaN where there is nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of rows without a number
        return np.asarray(np.nanmedian(values, axis=1))


def _shares_around(seen: LatticeOfAtoms, share: Float) -> Float:
    """Give the median share of the nearest atoms that are where others expect them."""
    k = min(7, len(seen.places))
    _, index = KDTree(seen.places).query(seen.places, k=k)
    return np.asarray(np.median(share[np.asarray(index)[:, 1:]], axis=1))
