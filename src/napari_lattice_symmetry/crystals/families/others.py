"""Structures of none of the families: what networks learn to leave unnamed.

Known prototypes, crystals of any space group with atoms at random, single layers of such, families
that are strained until they are none, and atoms without any order.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.families.prototypes import FAMILIES, TURNS, draw_cell
from napari_lattice_symmetry.crystals.families.symmetry import symmetry_families
from napari_lattice_symmetry.crystals.structure import Crystal

if TYPE_CHECKING:
    from ase import Atoms

Float = NDArray[np.float64]

# Space group, lengths and angles, and a place of every kind of atom.
_KNOWN: dict[str, tuple[int, tuple[float, ...], tuple[tuple[float, float, float], ...]]] = {
    "rutile": (136, (4.594, 4.594, 2.959), ((0, 0, 0), (0.305, 0.305, 0))),
    "fluorite": (225, (5.463,) * 3, ((0, 0, 0), (0.25, 0.25, 0.25))),
    "perovskite": (221, (3.905,) * 3, ((0.5, 0.5, 0.5), (0, 0, 0), (0.5, 0, 0))),
    "cementite": (
        62,
        (5.091, 6.743, 4.526),
        ((0.186, 0.063, 0.328), (0.036, 0.25, 0.852), (0.89, 0.25, 0.45)),
    ),
    "pyrite": (205, (5.417,) * 3, ((0, 0, 0), (0.385, 0.385, 0.385))),
    "anatase": (141, (3.785, 3.785, 9.514), ((0, 0, 0), (0, 0, 0.208))),
    "corundum": (167, (4.759, 4.759, 12.991, 90, 90, 120), ((0, 0, 0.352), (0.306, 0, 0.25))),
    "chromium silicide": (223, (4.556,) * 3, ((0, 0, 0), (0.25, 0, 0.5))),
    "aluminum boride": (191, (3.0, 3.0, 3.26, 90, 90, 120), ((0, 0, 0), (1 / 3, 2 / 3, 0.5))),
    "magnesium copper": (227, (7.05,) * 3, ((0.125, 0.125, 0.125), (0.5, 0.5, 0.5))),
    "quartz": (
        152,
        (4.913, 4.913, 5.405, 90, 90, 120),
        ((0.4697, 0, 0), (0.4135, 0.2669, 0.1191)),
    ),
    "uranium": (63, (2.854, 5.87, 4.955), ((0, 0.105, 0.25),)),
    "rhenium oxide": (221, (3.75,) * 3, ((0, 0, 0), (0.5, 0, 0))),
    "iron silicide": (198, (4.49,) * 3, ((0.137, 0.137, 0.137), (0.842, 0.842, 0.842))),
    "copper aluminum": (140, (6.07, 6.07, 4.87), ((0, 0, 0.25), (0.158, 0.658, 0))),
    "manganese": (213, (6.31,) * 3, ((0.0636, 0.0636, 0.0636), (0.125, 0.202, 0.452))),
    "calcium copper": (
        191,
        (5.08, 5.08, 4.09, 90, 90, 120),
        ((0, 0, 0), (1 / 3, 2 / 3, 0), (0.5, 0, 0.5)),
    ),
    "magnesium zinc": (
        194,
        (5.22, 5.22, 8.57, 90, 90, 120),
        ((1 / 3, 2 / 3, 0.062), (0, 0, 0), (0.83, 0.66, 0.25)),
    ),
    "niobium oxide": (221, (4.21,) * 3, ((0, 0.5, 0.5), (0.5, 0, 0))),
    "baddeleyite": (
        14,
        (5.15, 5.21, 5.31, 90, 99.2, 90),
        ((0.275, 0.04, 0.208), (0.07, 0.33, 0.345), (0.45, 0.757, 0.479)),
    ),
}

_KINDS = {"known": 0.25, "random": 0.35, "layer": 0.2, "strained": 0.12, "packing": 0.08}
_NEAR = (0.02, 0.1)  # shares of the neighbor distance within which no family may be found
_SPECIAL = np.array([0, 0, 0, 1 / 2, 1 / 2, 1 / 4, 3 / 4, 1 / 3, 2 / 3])
_OFTEN_SPECIAL = 0.65
_MAX_ATOMS, _LOOSEST = 32, 2.6  # volume of an atom over the cube of the nearest distance
_VACUUM = (4, 8)  # nearest distances between single layers
_PACKED, _TRIES = 250, 4000  # atoms, and places that are tried
_IMAGES = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


def draw_other(part: int, rng: np.random.Generator) -> tuple[str, Atoms]:
    """Draw the cell of a structure of none of the families.

    Parameters
    ----------
    part : int
        Training, validation or test.
    rng : numpy.random.Generator
        Draws it.

    Returns
    -------
    name : str
        Of its kind.
    cell : ase.Atoms
        Kinds of atoms are numbered from 1, in place of elements; nearest neighbors are 1 apart.
    """
    kind = str(rng.choice(list(_KINDS), p=list(_KINDS.values())))
    while True:
        cell = _DRAWN[kind](part, rng)
        if kind == "packing":
            return kind, cell
        cell.set_cell(cell.cell / nearest_distance(cell), scale_atoms=True)
        found = symmetry_families(Crystal(kind, cell), _NEAR)
        if not any(family for _, _, family in found):
            return kind, _as_layer(cell, rng) if kind == "layer" else cell


def nearest_distance(cell: Atoms) -> float:
    """Return the least distance between atoms of a crystal, images of the cell included."""
    places = cell.get_scaled_positions()
    steps = places[:, np.newaxis] - places
    steps = (steps - np.rint(steps))[:, :, np.newaxis] + _IMAGES
    lengths = np.linalg.norm(steps @ cell.cell.array, axis=-1)
    itself = np.arange(len(places))
    lengths[itself, itself, len(_IMAGES) // 2] = np.inf
    return float(lengths.min())


def _known(part: int, rng: np.random.Generator) -> Atoms:
    names = [name for i, name in enumerate(_KNOWN) if TURNS[i % len(TURNS)] == part]
    cell: Atoms = _prototype(names[rng.integers(len(names))]).copy()
    stretched = np.exp(rng.normal(0, 0.03, 3)) if rng.random() < 0.5 else np.ones(3)
    if np.isclose(cell.cell.angles()[2], 120):
        stretched[1] = stretched[0]
    cell.set_cell(cell.cell.array * stretched, scale_atoms=True)
    return cell


@cache
def _prototype(name: str) -> Atoms:
    from ase.spacegroup import crystal

    group, lengths, places = _KNOWN[name]
    parameters = lengths if len(lengths) == 6 else (*lengths, 90, 90, 90)
    numbers = range(1, len(places) + 1)
    built: Atoms = crystal(list(numbers), places, spacegroup=group, cellpar=parameters)
    return _plain(built.numbers, built.get_scaled_positions(), built.cell)


def _random(part: int, rng: np.random.Generator) -> Atoms:
    """Draw atoms in a random cell of a space group, none of them too close to another."""
    from ase.cell import Cell

    groups = [number for number in range(2, 231) if TURNS[number % len(TURNS)] == part]
    while True:
        number = int(rng.choice(groups))
        turned, moved = _operations(number)
        lattice = Cell.fromcellpar(_draw_lattice(number, rng))
        places, kinds = [], []
        for kind in range(1, int(rng.integers(2, 5))):
            special = rng.random(3) < _OFTEN_SPECIAL
            place = np.where(special, rng.choice(_SPECIAL, 3), rng.random(3))
            orbit = np.unique(np.round((turned @ place + moved) % 1, 6) % 1, axis=0)
            places.append(orbit)
            kinds.append(np.full(len(orbit), kind))
        if sum(map(len, places)) > _MAX_ATOMS:
            continue
        cell = _plain(np.concatenate(kinds), np.concatenate(places), lattice)
        room = cell.get_volume() / len(cell)
        if len(cell) > 1 and room < _LOOSEST * nearest_distance(cell) ** 3:
            return cell


@cache
def _operations(number: int) -> Any:
    """Return the rotations and translations of a space group."""
    from ase.spacegroup import Spacegroup

    return Spacegroup(number).get_op()


def _draw_lattice(number: int, rng: np.random.Generator) -> list[float]:
    """Draw lengths and angles of the crystal system of a space group."""
    a, b, c = np.exp(rng.normal(0, 0.4, 3))
    if number <= 2:
        return [a, b, c, *rng.uniform(70, 110, 3)]
    if number <= 15:
        return [a, b, c, 90, rng.uniform(90, 120), 90]
    if number <= 74:
        return [a, b, c, 90, 90, 90]
    if number <= 142:
        return [a, a, c, 90, 90, 90]
    if number <= 194:
        return [a, a, c * 1.3, 90, 90, 120]
    return [1, 1, 1, 90, 90, 90]


def _strained(part: int, rng: np.random.Generator) -> Atoms:
    """Strain a family by much, in all directions alike likely or along the axes."""
    cell = draw_cell(str(rng.choice(FAMILIES)), part, rng)[2]
    strain = np.diag(rng.uniform(-0.25, 0.25, 3))
    if rng.random() < 0.5:
        shear = rng.uniform(-0.15, 0.15, (3, 3))
        strain = strain + np.triu(shear, 1)
    cell.set_cell(cell.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    return _plain(np.ones(len(cell), int), cell.get_scaled_positions(), cell.cell)


def _packing(_part: int, rng: np.random.Generator) -> Atoms:
    """Add atoms at random wherever there is room, none nearer to another than 1."""
    side = (_PACKED / rng.uniform(0.35, 0.6)) ** (1 / 3)
    kept = np.empty((0, 3))
    for _ in range(_TRIES):
        place = rng.random(3) * side
        steps = kept - place
        steps -= side * np.rint(steps / side)
        if not (np.square(steps).sum(axis=1) < 1).any():
            kept = np.vstack([kept, place])
        if len(kept) == _PACKED:
            break
    return _plain(rng.integers(1, 3, len(kept)), kept / side, np.eye(3) * side)


def _as_layer(cell: Atoms, rng: np.random.Generator) -> Atoms:
    """Leave one cell along c, and put nothing above it."""
    layer: Atoms = cell.copy()
    layer.center(vacuum=rng.uniform(*_VACUUM) / 2, axis=2)
    return layer


def _plain(kinds: Any, places: Any, lattice: Any) -> Atoms:
    from ase import Atoms

    return Atoms(numbers=kinds, scaled_positions=places, cell=lattice, pbc=True)


_DRAWN = {
    "known": _known,
    "random": _random,
    "layer": _random,
    "strained": _strained,
    "packing": _packing,
}
