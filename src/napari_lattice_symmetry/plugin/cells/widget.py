"""The dock "Unit cell": the averaged cell, its plane group, strain, and the pixel size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QTabWidget

from napari_lattice_symmetry.plugin.cells.cell_tab import CellTab
from napari_lattice_symmetry.plugin.cells.pixel_tab import PixelTab
from napari_lattice_symmetry.plugin.cells.strain_tab import StrainTab
from napari_lattice_symmetry.plugin.cells.window_chooser import WindowChooser
from napari_lattice_symmetry.plugin.selection.selection import selection_of
from napari_lattice_symmetry.plugin.widgets.dock import Dock
from napari_lattice_symmetry.plugin.widgets.selection_line import SelectionLine

if TYPE_CHECKING:
    import napari.viewer


class CellsWidget(Dock):
    """Averages the unit cell of the selected image, and maps the strain of its result.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers these are.
    """

    page = "cells.md"

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.selection = selection_of(viewer)
        self.chooser = self.keep(WindowChooser(viewer, self.selection, self))
        self.cell = self.keep(CellTab(viewer, self.selection, self.chooser, self.when_seen))
        self.strain = self.keep(StrainTab(viewer, self.selection))
        self.pixel = self.keep(PixelTab(self.selection, self.chooser))
        self.result_text = self.keep(SelectionLine(self.selection))
        self.tabs = QTabWidget()
        self.tabs.addTab(self.cell, "Cell")
        self.tabs.addTab(self.strain, "Strain")
        self.tabs.addTab(self.pixel, "Pixel size")
        layout = self.column
        layout.addWidget(self.result_text)
        layout.addWidget(self.chooser.form.native)
        layout.addWidget(self.tabs, stretch=1)
