"""Atoms whose plane group is a chosen one and no higher, and windows that show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import CellRanges, lattice_points, random_basis
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms
from napari_lattice_symmetry.lattice.plane_groups import (
    Setting,
    check_group,
    family_basis,
    family_of,
    name_operations,
    settings,
    wyckoff_sites,
)

Float = NDArray[np.float64]
Integer = NDArray[np.int64]

_HIGHEST = {
    "oblique": "p2",
    "rectangular": "pmm",
    "centered rectangular": "cmm",
    "square": "p4m",
    "hexagonal": "p6m",
}
_EXACT = 1e-6
# Least distance between atoms, as a share of that at which so many would lie evenly.
_MIN_DISTANCE = 0.5
_SPECIAL = 0.4  # share of the atoms on a special position where there is one
_TRIALS = 1000
_LOOKED_AT = 16  # atoms


@dataclass(frozen=True, eq=False)
class Motif:
    """The atoms of a primitive cell.

    Parameters
    ----------
    sites : ndarray, shape (n, 2)
        Fractions of the cell that `family_basis` gives.
    brightness : ndarray, shape (n,)
        Greater than 0.
    family : str
        Class of the lattice.
    precision : float
        Fractions of the cell that count as the same when they differ by less.
    """

    sites: Float
    brightness: Float
    family: str
    precision: float = _EXACT

    def operations(self) -> tuple[Integer, Float]:
        """Find every operation of the lattice that leaves the motif as it is.

        Returns
        -------
        rotations : ndarray of int, shape (n, 2, 2)
        translations : ndarray, shape (n, 2)
            More than one for a rotation where the cell is not primitive.
        """
        rotations: list[Integer] = []
        translations: list[Float] = []
        # Whatever the operation, the first atom goes to one of its kind.
        for rotation in highest_setting(self.family).rotations:
            turned = self.sites @ rotation.T
            for shift in (self.sites - turned[0]) % 1:
                new = not any(
                    np.array_equal(rotation, one) and _whole(shift - other, self.precision).all()
                    for one, other in zip(rotations, translations, strict=True)
                )
                if new and self._same(turned + shift):
                    rotations.append(rotation)
                    translations.append(shift)
        return np.array(rotations), np.array(translations)

    @property
    def group(self) -> str | None:
        """Name of the plane group of the atoms as they lie; None if the cell is not primitive."""
        rotations, translations = self.operations()
        if len({tuple(each.ravel()) for each in rotations}) < len(rotations):
            return None
        return name_operations(rotations, translations)

    def _same(self, moved: Float) -> bool:
        # A few at a time: most operations fit none of them.
        for start in range(0, len(moved), _LOOKED_AT):
            some = slice(start, start + _LOOKED_AT)
            apart = moved[some, np.newaxis] - self.sites
            alike = np.isclose(self.brightness[some, np.newaxis], self.brightness)
            near = _whole(apart, self.precision).all(axis=2)
            if not (near & alike).any(axis=1).all():
                return False
        return True


def highest_setting(family: str) -> Setting:
    """Return the group of the lattice itself."""
    return next(each for each in settings(family) if each.group == _HIGHEST[family])


def orbit(site: Float, setting: Setting) -> Float:
    """List the different places (n, 2) to which a group takes a site, in fractions from 0 to 1."""
    places = (setting.rotations @ site + setting.translations) % 1
    same = _whole(places[:, np.newaxis] - places).all(axis=2)
    return np.asarray(places[~np.tril(same, -1).any(axis=1)])


def random_motif(
    group: str,
    rng: np.random.Generator,
    atoms: int = 3,
    special: float = _SPECIAL,
    family: str | None = None,
) -> Motif:
    """Draw atoms whose plane group is `group`.

    One round atom in general position is not p1 but p2: draws of a higher symmetry, or of a
    smaller cell, are thrown away.

    Parameters
    ----------
    group : str
        One of `PLANE_GROUPS`.
    rng : numpy.random.Generator
        Source of randomness.
    atoms : int
        Number of atoms that symmetry does not bring about.
    special : float
        Share of atoms that are put on a special position.
    family : str, optional
        Class of the lattice; the lowest that allows the group if not given.

    Raises
    ------
    InputError
        If there is no such group in such a lattice, or so few atoms cannot have it.
    """
    check_group(group)
    family = family or family_of(group)
    setting = next((each for each in settings(family) if each.group == group), None)
    if setting is None:
        raise InputError(f"A {family} lattice does not allow the plane group {group}.")
    for _ in range(_TRIALS):
        orbits = [orbit(_random_site(setting, rng, special), setting) for _ in range(atoms)]
        bright = rng.uniform(0.3, 1, atoms)
        motif = Motif(
            np.concatenate(orbits), np.repeat(bright, [len(each) for each in orbits]), family
        )
        if _apart(motif) and motif.group == group:
            return motif
    raise InputError(f"{atoms} atoms that make {group} and no higher group were not found.")


def break_symmetry(motif: Motif, lower: str, shift: float, rng: np.random.Generator) -> Motif:
    """Move half of the atoms, so that only a subgroup of the symmetry is left.

    Parameters
    ----------
    motif : Motif
        As `random_motif` draws it, atoms in general positions.
    lower : str
        A group whose operations are also those of the motif.
    shift : float
        How far, as a share of the cell's side, in a direction that is drawn.
    rng : numpy.random.Generator
        Source of randomness.

    Raises
    ------
    InputError
        If the motif does not contain `lower` in its standard setting.
    """
    setting = next(each for each in settings(motif.family) if each.group == lower)
    left = np.ones(len(motif.sites), dtype=bool)
    orbits, bright = [], []
    while left.any():
        first = int(np.flatnonzero(left)[0])
        moved = orbit(motif.sites[first], setting)
        apart = motif.sites[:, np.newaxis] - moved
        same = np.any(np.all(_whole(apart), axis=2), axis=1)
        if int(same.sum()) != len(moved):
            raise InputError(f"The atoms do not have the symmetry {lower}.")
        orbits.append(motif.sites[first])
        bright.append(motif.brightness[first])
        left = left & ~same
    # Each second one, so that what symmetry joined before comes apart.
    angles = rng.uniform(0, 2 * np.pi, len(orbits))
    for i in range(0, len(orbits), 2):
        step = shift * np.array([np.cos(angles[i]), np.sin(angles[i])])
        orbits[i] = orbits[i] + step
    places = [orbit(site, setting) for site in orbits]
    counts = [len(each) for each in places]
    return Motif(np.concatenate(places), np.repeat(bright, counts), motif.family)


def random_cell(
    family: str, spacing: float, rng: np.random.Generator, margin: float = 0.06
) -> Float:
    """Draw a basis in which the operations of `family` are written, in any direction.

    Parameters
    ----------
    family : str
        Class of the lattice.
    spacing : float
        Length of the shortest lattice vector in pixels.
    rng : numpy.random.Generator
        Source of randomness.
    margin : float
        Least distance from every higher class, see `symmetry_distances`.
    """
    ranges = CellRanges(spacing=(spacing, spacing), rectangular_ratio=(1, 1.8), margin=margin)
    return family_basis(random_basis(family, rng, ranges), family)


def draw_motif(
    motif: Motif,
    basis: Float,
    size: int,
    rng: np.random.Generator,
    *,
    counts: float = np.inf,
    width: float = 0.08,
    background: float = 0.1,
    disorder: float = 0.0,
    vacancies: float = 0.0,
) -> Float:
    """Draw a window of a crystal.

    Parameters
    ----------
    motif : Motif
        Its atoms.
    basis : ndarray, shape (2, 2)
        Vectors (x, y) of the cell in rows, in pixels.
    size : int
        Side of the window in pixels.
    rng : numpy.random.Generator
        Draws the origin and all that is random.
    counts : float
        Mean number of counts in the brightest pixel; without noise if infinite.
    width, disorder : float
        Standard deviation of an atom's peak and of its displacement along x and along y, as
        shares of the square root of the cell's area.
    background : float
        Even background, as a multiple of an atom's peak.
    vacancies : float
        Share of the atoms that are missing.

    Returns
    -------
    ndarray, shape (size, size), float64
    """
    side = float(np.sqrt(abs(np.linalg.det(basis))))
    sigma = width * side
    origin = tuple(size / 2 + rng.uniform(-0.5, 0.5, 2) @ basis)
    reach = 4 * sigma + float(np.abs(basis).sum())
    points = lattice_points(basis, (size, size), (origin[0], origin[1]), reach)
    atoms = (points[:, np.newaxis] + motif.sites @ basis).reshape(-1, 2)
    atoms = atoms + disorder * side * rng.standard_normal(atoms.shape)
    present = rng.uniform(size=len(atoms)) >= vacancies
    brightness = np.tile(motif.brightness, len(points))
    image = draw_atoms(atoms[present], brightness[present], sigma, (size, size)) + background
    return image if np.isinf(counts) else count_electrons(image, counts, rng)


def _random_site(setting: Setting, rng: np.random.Generator, special: float) -> Float:
    *specials, general = wyckoff_sites(setting.group)
    site = (
        specials[rng.integers(len(specials))] if specials and rng.uniform() < special else general
    )
    standard = site.matrix @ rng.uniform(size=2) + site.offset
    return np.asarray(setting.conventional.T @ standard)


def _apart(motif: Motif) -> bool:
    """Return whether no two atoms are so close that they are seen as one."""
    n = len(motif.sites)
    if n == 1:
        return True
    apart = motif.sites[:, np.newaxis] - motif.sites
    apart -= np.rint(apart)
    # Lengths in a cell that is square or hexagonal; other cells are near enough to these.
    metric = np.array([[1, -0.5], [-0.5, 1]]) if motif.family == "hexagonal" else np.eye(2)
    squares = np.einsum("nmi,ij,nmj->nm", apart, metric, apart)
    area = np.sqrt(np.linalg.det(metric))
    return bool(squares[np.triu_indices(n, 1)].min() >= _MIN_DISTANCE**2 * area / n)


def _whole(values: Float, precision: float = _EXACT) -> NDArray[np.bool_]:
    return np.asarray(np.abs(values - np.rint(values)) < precision)
