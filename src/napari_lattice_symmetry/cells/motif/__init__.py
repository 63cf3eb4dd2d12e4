"""The atoms of an averaged cell: places, intensities, Wyckoff letters and site symmetries."""

from napari_lattice_symmetry.cells.motif.sites import OVERLAP, CellMotif, find_motif

__all__ = ["OVERLAP", "CellMotif", "find_motif"]
