"""Columns of atoms before they are recorded, and what may be wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from napari_lattice_symmetry.crystals import Projection
from napari_lattice_symmetry.lattice.basis import lattice_points, rotation

Float = NDArray[np.float64]
Integer = NDArray[np.intp]

PERFECT = ""
VACANCY, PARTIAL = "vacancy", "partial vacancy"
LIGHTER, HEAVIER = "lighter", "heavier"
ANTISITE, ADATOM, ROTATED_BOND = "antisite", "adatom", "rotated bond"
CLUMP = "clump"

UNTOLD = "X"
"""Label of atoms whose element is not told."""

BULK = 4.0
"""Thickness in nm of a bulk crystal, unless it is told."""

_SECOND = 1.62  # spacings that second neighbors of a honeycomb keep at least
_TOO_CLOSE = 0.7  # of the spacing, below which one of two atoms of a boundary is left out


@dataclass(frozen=True, eq=False)
class Sheet:
    """Columns of atoms seen from above.

    Parameters
    ----------
    position : ndarray, shape (n, 2)
        x and y in pixels.
    weight : ndarray, shape (n,)
        Height of its peak, the brightest column of the perfect crystal 1.
    atoms : ndarray, shape (n,)
        Number of atoms in it.
    label : ndarray of str, shape (n,)
        Elements; "X" where it is not told.
    defect : ndarray of str, shape (n,)
        What is wrong with it; empty if nothing.
    spacing : float
        Distance of neighbors in pixels.
    whole : ndarray, shape (n,)
        Weight without defects.
    full : ndarray, shape (n,)
        Number of atoms without defects.
    """

    position: Float
    weight: Float
    atoms: Float
    label: NDArray[np.str_]
    defect: NDArray[np.str_]
    spacing: float
    whole: Float
    full: Float

    def __len__(self) -> int:
        return len(self.weight)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Sheet:
        return replace(
            self,
            position=self.position[chosen],
            weight=self.weight[chosen],
            atoms=self.atoms[chosen],
            label=self.label[chosen],
            defect=self.defect[chosen],
            whole=self.whole[chosen],
            full=self.full[chosen],
        )

    def joined(self, other: Sheet) -> Sheet:
        """Return the columns of both."""
        pairs = {
            name: np.concatenate([getattr(self, name), getattr(other, name)])
            for name in ("position", "weight", "atoms", "label", "defect", "whole", "full")
        }
        return replace(self, **pairs)


def visible_spacing(seen: Projection, faintest: float) -> float:
    """Measure how far apart in nm neighbors are that are brighter than a share of the brightest."""
    columns = seen.columns
    places = columns.position[columns.contrast >= faintest]
    cells = np.array([(i, j) for i in range(-2, 3) for j in range(-2, 3)]) @ seen.basis
    everywhere = (places[:, np.newaxis] + cells).reshape(-1, 2)
    distances = np.linalg.norm(everywhere - places[0], axis=1)
    return float(distances[distances > 1e-3].min())


def crystal_sheet(
    seen: Projection,
    scale: float,
    shape: tuple[int, int],
    *,
    angle: float,
    origin: tuple[float, float],
    spacing: float,
    layer: float,
    pad: float,
) -> Sheet:
    """Lay out the columns of a crystal over an image.

    Parameters
    ----------
    seen : Projection
        Columns of a cell.
    scale : float
        Pixels a nm.
    shape : (int, int)
        Of the image (Y, X).
    angle : float
        Direction of a from x towards y in degrees.
    origin : (float, float)
        Corner (x, y) of a cell in pixels.
    spacing : float
        Distance of neighbors in pixels.
    layer : float
        Thickness in nm of the cell of a single layer; 0 of a bulk crystal.
    pad : float
        How far outside the image columns are listed.
    """
    turn = rotation(angle) * scale
    points = lattice_points(seen.basis @ turn, shape, origin, pad)
    columns = seen.columns
    position = (points[:, np.newaxis] + columns.position @ turn).reshape(-1, 2)
    n = len(points)
    atoms = np.tile(np.maximum(np.round(columns.occupation * (layer or BULK)), 1), n)
    return Sheet(
        position,
        np.tile(columns.contrast, n),
        atoms,
        np.tile(np.array([name.partition("/")[0] for name in _brightest_first(seen)]), n),
        np.full(len(position), PERFECT, "U16"),
        spacing,
        np.tile(columns.contrast, n),
        atoms,
    )


def _brightest_first(seen: Projection) -> list[str]:
    """Name each column after its heaviest element, which is what a dark-field image shows."""
    from ase.data import atomic_numbers

    return [
        max(name.split("/"), key=lambda symbol: atomic_numbers.get(symbol, 0))
        for name in seen.columns.names
    ]


def scattered_sheet(
    shape: tuple[int, int], spacing: float, density: float, rng: np.random.Generator
) -> Sheet:
    """Throw atoms anywhere, none nearer than 0.7 of the spacing to another.

    Parameters
    ----------
    shape : (int, int)
        Of the image (Y, X).
    spacing : float
        In pixels.
    density : float
        Atoms a square of the spacing, before those too near to others are left out.
    rng : numpy.random.Generator
        Source of randomness.
    """
    height, width = shape
    n = rng.poisson(density * height * width / spacing**2)
    position = rng.uniform(0, [width, height], (n, 2))
    weight = rng.choice([1.0, 1.0, 1.0, 0.5], n)
    sheet = Sheet(
        position,
        weight,
        np.ones(n),
        np.full(n, "Pt"),
        np.full(n, PERFECT, "U16"),
        spacing,
        weight,
        np.ones(n),
    )
    return without_overlaps(sheet, rng)


def without_overlaps(sheet: Sheet, rng: np.random.Generator) -> Sheet:
    """Leave out one of each two columns that are too near to each other."""
    pairs = KDTree(sheet.position).query_pairs(_TOO_CLOSE * sheet.spacing, output_type="ndarray")
    kept = np.ones(len(sheet), bool)
    for i, j in rng.permutation(pairs) if len(pairs) else ():
        if kept[i] and kept[j]:
            kept[j] = False
    return sheet[kept]


def with_point_defects(sheet: Sheet, shares: dict[str, float], rng: np.random.Generator) -> Sheet:
    """Put in defects of single sites, no two on one site.

    Parameters
    ----------
    sheet : Sheet
        Columns.
    shares : dict of str to float
        Of each kind, the share of the sites.
    rng : numpy.random.Generator
        Source of randomness.
    """
    chance = rng.uniform(size=len(sheet))
    weight, defect, atoms = sheet.weight.copy(), sheet.defect.copy(), sheet.atoms.copy()
    label = sheet.label.copy()
    low = 0.0
    for kind, share in shares.items():
        chosen = np.asarray((chance >= low) & (chance < low + share) & (defect == PERFECT))
        low += share
        if kind == VACANCY:
            weight[chosen], atoms[chosen] = 0, 0
        elif kind == PARTIAL:
            chosen &= atoms > 1
            lost = np.where(atoms[chosen] > 2, np.ceil(atoms[chosen] / 2), 1)
            weight[chosen] *= 1 - lost / atoms[chosen]
            atoms[chosen] -= lost
        elif kind == LIGHTER:
            weight[chosen] *= rng.uniform(0.4, 0.65, np.count_nonzero(chosen))
        elif kind == HEAVIER:
            weight[chosen] *= rng.uniform(1.6, 3, np.count_nonzero(chosen))
        elif kind == ANTISITE:
            other, named = _other_kind(sheet)
            chosen &= other != sheet.weight
            weight[chosen], label[chosen] = other[chosen], named[chosen]
        defect[chosen] = kind
    return replace(sheet, weight=weight, defect=defect, atoms=atoms, label=label)


def _other_kind(sheet: Sheet) -> tuple[Float, NDArray[np.str_]]:
    """Return weight and label of the next lighter kind of column, the heaviest for the lightest."""
    kinds, first, kind = np.unique(sheet.weight.round(6), return_index=True, return_inverse=True)
    return np.roll(kinds, 1)[kind], sheet.label[np.roll(first, 1)[kind]]


def with_adatoms(sheet: Sheet, share: float, rng: np.random.Generator) -> Sheet:
    """Put single atoms between the columns, or on them where there is no room between."""
    n = rng.binomial(len(sheet), share)
    if not n:
        return sheet
    hosts = rng.choice(len(sheet), n, replace=False)
    directions = rng.uniform(0, 2 * np.pi, n)
    steps = np.stack([np.cos(directions), np.sin(directions)], axis=1)
    places = sheet.position[hosts] + sheet.spacing * steps
    nearest, _ = KDTree(sheet.position).query(places)
    between = np.asarray(nearest) > _TOO_CLOSE * sheet.spacing
    weight, defect, atoms = sheet.weight.copy(), sheet.defect.copy(), sheet.atoms.copy()
    on_top = hosts[~between]
    weight[on_top] += 0.5
    atoms[on_top] += 1
    defect[on_top] = ADATOM
    m = int(between.sum())
    bright = rng.uniform(0.5, 1.5, m)
    added = Sheet(
        places[between],
        bright,
        np.ones(m),
        np.full(m, UNTOLD),
        np.full(m, ADATOM, "U16"),
        sheet.spacing,
        bright,
        np.ones(m),
    )
    return replace(sheet, weight=weight, defect=defect, atoms=atoms).joined(added)


def with_clump(sheet: Sheet, shape: tuple[int, int], rng: np.random.Generator) -> Sheet:
    """Heap atoms on a round part of the image (Y, X); none in it, nor below, can be told apart."""
    middle = rng.uniform(0, shape[::-1])
    radius = rng.uniform(1.5, 5) * sheet.spacing
    n = rng.poisson(rng.uniform(1, 3) * np.pi * (radius / sheet.spacing) ** 2)
    direction, distance = rng.uniform(0, 2 * np.pi, n), radius * np.sqrt(rng.uniform(size=n))
    places = middle + distance[:, np.newaxis] * np.stack(
        [np.cos(direction), np.sin(direction)], axis=1
    )
    below = np.linalg.norm(sheet.position - middle, axis=1) < radius + 0.7 * sheet.spacing
    weight = rng.uniform(0.2, 1, n) * rng.uniform(0.3, 2)
    heap = Sheet(
        places,
        weight,
        np.ones(n),
        np.full(n, UNTOLD),
        np.full(n, CLUMP, "U16"),
        sheet.spacing,
        weight,
        np.ones(n),
    )
    defect = np.where(below, CLUMP, sheet.defect)
    return replace(sheet, defect=defect).joined(heap)


def with_rotated_bond(sheet: Sheet, near: tuple[float, float]) -> Sheet:
    """Turn the bond nearest to a place by 90 degrees, which makes two five- and two seven-rings.

    The neighborhood relaxes by springs between bonded atoms. For a honeycomb.

    Source: Stone and Wales, Chem. Phys. Lett. 128, 501 (1986).
    """
    tree = KDTree(sheet.position)
    pairs = tree.query_pairs(1.2 * sheet.spacing, output_type="ndarray")
    middles = sheet.position[pairs].mean(axis=1)
    i, j = pairs[np.linalg.norm(middles - near, axis=1).argmin()]
    middle = sheet.position[[i, j]].mean(axis=0)
    position = sheet.position.copy()
    position[[i, j]] = (position[[i, j]] - middle) @ rotation(90) + middle
    # Each turned atom keeps the bond between them and takes its two new nearest neighbors.
    others = pairs[~np.isin(pairs, (i, j)).any(axis=1)]
    rest = np.setdiff1d(np.arange(len(position)), (i, j))
    nearest = rest[KDTree(position[rest]).query(position[[i, j]], k=2)[1]]
    turned = [(i, j), *((i, k) for k in nearest[0]), *((j, k) for k in nearest[1])]
    bonds = np.concatenate([others, turned])
    position = _relaxed(position, bonds, middle, sheet.spacing)
    defect = sheet.defect.copy()
    defect[[i, j]] = ROTATED_BOND
    return replace(sheet, position=position, defect=defect)


def _relaxed(position: Float, bonds: Integer, middle: Float, spacing: float) -> Float:
    """Move atoms around a place until bonds are as long as the spacing, and others farther."""
    around = np.flatnonzero(np.linalg.norm(position - middle, axis=1) < 7 * spacing)
    places = position[around]
    bonds = np.searchsorted(around, bonds[np.isin(bonds, around).all(axis=1)])
    pairs = KDTree(places).query_pairs(2 * _SECOND * spacing, output_type="ndarray")
    pairs = np.unique(np.sort(np.concatenate([bonds, pairs]), axis=1), axis=0)
    n = len(places)
    bonded = np.isin(pairs @ [n, 1], np.sort(bonds, axis=1) @ [n, 1])
    moving = np.linalg.norm(places - middle, axis=1) < 5.5 * spacing
    i, j = pairs.T
    for _ in range(300):
        apart = places[i] - places[j]
        length = np.hypot(*apart.T) + 1e-9
        pull = np.where(bonded, length - spacing, 0.5 * np.minimum(length - _SECOND * spacing, 0))
        move = (0.1 * pull / length)[:, np.newaxis] * apart
        for axis in (0, 1):
            step = np.bincount(j, move[:, axis], n) - np.bincount(i, move[:, axis], n)
            places[:, axis] += np.where(moving, step, 0)
    relaxed = position.copy()
    relaxed[around] = places
    return relaxed
