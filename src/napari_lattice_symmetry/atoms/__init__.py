"""Atoms: found, refined, scored, tracked, measured; defects; pictures whose atoms are known."""

from napari_lattice_symmetry.atoms.classes import classify
from napari_lattice_symmetry.atoms.defect_maps.evidence import DefectMaps, map_defects
from napari_lattice_symmetry.atoms.defect_search import find_defects
from napari_lattice_symmetry.atoms.defect_table import Defects
from napari_lattice_symmetry.atoms.finding.find import find_atoms, iter_find_atoms
from napari_lattice_symmetry.atoms.finding.parameters import FindParameters
from napari_lattice_symmetry.atoms.focal.columns import NamedSeries, find_columns, iter_name_series
from napari_lattice_symmetry.atoms.focal.density import (
    VacancyDensity,
    vacancies,
    vacancy_density,
)
from napari_lattice_symmetry.atoms.focal.microscope import Microscope
from napari_lattice_symmetry.atoms.focal.parameters import ColumnParameters
from napari_lattice_symmetry.atoms.focal.series import FocalPicture, FocalSeries
from napari_lattice_symmetry.atoms.focal.specimens.layer import Specimen
from napari_lattice_symmetry.atoms.measures.bonds import Bonds, KnownBonds, find_bonds, known_bonds
from napari_lattice_symmetry.atoms.measures.lives import DefectLives, follow_defects
from napari_lattice_symmetry.atoms.measures.rings import Rings, find_rings
from napari_lattice_symmetry.atoms.measures.sites import displacements, find_grains, polarization
from napari_lattice_symmetry.atoms.measures.tracks import measure_drift, track
from napari_lattice_symmetry.atoms.reading import read_atoms
from napari_lattice_symmetry.atoms.score import ClassScore, Score, score
from napari_lattice_symmetry.atoms.simulation.focal_sample import sample_series
from napari_lattice_symmetry.atoms.simulation.movie import AtomMovie, sample_movie
from napari_lattice_symmetry.atoms.simulation.pictures import AtomImage, AtomPicture
from napari_lattice_symmetry.atoms.table import Atoms

__all__ = [
    "AtomImage",
    "AtomMovie",
    "AtomPicture",
    "Atoms",
    "Bonds",
    "ClassScore",
    "ColumnParameters",
    "DefectLives",
    "DefectMaps",
    "Defects",
    "FindParameters",
    "FocalPicture",
    "FocalSeries",
    "KnownBonds",
    "Microscope",
    "NamedSeries",
    "Rings",
    "Score",
    "Specimen",
    "VacancyDensity",
    "classify",
    "displacements",
    "find_atoms",
    "find_bonds",
    "find_columns",
    "find_defects",
    "find_grains",
    "find_rings",
    "follow_defects",
    "iter_find_atoms",
    "iter_name_series",
    "known_bonds",
    "map_defects",
    "measure_drift",
    "polarization",
    "read_atoms",
    "sample_movie",
    "sample_series",
    "score",
    "track",
    "vacancies",
    "vacancy_density",
]
