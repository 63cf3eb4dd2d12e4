"""A crystal along a zone axis: its columns, their lattice, and the picture that they make."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from napari_lattice_symmetry.crystals.structure import ANGSTROM, Crystal
from napari_lattice_symmetry.crystals.zones import Zone, check_zone, plane_axes, steps_across
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import (
    lattice_parameters,
    lattice_points,
    reduce_basis,
    rotation,
    symmetry_distances,
)
from napari_lattice_symmetry.lattice.drawing import draw_atoms
from napari_lattice_symmetry.lattice.metric import metric_class
from napari_lattice_symmetry.lattice.motifs import Motif
from napari_lattice_symmetry.lattice.plane_groups import family_basis

Float = NDArray[np.float64]
Integer = NDArray[np.int64]

SAME_PLACE = 2e-3
"""Distance in nm within which atoms lie in one column, and columns on places of a symmetry."""

MAX_COLUMNS = 1000
"""In a cell of more columns neither a smaller cell nor the plane group is looked for."""

_SAME_METRIC = 2e-3
_SAME_CONTRAST = 1e-4
_BLUR = 0.04  # nm, standard deviation of a column as a microscope shows it
_NEAR = 4  # columns among which the one at a place is looked for
_PROBES = 8  # columns that are looked at first, as most shifts fit none
_MAX_REACH = 0.49  # of a cell, beyond which a periodic tree does not see
_FAINT = 0.1  # share of the spots' power that nobody may see


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns of a cell, seen along the zone axis.

    Parameters
    ----------
    position : ndarray, shape (n, 2)
        x along a, in nm.
    names : tuple of str
        The elements in each, the most frequent first.
    atomic_number : ndarray, shape (n,)
        Mean over the atoms in it.
    occupation : ndarray, shape (n,)
        Atoms a nm along the axis.
    contrast : ndarray, shape (n,)
        How bright it is in a dark-field image, the brightest 1.
    """

    position: Float
    names: tuple[str, ...]
    atomic_number: Float
    occupation: Float
    contrast: Float

    def __len__(self) -> int:
        return len(self.position)


