"""One crystal, broken as far as is asked for, and what each method still says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.clusters import cluster, repeat_crystal
from napari_lattice_symmetry.crystals.families.classifier import (
    FINGERPRINT,
    NETWORKS,
    FamilyClassification,
    difference_remark,
    load_families,
    size_remark,
)
from napari_lattice_symmetry.crystals.families.defects import (
    MAX_DISPLACEMENT,
    MAX_VACANCIES,
    Defects,
)
from napari_lattice_symmetry.crystals.families.symmetry import TOLERANCES, symmetry_families
from napari_lattice_symmetry.crystals.fingerprint import diffract
from napari_lattice_symmetry.crystals.structure import Crystal

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]

_BEYOND = (
    f"No network has seen more than {MAX_VACANCIES:.0%} of the atoms missing, or displacements of "
    f"more than {MAX_DISPLACEMENT:.0%}: take no answer for granted."
)
_TURNED = (
    "Of what lies in an unknown direction distances and angles tell; the fingerprint is meant for "
    "crystals along their axes."
)


@dataclass(frozen=True, eq=False)
class FamilyTrial:
    """What networks say of a crystal with defects.

    Parameters
    ----------
    fingerprint : ndarray, shape (64, 64, 3), float32
        Of what is left of it.
    atoms : int
        How many are left.
    answers : dict of str to FamilyClassification
        Of each network, for this one structure.
    remark : str
        What there is to say of these: which is meant for the crystal where they differ, and what is
        beyond all that networks have learned from. Empty if that is nothing.
    """

    fingerprint: Float32
    atoms: int
    answers: dict[str, FamilyClassification]
    remark: str = ""


def try_families(
    crystal: Crystal, defects: Defects, samples: int = 100, seed: int = 0
) -> FamilyTrial:
    """Return what the networks say of a crystal with defects.

    Parameters
    ----------
    crystal : Crystal
        The cluster of it is the one of which `fingerprint` is made.
    defects : Defects
        What is done to the cluster.
    samples : int
        Number of thinned networks.
    seed : int
        Chooses vacancies and displacements, and what thinned networks lack.

    Returns
    -------
    FamilyTrial
    """
    rng = np.random.default_rng(seed)
    whole, symbols = cluster(crystal)
    positions, symbols = defects.apply(whole, symbols, rng)
    image = diffract(positions, symbols)
    answers = {}
    for name in NETWORKS:
        network = load_families(name)
        seen = image if name == FINGERPRINT else network.see(positions, symbols)
        answers[name] = network.classify(seen[np.newaxis], samples, seed)
    remarks = (
        _differing(crystal, defects, answers),
        _BEYOND if defects.is_beyond_training else "",
        size_remark(len(whole)),  # from which training takes as many away
    )
    return FamilyTrial(image, len(positions), answers, " ".join(filter(None, remarks)))


def _differing(
    crystal: Crystal, defects: Defects, answers: Mapping[str, FamilyClassification]
) -> str:
    """Say which network is meant for a crystal where they differ."""
    told = difference_remark(crystal, answers)
    if told and (defects.rotation is not None or not crystal.has_cell):
        return _TURNED
    return told


def try_symmetry(
    crystal: Crystal,
    defects: Defects,
    tolerances: tuple[float, ...] = TOLERANCES,
    seed: int = 0,
) -> list[tuple[int, str, str]]:
    """Return what spglib says of the same defects in a supercell; see `symmetry_families`.

    Parameters
    ----------
    crystal : Crystal
        Of a cluster nothing is told.
    defects : Defects
        A turn of them changes nothing.
    tolerances : tuple of float
        Over the distance of neighbors.
    seed : int
        Chooses vacancies and displacements.
    """
    if not crystal.has_cell:
        return symmetry_families(crystal, tolerances)
    repeated = repeat_crystal(crystal)
    still = Defects(defects.vacancies, defects.displacement)
    symbols = repeated.get_chemical_symbols()
    rng = np.random.default_rng(seed)
    positions, kept = still.apply(repeated.positions, symbols, rng)
    return symmetry_families(supercell(crystal.name, positions, kept, repeated.cell), tolerances)


def supercell(name: str, positions: Float, symbols: list[str], cell: Any) -> Crystal:
    """Return a crystal of what repeats over vectors in angstrom."""
    from ase import Atoms

    return Crystal(name, Atoms(symbols, positions, cell=cell, pbc=True))
