"""The dock "Atoms": finds the atoms of the selected image, colors and checks them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QFormLayout, QPushButton, QTabWidget

from napari_lattice_symmetry.atoms import find_atoms
from napari_lattice_symmetry.errors import guard
from napari_lattice_symmetry.plugin.atoms.check_tab import CheckTab
from napari_lattice_symmetry.plugin.atoms.coloring import title_of
from napari_lattice_symmetry.plugin.atoms.current import CurrentAtoms
from napari_lattice_symmetry.plugin.atoms.edits import Edits
from napari_lattice_symmetry.plugin.atoms.find_tab import FindTab
from napari_lattice_symmetry.plugin.atoms.focal.layers import make_maps, make_vacancies
from napari_lattice_symmetry.plugin.atoms.focal.tab import FocalTab, NamedColumns
from napari_lattice_symmetry.plugin.atoms.layers import FoundAtoms
from napari_lattice_symmetry.plugin.atoms.measures.following import follow_image
from napari_lattice_symmetry.plugin.atoms.measures.plot_tab import PlotTab
from napari_lattice_symmetry.plugin.atoms.measures.plots import NEIGHBORS, plot_quantity
from napari_lattice_symmetry.plugin.atoms.measures.tab import MeasureTab
from napari_lattice_symmetry.plugin.atoms.review_tab import ReviewTab
from napari_lattice_symmetry.plugin.atoms.search import Finder, SearchAnswer
from napari_lattice_symmetry.plugin.selection.selection import selection_of
from napari_lattice_symmetry.plugin.widgets.dock import Dock
from napari_lattice_symmetry.plugin.widgets.export_dialog import export
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow
from napari_lattice_symmetry.plugin.widgets.selection_line import SelectionLine

if TYPE_CHECKING:
    from pathlib import Path

    import napari.viewer

    from napari_lattice_symmetry.atoms import Atoms

_FILES = "Table (*.csv);;Table (*.parquet);;XYZ in nm (*.xyz);;Extended XYZ in nm (*.extxyz)"


class AtomsWidget(Dock):
    """Finds atoms in the selected image, and shows what is known of each.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers these are.
    finder : callable
        What finds atoms in a frame.
    """

    page = "atoms-dock.md"

    def __init__(self, viewer: napari.viewer.Viewer, finder: Finder = find_atoms) -> None:
        super().__init__()
        self.viewer, self.selection = viewer, selection_of(viewer)
        self.current = self.keep(CurrentAtoms(viewer, self.selection, self))
        self.whose = self.keep(SelectionLine(self.selection, self.current.describe))
        self.current.changed.connect(self.whose.tell)
        self.searching = self.keep(FindTab(viewer, self.selection, finder))
        self.searching.found.connect(self._on_found)
        self.color = QComboBox()
        self.color.setToolTip(
            "What the colors of the points stand for; the legend is on the image. Values that are "
            "not known are gray."
        )
        self.color.activated.connect(lambda _: self.current.color_by(self.color.currentData()))
        keep_narrow(self.color)
        self.tabs = QTabWidget()
        keep_narrow(self.tabs)
        self.tabs.setStyleSheet("QTabBar::tab { padding: 3px 1px; margin-right: 1px; }")
        self.edits = self.keep(Edits(self.current, finder, self))
        self.review = self.keep(ReviewTab(viewer, self.current, self.edits))
        self.tabs.addTab(self.searching, "Find")
        self.focal = self.keep(FocalTab(viewer, self.selection))
        self.focal.found.connect(self._on_named)
        self.tabs.addTab(self.focal, "Focal")
        self.tabs.setTabToolTip(self.tabs.count() - 1, "Name the columns of a focal series.")
        self.tabs.addTab(self.review, "Review")
        self.check = self.keep(CheckTab(viewer, self.current))
        self.tabs.addTab(self.check, "Check")
        self.measures = self.keep(MeasureTab(viewer, self.selection, self.current, self.edits))
        self.measures.measured.connect(self._list_columns)
        self.tabs.addTab(self.measures, "Measure")
        self.plots = self.keep(PlotTab(viewer, self.current, self.edits))
        self.tabs.addTab(self.plots, "Plot")
        self.export_button = QPushButton("Export…")
        self.export_button.setToolTip(
            "Save the atoms as they are now: a table (CSV, Parquet), XYZ or extended XYZ in nm, or "
            "the histogram."
        )
        self.export_button.clicked.connect(self._export)
        rows = QFormLayout()
        rows.addRow("Color by", self.color)
        self.column.addWidget(self.whose)
        self.column.addWidget(self.tabs, stretch=1)
        self.column.addLayout(rows)
        self.column.addWidget(self.export_button)
        self.listen(self.selection.image_edited, self._follow)
        self.current.changed.connect(self._on_layer)
        self._on_layer()

    @property
    def is_busy(self) -> bool:
        """Whether anything goes on in the background."""
        parts = (self.searching, self.focal, self.edits, self.measures)
        return any(each.is_busy for each in parts)

    def _on_found(self, answer: SearchAnswer) -> None:
        self.current.show(FoundAtoms(answer.atoms, answer.request.source, answer.searched))

    def _on_named(self, named: NamedColumns) -> None:
        source, images = named.series.source, named.series.images
        maps = make_maps(named.maps, named.names, source, images.shape[-2:])
        self.current.colored_by = "label"
        self.current.show(FoundAtoms(named.atoms, source, tuple(range(len(images)))))
        for layer in (*maps, make_vacancies(named.atoms, source)):
            self.current.put_beside(layer)

    def _on_layer(self) -> None:
        """List what the atoms can be colored by."""
        layer = self.current.layer
        self.color.clear()
        self.color.setEnabled(layer is not None)
        self.export_button.setEnabled(layer is not None)
        if layer is None:
            return
        self._list_columns()

    def _list_columns(self) -> None:
        layer = self.current.layer
        if layer is None:
            return
        self.color.clear()
        for name in layer.features.columns:
            self.color.addItem(title_of(name), name)
        self.color.setCurrentIndex(self.color.findData(self.current.color_name(layer)))

    def _follow(self) -> None:
        """Lay points where their image lies now."""
        if follow_image(self.viewer, self.selection.image):
            self.edits.settle()
            self._list_columns()

    def _export(self) -> None:
        atoms = self.current.atoms
        if atoms is not None:
            name = f"{atoms.name} atoms"
            plot = partial(plot_quantity, atoms, NEIGHBORS)
            export(self, name, plot, partial(_write, atoms), _FILES)


def _write(atoms: Atoms, path: Path) -> None:
    with guard(f"{path.name} cannot be written"):
        atoms.save(path, overwrite=True)  # the dialog has asked
