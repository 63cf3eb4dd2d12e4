"""Crystals: structures from files, what is seen along an axis, and which of them a map shows."""

from napari_lattice_symmetry.crystals.families.classifier import FamilyClassification, classify
from napari_lattice_symmetry.crystals.families.prototypes import FAMILIES
from napari_lattice_symmetry.crystals.families.responses import attentive_response, grad_cam
from napari_lattice_symmetry.crystals.families.symmetry import symmetry_families
from napari_lattice_symmetry.crystals.fingerprint import fingerprint
from napari_lattice_symmetry.crystals.lookup import fitting_prototypes, suggest_prototypes
from napari_lattice_symmetry.crystals.matching import (
    CrystalMatch,
    Phase,
    match,
)
from napari_lattice_symmetry.crystals.parameters import MatchParameters
from napari_lattice_symmetry.crystals.projection import Columns, Projection, project
from napari_lattice_symmetry.crystals.prototypes import prototype, prototypes
from napari_lattice_symmetry.crystals.structure import Crystal, SymmetryCurve, read_structure
from napari_lattice_symmetry.crystals.zones import zone_axes

__all__ = [
    "FAMILIES",
    "Columns",
    "Crystal",
    "CrystalMatch",
    "FamilyClassification",
    "MatchParameters",
    "Phase",
    "Projection",
    "SymmetryCurve",
    "attentive_response",
    "classify",
    "fingerprint",
    "fitting_prototypes",
    "grad_cam",
    "match",
    "project",
    "prototype",
    "prototypes",
    "read_structure",
    "suggest_prototypes",
    "symmetry_families",
    "zone_axes",
]
