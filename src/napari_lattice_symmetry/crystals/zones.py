"""Zone axes: which there are, and the directions across them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.structure import Crystal
from napari_lattice_symmetry.errors import InputError

Float = NDArray[np.float64]
Integer = NDArray[np.int64]
Zone = tuple[int, ...]


def parse_zone(text: str) -> Zone:
    """Read indices that blanks or commas part, such as "1 1 0" or "[2 -1 -1 0]".

    Raises
    ------
    InputError
        If these are no whole numbers, three or four.
    """
    parts = text.strip("[] ").replace(",", " ").split()
    try:
        zone = tuple(int(part) for part in parts)
    except ValueError:
        zone = ()
    if len(zone) not in (3, 4):
        raise InputError(f"{text!r} is no zone axis: type three whole numbers, or four.")
    return zone


def check_zone(zone: Sequence[int]) -> Integer:
    """Return the three indices of an axis, without a common factor.

    Raises
    ------
    InputError
        If these are no three integers, or four whose first three add up to 0.
    """
    text = f"[{' '.join(map(str, np.ravel(zone)))}]"
    try:
        given = np.array(zone, dtype=np.float64)
    except (TypeError, ValueError):
        given = np.empty(0)
    whole = given.shape in ((3,), (4,)) and bool(np.all(given == np.rint(given)))
    if not whole or not given.any():
        raise InputError(f"{text} is no zone axis: give three integers that are not all 0.")
    indices = given.astype(np.int64)
    if len(indices) == 4:
        if indices[:3].sum():
            raise InputError(f"{text} is no zone axis: the first three of four add up to 0.")
        u, v, t, w = indices
        indices = np.array([u - t, v - t, w])
    return np.asarray(indices // np.gcd.reduce(indices))


def zone_axes(crystal: Crystal, max_index: int) -> list[Zone]:
    """List the axes up to an index that symmetry does not bring about, the shortest first.

    Of a single layer in empty space there is one alone, that across it.

    Parameters
    ----------
    crystal : Crystal
        Where atoms lie, in a cell.
    max_index : int
        The largest index of an axis, in terms of the conventional cell.

    Returns
    -------
    list of tuple of int
        Indices u, v, w of each axis.

    Raises
    ------
    InputError
        If the crystal has no cell.
    """
    cell = crystal.conventional
    if cell.layer_axis is not None:
        return [tuple(int(index) for index in np.eye(3, dtype=int)[cell.layer_axis])]
    indices = range(-max_index, max_index + 1)
    zones = np.array([each for each in product(indices, repeat=3) if math.gcd(*each) == 1])
    lengths = np.linalg.norm(zones @ cell.atoms.cell.array, axis=1)
    along_axes = np.count_nonzero(zones, axis=1, keepdims=True) == 1
    names = np.where(along_axes, zones, -zones)  # [0 0 1], but [1 1 0]
    ranks = np.lexsort((*names.T[::-1], -zones.sum(axis=1), np.round(lengths, 6)))
    return once_each(crystal, zones[ranks])


def once_each(crystal: Crystal, zones: Sequence[Sequence[int]] | Integer) -> list[Zone]:
    """Leave out axes that symmetry, or a common factor, makes of one that is listed before.

    Raises
    ------
    InputError
        If one is no axis.
    """
    rotations = crystal.conventional.rotations
    rotations = np.concatenate([rotations, -rotations])
    found: list[Zone] = []
    known: set[Zone] = set()
    for zone in zones:
        axis = check_zone(zone)
        if tuple(axis.tolist()) not in known:
            found.append(tuple(int(index) for index in zone))
            known |= {tuple(each.tolist()) for each in rotations @ axis}
    return found


def steps_across(axis: Integer) -> tuple[Integer, Integer]:
    """Return two steps that with the axis span all whole numbers."""
    u, v, w = axis.tolist()
    g, s, t = _bezout(u, v)
    if g == 0:
        return np.array([1, 0, 0]), np.array([0, 1, 0])
    _, e, f = _bezout(g, w)
    return np.array([-t, s, 0]), np.array([-f * u // g, -f * v // g, e])


def _bezout(a: int, b: int) -> tuple[int, int, int]:
    """Return the greatest common divisor g, s and t with ``s a + t b = g``."""
    s, t, next_s, next_t = 1, 0, 0, 1
    while b:
        quotient, rest = divmod(a, b)
        a, b = b, rest
        s, t, next_s, next_t = next_s, next_t, s - quotient * next_s, t - quotient * next_t
    return (a, s, t) if a >= 0 else (-a, -s, -t)


def plane_axes(lattice: Float, axis: Integer) -> Float:
    """Return two unit vectors across the axis, in rows, that with it are right-handed."""
    along = axis @ lattice
    along = along / np.linalg.norm(along)
    start = np.eye(3)[np.abs(along).argmin()]
    x = start - (start @ along) * along
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(along, x)])