@dataclass(frozen=True, eq=False)
class Projection:
    """What is seen of a crystal along a zone axis.

    Parameters
    ----------
    crystal : str
        Name of the crystal.
    zone : tuple of int
        Indices of the axis.
    basis : ndarray, shape (2, 2)
        Reduced vectors (x, y) in nm of the primitive cell of the picture, in rows, a along x. The
        picture may repeat more often than the crystal does.
    label : str
        Class of the lattice.
    plane_group : str
        Of the picture; empty where it was not looked for, see `MAX_COLUMNS`.
    columns : Columns
        Of one primitive cell.
    direction : tuple of float
        Indices [u v w] of the direction in the crystal that is seen along a, of length a.
    """

    crystal: str
    zone: Zone
    basis: Float
    label: str
    plane_group: str
    columns: Columns = field(repr=False)
    direction: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """Crystal and axis, such as "Si [1 1 0]"."""
        return f"{self.crystal} [{' '.join(map(str, self.zone))}]"

    @property
    def a(self) -> float:
        """Shorter side of the reduced cell in nm."""
        return lattice_parameters(self.basis)[0]

    @property
    def b(self) -> float:
        """Longer side of the reduced cell in nm."""
        return lattice_parameters(self.basis)[1]

    @property
    def gamma(self) -> float:
        """Angle of the reduced cell in degrees."""
        return lattice_parameters(self.basis)[2]

    def picture(
        self,
        pixel_size: float,
        shape: tuple[int, int],
        *,
        angle: float = 0.0,
        width: float = _BLUR,
        background: float = 0.1,
        distortion: Float | None = None,
    ) -> Float:
        """Draw columns as round peaks, as bright as a dark-field image shows them about.

        Parameters
        ----------
        pixel_size : float
            In nm.
        shape : (int, int)
            Size of the image (Y, X).
        angle : float
            Direction of a from x towards y, in degrees.
        width : float
            Standard deviation of a column in nm.
        background : float
            As a multiple of the brightest column.
        distortion : ndarray, shape (2, 2), optional
            What a scan does to positions (x, y), ``seen = distortion @ true``.

        Returns
        -------
        ndarray, shape (Y, X), float64
        """
        change = rotation(angle) / pixel_size
        if distortion is not None:
            change = change @ np.asarray(distortion).T
        basis, sigma = self.basis @ change, width / pixel_size
        center = (shape[1] / 2, shape[0] / 2)
        points = lattice_points(basis, shape, center, 4 * sigma + float(np.abs(basis).sum()))
        atoms = (points[:, np.newaxis] + self.columns.position @ change).reshape(-1, 2)
        contrast = np.tile(self.columns.contrast, len(points))
        return draw_atoms(atoms, contrast, sigma, shape) + background

    def lattices(self, max_faint: float = _FAINT) -> list[Float]:
        """List the lattices that a fit may find in the picture: its own, and near repeats.

        Where columns differ little, as those of gallium and arsenic do, a smaller cell explains
        nearly all of the spots.

        Parameters
        ----------
        max_faint : float
            Share of the spots' power that a smaller cell may leave out.

        Returns
        -------
        list of ndarray, shape (2, 2)
            Reduced bases in nm, that of the picture first.
        """
        nodes = np.array(list(product(range(-6, 7), repeat=2)))
        frequency = nodes @ np.linalg.inv(self.basis).T
        fractions = self.columns.position @ np.linalg.inv(self.basis)
        along_a, along_b = np.exp(
            -2j * np.pi * np.arange(-6, 7)[:, np.newaxis] * fractions.T[:, np.newaxis]
        )
        factors = ((along_a * self.columns.contrast) @ along_b.T).ravel()
        factors[len(nodes) // 2] = 0  # the mean tells nothing
        blurred = np.exp(-4 * (np.pi * _BLUR) ** 2 * (frequency**2).sum(axis=1))
        power = np.abs(factors) ** 2 * blurred
        found = [self.basis]
        for parts in (2, 3, 4):
            for shift in product(range(parts), repeat=2):
                if math.gcd(*shift, parts) != 1:
                    continue
                broken = (nodes @ np.array(shift)) % parts != 0
                if power[broken].sum() <= max_faint * power.sum():
                    shifts = np.outer(np.arange(parts), shift) / parts
                    found.append(_finer(self.basis, shifts))
        return found


def project(crystal: Crystal, zone: Sequence[int] = (0, 0, 1)) -> Projection:
    """Return what is seen of a crystal along a zone axis.

    Parameters
    ----------
    crystal : Crystal
        With a cell.
    zone : sequence of int
        Indices [u v w] on the axes of the conventional cell, or [u v t w] of a hexagonal one.

    Returns
    -------
    Projection
        The lattice is that of the picture, reduced as in the maps of a result: a <= b, gamma of
        60 to 90 degrees.

    Raises
    ------
    InputError
        If the axis is none or has too large indices, or the crystal is a cluster.

    Examples
    --------
    >>> from napari_lattice_symmetry.crystals import prototype
    >>> seen = project(prototype("Si"), (1, 1, 0))
    >>> seen.label, seen.plane_group, round(seen.a, 3), round(seen.gamma, 1)
    ('centered rectangular', 'cmm', 0.333, 70.5)
    """
    cell, axis = crystal.conventional, check_zone(zone)
    lattice = np.asarray(cell.atoms.cell.array) * ANGSTROM
    steps = np.array([*steps_across(axis), axis])
    plane = plane_axes(lattice, axis)
    basis = steps[:2] @ lattice @ plane.T
    if np.linalg.norm(reduce_basis(basis)[0]) < 2 * SAME_PLACE:
        raise InputError(
            f"[{' '.join(map(str, zone))}] is no axis along which columns of {crystal.name} can be "
            f"told apart, they are less than {2 * SAME_PLACE} nm apart; give smaller indices."
        )
    fractions = cell.atoms.get_scaled_positions() @ np.linalg.inv(steps)
    length = float(np.linalg.norm(axis @ lattice))
    found = _columns(cell, fractions[:, :2], basis, length)
    contrast = found.contrast
    many = len(found) > MAX_COLUMNS
    places = found.position @ np.linalg.inv(basis)
    shifts = np.zeros((1, 2)) if many else _translations(places, contrast, basis)
    finer = _finer(basis, shifts) if len(shifts) > 1 else reduce_basis(basis)
    family = metric_class(symmetry_distances(finer), _SAME_METRIC)
    kept = _first_of_each(found.position @ np.linalg.inv(finer), contrast, finer)
    group = "" if many else _plane_group(found.position[kept], contrast[kept], finer, family)

    turn = np.arctan2(finer[0, 1], finer[0, 0])
    upright = rotation(-float(np.rad2deg(turn)))
    places = (found.position[kept] @ np.linalg.inv(finer) + _EDGE) % 1 - _EDGE
    direction = finer[0] @ plane @ np.linalg.inv(lattice)
    return Projection(
        crystal.name,
        tuple(int(index) for index in zone),
        finer @ upright,
        family,
        group,
        Columns(
            places @ finer @ upright,
            tuple(found.names[index] for index in kept),
            found.atomic_number[kept],
            found.occupation[kept],
            contrast[kept],
        ),
        tuple(np.round(direction, 6).tolist()),
    )


_EDGE = 1e-6  # what is there but for rounding lies at 0, not at 1


def _columns(cell: Crystal, fractions: Float, basis: Float, length: float) -> Columns:
    """Gather the atoms that lie one behind the other."""
    first = _first_near(_pairs(fractions, basis, SAME_PLACE), len(fractions))
    heads, member = np.unique(first, return_inverse=True)
    share = cell.site_sums(0)
    total = np.bincount(member, share)
    contrast = np.bincount(member, cell.contrast)
    names: list[dict[str, float]] = [{} for _ in heads]
    for column, site in zip(member, cell.sites, strict=True):
        for symbol, part in site:
            names[column][symbol] = names[column].get(symbol, 0) + part
    return Columns(
        fractions[heads] % 1 @ basis,
        tuple("/".join(sorted(each, key=lambda name: (-each[name], name))) for each in names),
        np.bincount(member, cell.site_sums(1)) / total,
        total / length,
        contrast / contrast.max(),
    )


def _apart(differences: Float, basis: Float) -> Float:
    """Return lengths in nm of differences (..., 2) of places, in fractions of a cell."""
    return np.asarray(np.linalg.norm((differences - np.rint(differences)) @ basis, axis=-1))


def _tree(fractions: Float) -> cKDTree[Any, Any]:
    """Return a tree of places in a cell that repeats."""
    return cKDTree(_wrapped(fractions), boxsize=np.ones(2))


def _wrapped(fractions: Float) -> Float:
    """Bring places into the cell, none of them to 1, which rounding does."""
    return np.asarray(fractions % 1 % 1)


def _pairs(fractions: Float, basis: Float, distance: float) -> Integer:
    """List which places (n, 2) lie within a distance in nm of which, themselves too: (2, m)."""
    reach = distance / float(np.linalg.svd(basis, compute_uv=False)[-1])
    tree = _tree(fractions)
    one, other = tree.query_pairs(min(reach, _MAX_REACH), output_type="ndarray").T
    near = _apart(fractions[one] - fractions[other], basis) < distance
    one, other, itself = one[near], other[near], np.arange(len(fractions))
    return np.array([np.concatenate([one, other, itself]), np.concatenate([other, one, itself])])


def _first_near(pairs: Integer, count: int) -> Integer:
    """Return the first of those (count,) that each is paired with."""
    first = np.arange(count)
    np.minimum.at(first, pairs[0], pairs[1])
    return first


def _translations(fractions: Float, contrast: Float, basis: Float) -> Float:
    """List the shifts (n, 2), fractions of the cell, that leave the picture as it is; 0 first."""
    levels = np.sort(contrast)
    alike = np.searchsorted(levels, contrast + _SAME_CONTRAST)
    alike -= np.searchsorted(levels, contrast - _SAME_CONTRAST)
    rarest = int(alike.argmin())
    like_it = np.abs(contrast - contrast[rarest]) < _SAME_CONTRAST
    shifts = (fractions[like_it] - fractions[rarest]) % 1
    tree = _tree(fractions)
    near = min(_NEAR, len(fractions))

    def fits(shift: Float, columns: slice) -> bool:
        moved = fractions[columns] + shift
        found = np.reshape(tree.query(_wrapped(moved), near)[1], (len(moved), near))
        there = _apart(moved[:, np.newaxis] - fractions[found], basis) < SAME_PLACE
        there &= np.abs(contrast[columns, np.newaxis] - contrast[found]) < _SAME_CONTRAST
        return bool(there.any(axis=1).all())

    kept = [each for each in shifts if fits(each, slice(_PROBES)) and fits(each, slice(None))]
    return np.array(sorted(kept, key=lambda shift: float(_apart(shift, basis))))


def _finer(basis: Float, shifts: Float) -> Float:
    """Return the reduced basis of a lattice with all of the shifts (n, 2), fractions of a basis."""
    cells = np.array(list(product((-1, 0, 1), repeat=2)))
    shifts = shifts - np.rint(shifts)
    vectors = ((shifts @ basis)[:, np.newaxis] + cells @ reduce_basis(basis)).reshape(-1, 2)
    vectors = vectors[np.argsort(np.linalg.norm(vectors, axis=1), kind="stable")]
    area = abs(float(np.linalg.det(basis))) / len(shifts)
    a = next(vector for vector in vectors if np.linalg.norm(vector) > SAME_PLACE)
    b = next(
        vector
        for vector in vectors
        if 0.5 * area < abs(a[0] * vector[1] - a[1] * vector[0]) < 1.5 * area
    )
    return reduce_basis(np.stack([a, b]))


def _first_of_each(fractions: Float, contrast: Float, basis: Float) -> Integer:
    """Choose one of the columns that a smaller cell repeats."""
    i, j = pairs = _pairs(fractions, basis, 2 * SAME_PLACE)
    alike = np.abs(contrast[i] - contrast[j]) < _SAME_CONTRAST
    first = _first_near(pairs[:, alike], len(fractions))
    return np.flatnonzero(first == np.arange(len(fractions)))


def _plane_group(position: Float, contrast: Float, basis: Float, family: str) -> str:
    chosen = family_basis(basis, family)
    precision = SAME_PLACE / float(np.linalg.norm(chosen, axis=1).sum())
    group = Motif(position @ np.linalg.inv(chosen), contrast, family, precision).group
    assert group is not None, "the cell is primitive"
    return group
