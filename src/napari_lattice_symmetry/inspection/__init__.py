"""A close look at one window, one simulated lattice or the surroundings of atoms."""

from napari_lattice_symmetry.inspection.atoms import symmetry_at_atoms
from napari_lattice_symmetry.inspection.simulation import (
    SweepPoint,
    inspect_lattice,
    iter_sweep,
    sweep_values,
    sweepable,
)
from napari_lattice_symmetry.inspection.simulation_plot import plot_sweep
from napari_lattice_symmetry.inspection.spots import spot_evidence
from napari_lattice_symmetry.inspection.window import Inspection, inspect_window, region_window
from napari_lattice_symmetry.inspection.window_plot import plot_inspection

__all__ = [
    "Inspection",
    "SweepPoint",
    "inspect_lattice",
    "inspect_window",
    "iter_sweep",
    "plot_inspection",
    "plot_sweep",
    "region_window",
    "spot_evidence",
    "sweep_values",
    "sweepable",
    "symmetry_at_atoms",
]
