"""2D crystallography: classes, bases, distortions, drawing lattices, simulated movies."""

from napari_lattice_symmetry.lattice.classes import (
    AT_LEAST,
    CLASSES,
    COLORS,
    LABELS,
    NOT_ANALYZED,
    at_least,
    most_probable,
)
from napari_lattice_symmetry.lattice.distortion import (
    correct_basis,
    describe_stretch,
    pixel_distortion,
    solve_distortion,
)
from napari_lattice_symmetry.lattice.movies import SIMULATIONS, SimulatedMovie, simulate

__all__ = [
    "AT_LEAST",
    "CLASSES",
    "COLORS",
    "LABELS",
    "NOT_ANALYZED",
    "SIMULATIONS",
    "SimulatedMovie",
    "at_least",
    "correct_basis",
    "describe_stretch",
    "most_probable",
    "pixel_distortion",
    "simulate",
    "solve_distortion",
]
