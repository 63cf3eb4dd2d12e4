"""The dock "Structure without labels": what there is in a movie beyond the six classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QTabWidget, QVBoxLayout

from napari_lattice_symmetry.plugin.selection.structure_source import SubjectFollower
from napari_lattice_symmetry.plugin.structure.embedding_tab import EmbeddingTab
from napari_lattice_symmetry.plugin.structure.unmixing_tab import UnmixingTab
from napari_lattice_symmetry.plugin.widgets.dock import Dock

if TYPE_CHECKING:
    import napari.viewer


class StructureWidget(Dock):
    """Unmixes the image, and embeds the windows of the result, in the selected layer.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers these are.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.follower = SubjectFollower(viewer, self)
        self.unmixing = UnmixingTab(viewer, self.follower)
        self.embedding = EmbeddingTab(viewer, self.follower)
        self.subject_text = QLabel()
        self.subject_text.setToolTip("What the selected layer shows.")
        self.subject_text.setWordWrap(True)
        self.tabs = QTabWidget()
        self.tabs.addTab(self.unmixing, "Unmixing")
        self.tabs.addTab(self.embedding, "Embedding")
        layout = QVBoxLayout(self)
        layout.setSpacing(4)
        layout.addWidget(self.subject_text)
        layout.addWidget(self.tabs, stretch=1)
        self.follower.changed.connect(self._on_subject)
        self._on_subject()

    def release(self) -> None:
        """Stop, and let go of the viewer."""
        self.follower.release()
        self.unmixing.release()
        self.embedding.release()

    def _on_subject(self) -> None:
        self.subject_text.setText(f"Works on {self.follower.subject.describe()}")
