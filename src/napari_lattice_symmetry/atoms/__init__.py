"""Atoms: found, refined, scored against a truth; defects; pictures whose atoms are known."""

from napari_lattice_symmetry.atoms.classes import classify
from napari_lattice_symmetry.atoms.defect_table import Defects
from napari_lattice_symmetry.atoms.defects import find_defects
from napari_lattice_symmetry.atoms.finding.find import find_atoms, iter_find_atoms
from napari_lattice_symmetry.atoms.finding.parameters import FindParameters
from napari_lattice_symmetry.atoms.reading import read_atoms
from napari_lattice_symmetry.atoms.score import ClassScore, Score, score
from napari_lattice_symmetry.atoms.simulation.movie import AtomMovie, sample_movie
from napari_lattice_symmetry.atoms.simulation.pictures import AtomImage, AtomPicture
from napari_lattice_symmetry.atoms.table import Atoms

__all__ = [
    "AtomImage",
    "AtomMovie",
    "AtomPicture",
    "Atoms",
    "ClassScore",
    "Defects",
    "FindParameters",
    "Score",
    "classify",
    "find_atoms",
    "find_defects",
    "iter_find_atoms",
    "read_atoms",
    "sample_movie",
    "score",
]
