"""Defects: atoms against the lattice that they have in common.

Every atom says where others have to be: a lattice vector away. A place that most of them agree on,
and where there is none, is a vacancy; an atom that none of them expected is an extra one. Atoms a
lattice vector apart are of one sublattice, whatever the motif, so that they are also to be alike in
brightness and to lie where the others put them. All of it is local: strain and drift of the scan
move neighbors along.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import KDTree
from scipy.special import ndtr

from napari_lattice_symmetry.atoms.common_lattice import MIN_ATOMS, SAME, common_basis
from napari_lattice_symmetry.atoms.defect_table import (
    BRIGHTER,
    DIMMER,
    DISPLACED,
    EXTRA,
    MISSING,
    Defects,
)
from napari_lattice_symmetry.atoms.finding.scaling import fill_gaps
from napari_lattice_symmetry.atoms.grain_parts import GrainPart, parts_of
from napari_lattice_symmetry.atoms.table import Atoms, spacing_of
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError

Float = NDArray[np.float64]
Integer = NDArray[np.intp]

_ELSEWHERE = 0.5  # spacings within which of an empty place there is no atom
_VECTORS = 1.8  # lengths of the longer lattice vector up to which others are asked
_AGREEING, _MIN_VOTES = 0.6, 4  # share and number of those asked that have to expect an atom
_LONELY = 0.25  # share of the expected partners below which an atom is an extra one
_DOUBT = 2.5  # standard deviations at which what is told is as likely as not
_SURE = 4.5  # and those from which a displacement or a brightness is told
_EMPTY = 0.25  # share of the height of others below which a site is rather empty than half filled
_EMPTIED = 3.0  # and standard deviations that it lacks, if an atom was told there
_DIRECTIONS = 12  # in which surroundings are looked at
_DISC = 0.16  # standard deviation of the spot over which gray values are averaged, in spacings
_APART = 2.0  # spacings by which a place is nearer to its grain than to others, to be judged by it
_CROWDED = 0.8  # share of the usual neighbors from which on an atom is at no edge


@dataclass(frozen=True, eq=False)
class LatticeOfAtoms:
    """The atoms of one frame, or of a grain of it, and its gray values averaged over spots."""

    places: Float
    gray: Float
    spacing: float
    basis: Float | None
    part: GrainPart | None = None

    @cached_property
    def vectors(self) -> Float:
        """Lattice vectors (n, 2) up to a length; none where the atoms have no common lattice."""
        return np.empty((0, 2)) if self.basis is None else _vectors_of(self.basis)

    def brightness(self, places: Float) -> Float:
        """Return the gray value at places (n, 2)."""
        return _gray_at(self.gray, places)

    def inside(self, places: Float) -> NDArray[np.bool_]:
        """Return which places (..., 2) lie in the frame, off its border, and in no other grain."""
        edge = 0.3 * self.spacing
        limits = np.array(self.gray.shape) - 1 - edge
        within = np.asarray(((places >= edge) & (places <= limits)).all(axis=-1))
        if self.part is None:
            return within
        return within & self.part.holds(places, _APART * self.spacing)


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
    if len(places) >= MIN_ATOMS:
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


def of_sublattice(seen: LatticeOfAtoms, values: Float) -> Float:
    """Return the median of values over each atom and those a lattice vector away, shape (n,)."""
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
    if len(atoms) < MIN_ATOMS:
        raise InputError(
            f"{movie.name}: {len(atoms)} atoms in frame {number} are too few to tell a lattice; "
            f"{MIN_ATOMS} are needed."
        )
    seen = frame_of(movie, atoms, number)
    if not len(seen.vectors):
        raise InputError(
            f"{movie.name}: the atoms of frame {number} lie on no common lattice, against which "
            "defects are told; tell its grains apart first, or give a part within one grain."
        )
    return seen


@dataclass(frozen=True)
class Unjudged:
    """Atoms of a frame that were held against no lattice.

    Parameters
    ----------
    between : int
        Those between grains.
    strange : int
        Those around which most are elsewhere than the lattice has them, where no grains were told
        apart.
    grains : tuple of int
        Grains that are too small for a lattice, or have none.
    """

    between: int = 0
    strange: int = 0
    grains: tuple[int, ...] = ()


def lattice_defects(movie: Movie, atoms: Atoms, number: int) -> tuple[Defects, Unjudged]:
    """List the atoms of a frame that depart from their lattice, and the places without one.

    Parameters
    ----------
    movie : Movie
        Where they were found.
    atoms : Atoms
        Of one frame; with the column ``grain``, each grain has its own lattice.
    number : int
        Of the frame.

    Raises
    ------
    InputError
        As by `lattice_of`; of grains, if none has a lattice.
    """
    parts = parts_of(atoms)
    if len(parts) < 2:
        seen = lattice_of(movie, atoms, number)
        return _judged([seen], number), Unjudged(strange=_count_strange(seen))
    lattices, left_out = [], []
    for part in parts:
        # Half the margin, so that no atom is left out that a place to be judged may hold.
        near = part.holds(atoms.positions, 0.5 * _APART * spacing_of(atoms))
        seen = frame_of(movie, atoms[near], number)
        if len(seen.vectors):
            lattices.append(replace(seen, part=part))
        else:
            left_out.append(part.number)
    if not lattices:
        raise InputError(
            f"{movie.name}: none of the {len(parts)} grains of frame {number} has a lattice, "
            f"against which defects are told; {MIN_ATOMS} atoms of each are needed."
        )
    judged = np.zeros(len(atoms), bool)
    for part in parts:
        judged |= part.holds(atoms.positions, _APART * spacing_of(atoms))
    return _judged(lattices, number), Unjudged(int((~judged).sum()), grains=tuple(left_out))


def _judged(lattices: list[LatticeOfAtoms], number: int) -> Defects:
    rows = [row for seen in lattices for row in (*_missing(seen), *_present(seen))]
    if not rows:
        return Defects.at([], [], [])
    kind, y, x, confidence = zip(*rows, strict=True)
    return Defects.at(kind, y, x, confidence, np.full(len(rows), number))


def _count_strange(seen: LatticeOfAtoms) -> int:
    """Count atoms in the midst of others that lie on another lattice, or on none.

    Fewer than a lattice needs are none.
    """
    partners, asked = _partners(seen, seen.places) >= 0, _asked(seen)
    crowd = _shares_around(seen, partners.sum(axis=1) / np.maximum(asked, 1))
    around = KDTree(seen.places).query_ball_point(
        seen.places, 2.5 * seen.spacing, return_length=True
    )
    inner = seen.inside(seen.places) & (around >= _CROWDED * np.median(around))
    count = int((inner & (asked >= _MIN_VOTES) & (crowd < _AGREEING)).sum())
    return count if count >= MIN_ATOMS else 0


def _asked(seen: LatticeOfAtoms) -> Integer:
    """Count the places in the frame a lattice vector before each atom, (n,)."""
    return np.asarray(seen.inside(seen.places[:, np.newaxis] - seen.vectors).sum(axis=1))


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
    expected = expected[distance > SAME * seen.spacing]
    tree, taken = KDTree(expected), np.zeros(len(expected), bool)
    groups: list[list[int]] = tree.query_ball_point(expected, SAME * seen.spacing).tolist()  # type: ignore[union-attr]
    found = []
    for index in np.argsort([-len(group) for group in groups]):
        if taken[index]:
            continue
        place = expected[groups[index]].mean(axis=0)
        taken[tree.query_ball_point(place, 2 * SAME * seen.spacing)] = True
        place, nearest = _settled(seen, place)
        if nearest < _ELSEWHERE * seen.spacing:
            continue
        asked = seen.inside(place - seen.vectors)
        partners = _partners(seen, place[np.newaxis])[0]
        here = partners >= 0
        if here.sum() < _MIN_VOTES or here.sum() < _AGREEING * asked.sum():
            continue
        others = seen.brightness(seen.places[partners[here]])
        spread = max(1.48 * float(np.median(np.abs(others - np.median(others)))), 1e-9)
        lack = (np.median(others) - seen.brightness(place[np.newaxis])[0]) / spread
        if lack > _DOUBT:
            found.append((MISSING, *place.tolist(), float(ndtr(lack - _DOUBT))))
    return found


def _settled(seen: LatticeOfAtoms, place: Float) -> tuple[Float, float]:
    """Return the mean of all that expect an atom about there, and how far the nearest atom is.

    Those on opposite sides are wrong in opposite ways where the lattice is strained.
    """
    tree = KDTree(seen.places)
    distance, index = tree.query(place - seen.vectors)
    near = np.asarray(distance) < 2 * SAME * seen.spacing
    place = (seen.places[np.asarray(index)[near]] + seen.vectors[near]).mean(axis=0)
    return place, float(tree.query(place)[0])


def _partners(seen: LatticeOfAtoms, places: Float) -> Integer:
    """Return the atom a lattice vector before each place, (n, vectors); -1 where there is none."""
    distance, index = KDTree(seen.places).query(places[:, np.newaxis] - seen.vectors)
    return np.where(distance < SAME * seen.spacing, index, -1)


def _present(seen: LatticeOfAtoms) -> list[tuple[str, float, float, float]]:
    """List atoms that nobody expects, that are displaced, or of another brightness."""
    partners = _partners(seen, seen.places)
    here = partners >= 0
    asked = _asked(seen)
    share = here.sum(axis=1) / np.maximum(asked, 1)
    enough = (asked >= _MIN_VOTES) & seen.inside(seen.places)
    crowd = _shares_around(seen, share)
    found = [
        (EXTRA, *seen.places[i].tolist(), float(crowd[i] - share[i]))
        for i in np.flatnonzero(enough & (share < _LONELY) & (crowd > _AGREEING))
    ]
    known = enough & (here.sum(axis=1) >= _MIN_VOTES) & (share >= 0.5)
    away = np.where(
        here[..., np.newaxis],
        seen.places[:, np.newaxis] - seen.vectors - seen.places[partners],
        np.nan,
    )
    gray = np.where(here, seen.brightness(seen.places)[partners], np.nan)
    off, usual = _medians(away), _medians(gray)
    distance = np.hypot(*off.T)
    scale = np.median(distance[known]) / 1.18 if known.any() else np.nan  # of a Rayleigh law
    own = seen.brightness(seen.places)
    excess = own - usual
    spread = 1.48 * _medians(np.abs(gray - usual[:, np.newaxis]))
    spread = np.maximum(spread, 0.7 * np.median(spread[known]) if known.any() else np.nan)
    empty = known & (_filled(seen, own, partners, usual) < _EMPTY) & (-excess > _EMPTIED * spread)
    for i in np.flatnonzero(empty):
        lack = (usual[i] - own[i]) / spread[i]
        found.append((MISSING, *(seen.places[i] - off[i]).tolist(), float(ndtr(lack - _DOUBT))))
    known &= ~empty
    far = known & (distance / scale > _SURE) & (distance > 0.1 * seen.spacing)
    found += [
        (DISPLACED, *seen.places[i].tolist(), float(ndtr(distance[i] / scale - _SURE + 1)))
        for i in np.flatnonzero(far)
    ]
    for i in np.flatnonzero(known & (np.abs(excess) > _SURE * spread)):
        sure = float(ndtr(abs(excess[i]) / spread[i] - _SURE + 1))
        kind = BRIGHTER if excess[i] > 0 else DIMMER
        found.append((kind, *seen.places[i].tolist(), sure))
    return found


def _filled(seen: LatticeOfAtoms, own: Float, partners: Integer, usual: Float) -> Float:
    """Return how high each atom stands above its surroundings, as a share of its partners; (n,).

    The surroundings are those of the partners, where these are darkest half a spacing away, so that
    what an empty site gets of its neighbors' tails is not taken for an atom.
    """
    angles = 2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    steps = 0.5 * seen.spacing * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    rings = seen.places[:, np.newaxis] + steps
    gray = seen.brightness(rings.reshape(-1, 2)).reshape(len(own), _DIRECTIONS)
    of_partners = np.where((partners >= 0)[..., np.newaxis], gray[partners], np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of atoms without partners
        ground = np.nanmean(of_partners, axis=1).min(axis=1)
    return np.asarray((own - ground) / np.maximum(usual - ground, 1e-9))


def _medians(values: Float) -> Float:
    """Return medians along the axis 1, leaving out NaN; NaN where there is nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of rows without a number
        return np.asarray(np.nanmedian(values, axis=1))


def _shares_around(seen: LatticeOfAtoms, share: Float) -> Float:
    """Return the median share of the nearest atoms that are where others expect them."""
    k = min(7, len(seen.places))
    _, index = KDTree(seen.places).query(seen.places, k=k)
    return np.asarray(np.median(share[np.asarray(index)[:, 1:]], axis=1))
