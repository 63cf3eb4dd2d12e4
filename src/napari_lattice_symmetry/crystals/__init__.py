"""Crystals: structures from files, what is seen along an axis, and which of them a map shows."""

from napari_lattice_symmetry.crystals.fingerprint import fingerprint
from napari_lattice_symmetry.crystals.matching import (
    CrystalMatch,
    Phase,
    fitting_prototypes,
    match,
)
from napari_lattice_symmetry.crystals.parameters import MatchParameters
from napari_lattice_symmetry.crystals.projection import Columns, Projection, project
from napari_lattice_symmetry.crystals.prototypes import prototype, prototypes
from napari_lattice_symmetry.crystals.structure import Crystal, SymmetryCurve, read_structure
from napari_lattice_symmetry.crystals.zones import zone_axes

__all__ = [
    "Columns",
    "Crystal",
    "CrystalMatch",
    "MatchParameters",
    "Phase",
    "Projection",
    "SymmetryCurve",
    "fingerprint",
    "fitting_prototypes",
    "match",
    "project",
    "prototype",
    "prototypes",
    "read_structure",
    "zone_axes",
]
