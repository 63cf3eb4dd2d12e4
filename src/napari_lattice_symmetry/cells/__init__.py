"""Unit cells: structure factors, plane groups, the averaged cell and its motif."""

from napari_lattice_symmetry.cells.answer import GroupRow, PlaneGroup
from napari_lattice_symmetry.cells.averaging import average_cell
from napari_lattice_symmetry.cells.motif import CellMotif
from napari_lattice_symmetry.cells.naming import plane_group, plane_groups
from napari_lattice_symmetry.cells.plots import plot_cell
from napari_lattice_symmetry.cells.strain import (
    KNOWN_CELLS,
    PixelSize,
    fitted_strain,
    pixel_size_of,
)
from napari_lattice_symmetry.cells.unit_cell import FactorTable, UnitCell
from napari_lattice_symmetry.cells.writing import write_cell

__all__ = [
    "KNOWN_CELLS",
    "CellMotif",
    "FactorTable",
    "GroupRow",
    "PixelSize",
    "PlaneGroup",
    "UnitCell",
    "average_cell",
    "fitted_strain",
    "pixel_size_of",
    "plane_group",
    "plane_groups",
    "plot_cell",
    "write_cell",
]
