"""2D crystallography: classes, bases, distortions, drawing lattices, simulated movies."""

from napari_lattice_symmetry.lattice.classes import CLASSES, COLOURS, LABELS, NOT_ANALYSED
from napari_lattice_symmetry.lattice.distortion import (
    correct_basis,
    pixel_distortion,
    solve_distortion,
)
from napari_lattice_symmetry.lattice.movies import SIMULATIONS, SimulatedMovie, simulate

__all__ = [
    "CLASSES",
    "COLOURS",
    "LABELS",
    "NOT_ANALYSED",
    "SIMULATIONS",
    "SimulatedMovie",
    "correct_basis",
    "pixel_distortion",
    "simulate",
    "solve_distortion",
]
