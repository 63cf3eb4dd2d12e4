"""The dock "Structure without labels": what there is in a movie beyond the six classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QTabWidget

from napari_lattice_symmetry.plugin.selection.selection import selection_of
from napari_lattice_symmetry.plugin.structure.embedding_tab import EmbeddingTab
from napari_lattice_symmetry.plugin.structure.unmixing_tab import UnmixingTab
from napari_lattice_symmetry.plugin.widgets.dock import Dock
from napari_lattice_symmetry.plugin.widgets.selection_line import SelectionLine

if TYPE_CHECKING:
    import napari.viewer


class StructureWidget(Dock):
    """Unmixes the image, and embeds the windows of the result, in the selected layer.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers these are.
    """

    page = "structure.md"

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.selection = selection_of(viewer)
        self.unmixing = self.keep(UnmixingTab(viewer, self.selection))
        self.embedding = self.keep(EmbeddingTab(viewer, self.selection))
        self.result_text = self.keep(SelectionLine(self.selection))
        self.tabs = QTabWidget()
        self.tabs.addTab(self.unmixing, "Unmixing")
        self.tabs.addTab(self.embedding, "Embedding")
        layout = self.column
        layout.addWidget(self.result_text)
        layout.addWidget(self.tabs, stretch=1)
