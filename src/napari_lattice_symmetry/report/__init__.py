"""An analysis on one HTML page."""

from napari_lattice_symmetry.report.page import write_report

__all__ = ["write_report"]
