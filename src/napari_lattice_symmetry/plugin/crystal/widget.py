"""The dock "Crystal": which crystal a result shows, and what is known of a structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QTabWidget

from napari_lattice_symmetry.plugin.crystal.crystal_tab import CrystalTab
from napari_lattice_symmetry.plugin.crystal.family_tab import FamilyTab
from napari_lattice_symmetry.plugin.crystal.match_tab import MatchTab
from napari_lattice_symmetry.plugin.crystal.projection_tab import ProjectionTab
from napari_lattice_symmetry.plugin.crystal.structures import StructureList
from napari_lattice_symmetry.plugin.crystal.symmetry_tab import SymmetryTab
from napari_lattice_symmetry.plugin.selection.selection import selection_of
from napari_lattice_symmetry.plugin.widgets.dock import Dock
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow

if TYPE_CHECKING:
    import napari.viewer


class CrystalWidget(Dock):
    """Matches crystals to the selected result, and shows what is known of one of them.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers these are.
    """

    page = "crystals.md"

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.selection = selection_of(viewer)
        self.structures = StructureList()
        self.match = self.keep(MatchTab(viewer, self.selection, lambda: self.structures.sources))
        self.family = self.keep(FamilyTab(viewer, lambda: self.structures.chosen))
        self.symmetry = self.keep(SymmetryTab(viewer, lambda: self.structures.chosen))
        self.projection = self.keep(ProjectionTab(viewer, lambda: self.structures.chosen))
        self.tabs = QTabWidget()
        keep_narrow(self.tabs)
        self.tabs.addTab(self.match, "Match")
        self.tabs.addTab(self.family, "Family")
        self.tabs.addTab(self.symmetry, "Symmetry")
        self.tabs.addTab(self.projection, "Projection")
        layout = self.column
        layout.addWidget(self.structures)
        layout.addWidget(self.tabs, stretch=1)
        self.match.suggested.connect(self._add_suggested)
        self.structures.changed.connect(self._ask)
        self.tabs.currentChanged.connect(self._ask)

    def _add_suggested(self, names: list[str]) -> None:
        for name in names:
            self.structures.add_listed(name)

    def _ask(self, _index: int = 0) -> None:
        """Have the tab that is seen shown anew."""
        seen = self.tabs.currentWidget()
        if isinstance(seen, CrystalTab):
            seen.ask()
