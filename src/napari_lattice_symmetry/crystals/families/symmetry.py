"""The family that the space group of a structure tells: the reference that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.neighbors import neighbor_distance
from napari_lattice_symmetry.crystals.structure import ANGSTROM, Crystal

Float = NDArray[np.float64]

TOLERANCES = (0.01, 0.05, 0.1, 0.2)
"""Within which shares of the neighbor distance atoms count as equivalent."""

# Within a tenth networks have learned no structure of a family as one of none.
_FAMILY_WITHIN = TOLERANCES[:3]
# Of every family the space group, and the atoms in its standard cell.
_GROUPS = {
    221: ("sc", (1,)),
    225: ("fcc", (4,)),
    227: ("diamond", (8,)),
    229: ("bcc", (2,)),
    139: ("bct139", (2,)),
    141: ("bct141", (4,)),
    166: ("hex/rh", (3, 6)),
    191: ("hex/rh", (1,)),
    194: ("hex/rh", (2, 4)),
}
_NOTHING_KNOWN = 2  # P1 and P-1 are left of any structure that has defects
_MAX_WHOLE = 12  # atoms; a supercell with a vacancy has more, and may have symmetry, too


def symmetry_families(
    crystal: Crystal, tolerances: Sequence[float] = TOLERANCES
) -> list[tuple[int, str, str]]:
    """Return space groups by spglib and the families they tell, elements left out of account.

    Parameters
    ----------
    crystal : Crystal
        With a cell; of a cluster, or of more atoms than symmetry is looked for in, nothing is
        told.
    tolerances : sequence of float
        Distances within which atoms count as equivalent, over that of neighbors.

    Returns
    -------
    list of (int, str, str)
        Number and symbol of each group, 0 and "" where none is found, and the family: one of
        `FAMILIES`, or "" for none of them.
    """
    if not crystal.has_cell or crystal.is_too_large:
        return [(0, "", "")] * len(tolerances)
    found = [_setting(crystal, each) for each in tolerances]
    return [
        (0, "", "")
        if each is None
        else (int(each.number), str(each.international), _family(each.number, len(each.std_types)))
        for each in found
    ]


def family_setting(crystal: Crystal) -> Any:
    """Return what spglib finds of a crystal where its group tells a family; else None.

    Elements are left out of account. The least distance within which a family is told counts,
    up to a tenth of that of neighbors.
    """
    if not crystal.has_cell or crystal.is_too_large:
        return None
    for found in (_setting(crystal, each) for each in _FAMILY_WITHIN):
        if found is not None and _family(found.number, len(found.std_types)):
            return found
    return None


def is_whole(crystal: Crystal) -> bool:
    """Return whether a cell has no defects: it has symmetry, and few atoms if primitive."""
    if not crystal.has_cell or crystal.is_too_large:
        return False
    found = _setting(crystal, TOLERANCES[0])
    if found is None or found.number <= _NOTHING_KNOWN:
        return False
    return len(np.unique(found.mapping_to_primitive)) <= _MAX_WHOLE


def outside_remark(symmetry: Sequence[tuple[int, str, str]]) -> str:
    """Say so where the symmetry is that of a structure of none of the families; else nothing.

    Parameters
    ----------
    symmetry : sequence of (int, str, str)
        As `symmetry_families` gives it, the least tolerance first.
    """
    number, symbol, family = symmetry[0]
    if family or number <= _NOTHING_KNOWN:
        return ""
    return f"By space group, {symbol}, and atoms a cell it is of none of the seven families."


@lru_cache(maxsize=64)  # spglib is slow where nothing repeats
def _setting(crystal: Crystal, tolerance: float) -> Any:
    """Return what spglib finds within a share of the distance of neighbors."""
    from ase import Atoms

    atoms = crystal.atoms
    alike = ["C"] * len(atoms)  # made anew: a copy keeps which elements share its sites
    plain = Atoms(alike, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    scale = neighbor_distance(plain.repeat(2).positions) * ANGSTROM
    return Crystal(crystal.name, plain).setting(tolerance * scale)


def _family(number: int, atoms: int) -> str:
    family, counts = _GROUPS.get(number, ("", ()))
    return family if atoms in counts else ""
