"""The cluster of atoms of which networks see a structure: cut from a crystal, or as it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.families.symmetry import family_setting
from napari_lattice_symmetry.crystals.structure import Crystal
from napari_lattice_symmetry.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms

Float = NDArray[np.float64]

ATOMS = 250
"""About how many atoms the cluster of a crystal has."""

FEWEST, MOST = 60, 450
"""About how many atoms those had that networks have learned from, before any were missing."""

_EDGE = 1e-6  # of the distance from the middle: atoms of one plane stay together


def cluster(crystal: Crystal, atoms: int = ATOMS) -> tuple[Float, list[str]]:
    """Cut a cluster from a crystal, as cubic as possible; from a large cluster the middle.

    Parameters
    ----------
    crystal : Crystal
        One whose symmetry tells a family, elements left out of account, is cut along the
        conventional axes of that; any other one along the axes of its file.
    atoms : int
        About how many there shall be. A cluster or a box of up to `MOST` stays whole.

    Returns
    -------
    positions : ndarray, shape (n, 3)
        In angstrom.
    symbols : list of str
        Of the elements; of a shared site the most frequent.

    Raises
    ------
    InputError
        If it is one atom without a cell.
    """
    found = crystal.atoms
    if crystal.has_cell:
        found = repeat_crystal(crystal, atoms)
    elif len(found) < 2:
        raise InputError(
            f"{crystal.name} is one atom without a cell; "
            "a fingerprint needs at least two atoms, or a cell."
        )
    if len(found) > MOST:
        found = found[_middle(found.positions, atoms)]
    return found.positions, found.get_chemical_symbols()


def repeat_crystal(crystal: Crystal, atoms: int = ATOMS) -> Atoms:
    """Repeat a crystal to about as many atoms, along the conventional axes that `cluster` tells.

    Atoms lie where the file has them, and stay what they are: only the axes are those of the
    family.
    """
    setting = None if crystal.layer_axis is not None else family_setting(crystal)
    if setting is None:
        return repeat_cell(crystal.atoms, atoms, crystal.layer_axis)
    return _repeat_setting(crystal.atoms, setting, atoms)


def repeat_cell(cell: Atoms, atoms: int = ATOMS, layer_axis: int | None = None) -> Atoms:
    """Repeat a cell to about as many atoms, as cubic as possible; a single layer as square.

    Parameters
    ----------
    cell : ase.Atoms
        With lattice vectors.
    atoms : int
        About how many there shall be.
    layer_axis : int, optional
        The axis across a single layer, along which it is not repeated.
    """
    lengths = cell.cell.lengths()
    wanted = (cell.get_volume() * atoms / len(cell)) ** (1 / 3) / lengths
    if layer_axis is not None:
        side = np.sqrt(atoms / len(cell) * np.delete(lengths, layer_axis).prod())
        wanted = side / lengths
        wanted[layer_axis] = 1
    repeated: Atoms = cell.repeat(np.maximum(np.rint(wanted).astype(int), 1).tolist())
    return repeated


def _repeat_setting(own: Atoms, setting: Any, atoms: int) -> Atoms:
    """Repeat the standard cell that spglib has found, filled with the atoms of the file.

    spglib takes fractions x of the file to ``P x + p`` of the standard cell, and turns it.
    """
    from ase import Atoms

    count = len(setting.std_types)
    standard = Atoms(
        numbers=np.ones(count, int),
        cell=setting.std_lattice,
        scaled_positions=setting.std_positions,
        pbc=True,
    )
    repeated = repeat_cell(standard, atoms)
    back = np.linalg.inv(setting.transformation_matrix)
    places = repeated.positions @ np.linalg.inv(setting.std_lattice) - setting.origin_shift
    steps = (places @ back.T)[:, np.newaxis] - own.get_scaled_positions()
    steps -= np.rint(steps)
    nearest = np.linalg.norm(steps @ own.cell.array, axis=2).argmin(axis=1)
    fractions = places @ back.T - steps[np.arange(len(nearest)), nearest]
    # Where the cell is not quite the standard one, what turns it strains it, too.
    left, _, right = np.linalg.svd(setting.std_rotation_matrix)
    turned = own.cell.array @ (left @ right).T
    repeats = repeated.cell.array @ np.linalg.inv(setting.std_lattice)
    return Atoms(
        numbers=own.numbers[nearest],
        positions=fractions @ turned,
        cell=repeats @ back.T @ turned,
        pbc=True,
    )


def _middle(positions: Float, atoms: int) -> NDArray[np.bool_]:
    """Choose a cube of about as many atoms, around that which is nearest to the middle."""
    from_mean = np.linalg.norm(positions - positions.mean(axis=0), axis=1)
    away = np.abs(positions - positions[from_mean.argmin()]).max(axis=1)
    return np.asarray(away <= np.partition(away, atoms - 1)[atoms - 1] * (1 + _EDGE))
