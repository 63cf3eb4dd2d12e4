"""Rings of bonds: the faces of the flat graph that atoms and bonds are.

Source: rings of a network after Franzblau, Phys. Rev. B 44, 4925 (1991); where all bonds lie in a
plane and none cross, these are the faces of the graph, which turning left at each atom goes around.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from napari_lattice_symmetry.atoms.measures.bonds import (
    Spokes,
    find_bonds,
    longest_bond,
    measured_places,
)
from napari_lattice_symmetry.atoms.table import Atoms
from napari_lattice_symmetry.atoms.writing import write_columns

Float = NDArray[np.float64]
Integer = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rings:
    """Rings of bonds, those cut off by the border left out.

    Parameters
    ----------
    size : ndarray of int, shape (n,)
        Number of atoms.
    y, x : ndarray, shape (n,)
        Mean of their places in pixels.
    area : ndarray, shape (n,)
        In nm² where the pixel size is known, else in px².
    frame : ndarray of int, shape (n,)
        Number of the frame.
    calibrated : bool
        Whether the area is in nm².
    """

    size: Integer
    y: Float
    x: Float
    area: Float
    frame: Integer
    calibrated: bool

    def __len__(self) -> int:
        return len(self.size)

    def __getitem__(self, chosen: Any) -> Rings:
        index = np.atleast_1d(np.arange(len(self))[chosen])
        names = ("size", "y", "x", "area", "frame")
        return replace(self, **{name: getattr(self, name)[index] for name in names})

    def counts(self) -> dict[int, int]:
        """Return how many there are of each size, the smallest first."""
        return dict(sorted(Counter(self.size.tolist()).items()))

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns by name."""
        area = "area_nm2" if self.calibrated else "area_px2"
        return {"frame": self.frame, "size": self.size, "y": self.y, "x": self.x, area: self.area}

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write one row a ring, as CSV.

        Raises
        ------
        InputError
            If the name does not end in .csv, or something is in the way.
        """
        write_columns(self.columns(), Path(path), overwrite=overwrite)


def find_rings(atoms: Atoms, longest: float | None = None) -> Rings:
    """List the rings that bonds make, such as the five- and seven-rings of a grain boundary.

    Parameters
    ----------
    atoms : Atoms
        Of one frame or more, of a sheet whose bonds lie in the plane, such as graphene.
    longest : float, optional
        Longest bond, as for `find_bonds`.

    Returns
    -------
    Rings
        A missing atom makes a ring of twelve of three hexagons; atoms with one bond count in no
        ring.

    Raises
    ------
    InputError
        As for `find_bonds`.

    Examples
    --------
    >>> picture = nls.atoms.AtomImage(spacing=16, size=160, rotated_bond=True, seed=2).draw()
    >>> counts = nls.atoms.find_rings(picture.atoms).counts()
    >>> counts[5], counts[7]
    (2, 2)
    """
    limit = longest_bond(atoms) if longest is None else longest
    bonds, places = find_bonds(atoms, limit), _side_by_side(atoms, limit)
    pairs = _uncrossed(bonds.pairs, places, limit)
    pairs = _without_ends(pairs, len(atoms))
    if not len(pairs):
        nothing = np.empty(0)
        none = np.empty(0, np.int64)
        return Rings(none, nothing, nothing, nothing, none, atoms.calibrated)
    spokes = Spokes.of(pairs, places)
    before = np.empty_like(spokes.after)
    before[spokes.after] = np.arange(len(before))
    following = before[spokes.twin]
    n = len(following)
    graph = coo_matrix((np.ones(n), (np.arange(n), following)), shape=(n, n))
    count, face = connected_components(graph, directed=False)
    here, there = places[spokes.start], places[spokes.end]
    swept = (here[:, 1] * there[:, 0] - here[:, 0] * there[:, 1]) / 2
    area, size = np.bincount(face, swept, count), np.bincount(face, minlength=count)
    corners = atoms.positions[spokes.start]
    y, x = (np.bincount(face, column, count) / size for column in corners.T)
    frame = np.zeros(count, np.int64)
    frame[face] = atoms.frame[spokes.start]
    inner = np.flatnonzero(area > 1e-9 * limit**2)  # around the outside one goes the other way
    inner = inner[np.lexsort([x[inner], y[inner], frame[inner]])]
    return Rings(size[inner], y[inner], x[inner], area[inner], frame[inner], atoms.calibrated)


def _side_by_side(atoms: Atoms, gap: float) -> Float:
    """Return places as `measured_places` does, frames beside each other so that none overlap."""
    places = measured_places(atoms)
    width = float(np.ptp(places[:, 1])) if len(places) else 0.0
    aside = np.stack([np.zeros(len(places)), atoms.frame * (width + 3 * gap)], axis=1)
    return np.asarray(places + aside)


def _without_ends(pairs: Integer, n: int) -> Integer:
    """Leave out bonds to atoms that have no other bond, until there are none."""
    while len(pairs):
        degree = np.bincount(pairs.ravel(), minlength=n)
        kept = (degree[pairs] > 1).all(axis=1)
        if kept.all():
            break
        pairs = pairs[kept]
    return pairs


def _uncrossed(pairs: Integer, places: Float, longest: float) -> Integer:
    """Leave out the longer one of each two bonds that cross."""
    if len(pairs) < 2:
        return pairs
    a, b = places[pairs[:, 0]], places[pairs[:, 1]]
    length = np.linalg.norm(b - a, axis=1)
    near = KDTree((a + b) / 2).query_pairs(longest, output_type="ndarray")
    i, j = near.T
    shared = (pairs[i][:, :, np.newaxis] == pairs[j][:, np.newaxis]).any(axis=(1, 2))
    i, j = i[~shared], j[~shared]
    crosses = (_side(a[i], b[i], a[j]) * _side(a[i], b[i], b[j]) < 0) & (
        _side(a[j], b[j], a[i]) * _side(a[j], b[j], b[i]) < 0
    )
    i, j = i[crosses], j[crosses]
    kept = np.ones(len(pairs), bool)
    kept[np.where(length[i] > length[j], i, j)] = False
    return np.asarray(pairs[kept])


def _side(a: Float, b: Float, c: Float) -> Float:
    """Tell on which side of the line from a to b the point c lies, by its sign."""
    u, v = b - a, c - a
    return np.asarray(u[:, 1] * v[:, 0] - u[:, 0] * v[:, 1])
