"""Bonds: which atoms are next to each other, how far apart, and at which angles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from napari_lattice_symmetry.atoms.simulation.materials import material as draw_material
from napari_lattice_symmetry.atoms.table import Atoms, nearest_neighbors
from napari_lattice_symmetry.atoms.writing import write_columns
from napari_lattice_symmetry.data.movie import NANOMETER, PIXEL
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import lattice_points

Float = NDArray[np.float64]
Integer = NDArray[np.int64]

MAX_BOND = 1.3
"""Medians of the bonds beyond which two atoms are not bonded: the next ones are at 1.41 or more."""

_FAINTEST = 0.14  # of the brightest column, from which on one is seen
_CELLS = 5  # nm of a crystal in which known distances are measured
_FINE = 1e3  # pixels a nm there


@dataclass(frozen=True, eq=False)
class Bonds:
    """Pairs of neighboring atoms, and the angles between bonds next to each other at an atom.

    Parameters
    ----------
    pairs : ndarray of int, shape (n, 2)
        Rows of the two atoms in their table.
    length : ndarray, shape (n,)
        In `unit`.
    corner : ndarray of int, shape (m,)
        Row of the atom at which an angle is.
    angle : ndarray, shape (m,)
        In degrees, from 0 to 180; larger ones, at the rim, are left out.
    frame : ndarray of int, shape (n,)
        Of each bond.
    unit : {"nm", "pixel"}
        Of lengths.
    """

    pairs: Integer
    length: Float
    corner: Integer
    angle: Float
    frame: Integer
    unit: str

    def __len__(self) -> int:
        return len(self.length)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return frame, rows of the atoms and length of each bond by name."""
        length = "length_nm" if self.unit == NANOMETER else "length_px"
        first, second = self.pairs.T
        return {"frame": self.frame, "first": first, "second": second, length: self.length}

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write one row a bond, as CSV.

        Raises
        ------
        InputError
            If the name does not end in .csv, or something is in the way.
        """
        write_columns(self.columns(), Path(path), overwrite=overwrite)


@dataclass(frozen=True, eq=False)
class Spokes:
    """Bonds seen from both ends, those of an atom one after the other and by direction.

    Parameters
    ----------
    start, end : ndarray of int, shape (2 n,)
        Rows of atoms.
    direction : ndarray, shape (2 n,)
        From x towards y, in radians.
    after : ndarray of int, shape (2 n,)
        The next one at the same atom.
    twin : ndarray of int, shape (2 n,)
        The same bond from its other end.
    """

    start: Integer
    end: Integer
    direction: Float
    after: Integer
    twin: Integer

    @classmethod
    def of(cls, pairs: Integer, places: Float) -> Spokes:
        """Sort bonds (n, 2) between places (m, 2)."""
        start, end = np.concatenate([pairs, pairs[:, ::-1]]).T
        twin = np.roll(np.arange(2 * len(pairs)), len(pairs))
        y, x = (places[end] - places[start]).T
        direction = np.arctan2(y, x)
        order = np.lexsort([direction, start])
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        start, end, direction = start[order], end[order], direction[order]
        first = np.searchsorted(start, start)
        count = np.searchsorted(start, start, side="right") - first
        after = first + (np.arange(len(start)) - first + 1) % np.maximum(count, 1)
        return cls(start, end, direction, after, rank[twin[order]])


def find_bonds(atoms: Atoms, longest: float | None = None) -> Bonds:
    """List which atoms are bonded, by their distance.

    Parameters
    ----------
    atoms : Atoms
        Of one frame or more.
    longest : float, optional
        Longest bond, in nm where the pixel size is known, else in pixels; 1.3 times the median
        bond if not given.

    Returns
    -------
    Bonds
        With lengths in the same unit.

    Raises
    ------
    InputError
        If there are no two atoms in a frame, or `longest` is not positive.

    Examples
    --------
    >>> y, x = np.mgrid[0:30:10, 0:30:10].reshape(2, -1)
    >>> bonds = nls.atoms.find_bonds(nls.atoms.Atoms.at(y, x))
    >>> len(bonds), set(bonds.length.tolist()), set(bonds.angle.round().tolist())
    (12, {10.0}, {90.0, 180.0})
    """
    places = measured_places(atoms)
    limit = longest_bond(atoms) if longest is None else longest
    if not 0 < limit < np.inf:
        raise InputError(f"A longest bond of {limit:g} makes none; it must be positive.")
    pairs = _pairs(places, atoms.frame, limit)
    spokes = Spokes.of(pairs, places)
    turn = np.mod(spokes.direction[spokes.after] - spokes.direction, 2 * np.pi)
    is_angle = (turn > 0) & (turn <= np.pi + 1e-9)
    return Bonds(
        pairs,
        np.linalg.norm(places[pairs[:, 1]] - places[pairs[:, 0]], axis=1),
        spokes.start[is_angle],
        np.degrees(turn[is_angle]),
        atoms.frame[pairs[:, 0]],
        NANOMETER if atoms.calibrated else PIXEL,
    )


def measured_places(atoms: Atoms) -> Float:
    """Return places (n, 2) in nm where the pixel size is known, else in pixels."""
    return np.asarray(atoms.positions * np.array(atoms.pixel_size or (1.0, 1.0)))


def longest_bond(atoms: Atoms) -> float:
    """Return 1.3 times the median bond, in nm where the pixel size is known, else in pixels.

    Raises
    ------
    InputError
        If there are no two atoms in a frame.
    """
    places = measured_places(atoms)
    nearest = nearest_neighbors(places[:, 0], places[:, 1], atoms.frame)
    if not np.isfinite(nearest).any():
        raise InputError(f"{atoms.name} has no two atoms in a frame, so that there are no bonds.")
    limit = MAX_BOND * float(np.nanmedian(nearest))
    # What is nearest lies below the median bond by the noise of places.
    pairs = _pairs(places, atoms.frame, limit)
    return MAX_BOND * float(np.median(np.linalg.norm(np.subtract(*places[pairs.T]), axis=1)))


def _pairs(places: Float, frame: Integer, limit: float) -> Integer:
    """List pairs (n, 2) of atoms of one frame that are no farther apart than a limit."""
    found = [np.empty((0, 2), np.int64)]
    for number in np.unique(frame):
        rows = np.flatnonzero(frame == number)
        pairs = KDTree(places[rows]).query_pairs(limit, output_type="ndarray")
        found.append(rows[pairs[np.lexsort(pairs.T[::-1])]])
    return np.concatenate(found)


@dataclass(frozen=True)
class KnownBonds:
    """What bonds of a material measure.

    Parameters
    ----------
    material : str
        Its name.
    lengths : tuple of float
        In nm, rising.
    angles : tuple of float
        In degrees, rising.
    """

    material: str
    lengths: tuple[float, ...]
    angles: tuple[float, ...]


@cache
def known_bonds(material: str) -> KnownBonds:
    """Return lengths and angles of the bonds that are seen of a material.

    Parameters
    ----------
    material : str
        A name that `AtomImage` knows, or the path of a structure. Distances are those of columns
        seen along the zone axis, which bonds are only where they lie across it.

    Returns
    -------
    KnownBonds

    Raises
    ------
    InputError
        If there is no such material.

    Examples
    --------
    >>> known = nls.atoms.known_bonds("graphene")
    >>> [round(length, 3) for length in known.lengths], known.angles
    ([0.142], (120.0,))
    """
    seen, _ = draw_material(material)
    visible = seen.columns.contrast >= _FAINTEST
    corners = lattice_points(seen.basis * _FINE, (round(_CELLS * _FINE),) * 2, (0, 0), 0)
    position = seen.columns.position[visible] * _FINE
    x, y = (corners[:, np.newaxis] + position).reshape(-1, 2).T
    bonds = find_bonds(Atoms.at(y, x, pixel_size=(1 / _FINE,) * 2))
    # At the rim of what was laid out bonds are missing, and angles wider.
    middle = np.hypot(y - y.mean(), x - x.mean()) < _CELLS * _FINE / 4
    lengths = np.unique(bonds.length[middle[bonds.pairs].all(axis=1)].round(4))
    angles = np.unique(bonds.angle[middle[bonds.corner]].round(1))
    return KnownBonds(material, tuple(lengths.tolist()), tuple(angles.tolist()))
