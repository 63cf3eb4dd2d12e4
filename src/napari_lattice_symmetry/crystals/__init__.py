"""Crystals: structures from files, what is seen along an axis, and which of them a map shows."""

from napari_lattice_symmetry.crystals.families.classifier import FamilyClassification, classify
from napari_lattice_symmetry.crystals.families.defects import Defects
from napari_lattice_symmetry.crystals.families.prototypes import FAMILIES
from napari_lattice_symmetry.crystals.families.responses import attentive_response, grad_cam
from napari_lattice_symmetry.crystals.families.symmetry import symmetry_families
from napari_lattice_symmetry.crystals.families.trial import FamilyTrial, try_families
from napari_lattice_symmetry.crystals.fingerprint import fingerprint
from napari_lattice_symmetry.crystals.lookup import (
    CommonLattice,
    common_lattice,
    fitting_prototypes,
    suggest_prototypes,
)
from napari_lattice_symmetry.crystals.matching import match
from napari_lattice_symmetry.crystals.parameters import MatchParameters
from napari_lattice_symmetry.crystals.phases import CrystalMatch, Phase
from napari_lattice_symmetry.crystals.projection import Columns, Projection, project
from napari_lattice_symmetry.crystals.prototypes import prototype, prototypes
from napari_lattice_symmetry.crystals.reading import read_structure
from napari_lattice_symmetry.crystals.structure import Crystal, SymmetryCurve
from napari_lattice_symmetry.crystals.zones import zone_axes

__all__ = [
    "FAMILIES",
    "Columns",
    "CommonLattice",
    "Crystal",
    "CrystalMatch",
    "Defects",
    "FamilyClassification",
    "FamilyTrial",
    "MatchParameters",
    "Phase",
    "Projection",
    "SymmetryCurve",
    "attentive_response",
    "classify",
    "common_lattice",
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
    "try_families",
    "zone_axes",
]
