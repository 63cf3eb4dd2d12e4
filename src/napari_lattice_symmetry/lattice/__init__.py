"""2D crystallography: classes, bases, drawing lattices, simulated movies with known truth."""

from napari_lattice_symmetry.lattice.classes import CLASSES, COLOURS, LABELS, NOT_ANALYSED
from napari_lattice_symmetry.lattice.movies import SIMULATIONS, SimulatedMovie, simulate

__all__ = [
    "CLASSES",
    "COLOURS",
    "LABELS",
    "NOT_ANALYSED",
    "SIMULATIONS",
    "SimulatedMovie",
    "simulate",
]
