"""The tab that draws histograms of atoms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QFormLayout, QPushButton, QVBoxLayout, QWidget

from napari_lattice_symmetry.atoms import KnownBonds, known_bonds
from napari_lattice_symmetry.atoms.simulation.materials import MATERIALS
from napari_lattice_symmetry.errors import LatticeSymmetryError, guard
from napari_lattice_symmetry.plugin.atoms.current import CurrentAtoms
from napari_lattice_symmetry.plugin.atoms.edits import Edits
from napari_lattice_symmetry.plugin.atoms.measures.plots import (
    QUANTITIES,
    plot_quantity,
    write_quantity,
)
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.widgets.export_dialog import export
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow

if TYPE_CHECKING:
    from pathlib import Path

    import napari.viewer
    from matplotlib.figure import Figure

_HINT = "Find atoms first: this shows distances, angles and rings."
_NONE = "none"


class PlotTab(Releasing, QWidget):
    """Draws how far atoms are apart, at which angles, and in which rings.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme the figure follows.
    current : CurrentAtoms
        Which atoms are meant.
    edits : Edits
        Which tells when they are others.
    """

    def __init__(self, viewer: napari.viewer.Viewer, current: CurrentAtoms, edits: Edits) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import FigureCanvas

        super().__init__()
        self._current = current
        self.quantity = QComboBox()
        self.quantity.addItems(QUANTITIES)
        self.quantity.setToolTip("What is counted.")
        self.material = QComboBox()
        self.material.addItems([_NONE, *MATERIALS])
        self.material.setToolTip("Bonds of this material are drawn in, as they are seen.")
        for box in (self.quantity, self.material):
            keep_narrow(box)
        tooltip = "Distances, angles or rings of the atoms."
        self.canvas = self.keep(FigureCanvas(viewer, self._plot, tooltip))
        self.canvas.setMinimumSize(150, 150)
        self.export_button = QPushButton("Export plot…")
        self.export_button.setToolTip("Save what is drawn as a table (CSV) or a figure (PNG, SVG).")
        rows = QFormLayout()
        rows.addRow("Show", self.quantity)
        rows.addRow("Known", self.material)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)  # to be narrow
        layout.addLayout(rows)
        layout.addWidget(self.canvas.pane, stretch=1)
        layout.addWidget(self.export_button)
        self.quantity.currentIndexChanged.connect(self._refresh)
        self.material.currentIndexChanged.connect(self._refresh)
        self.export_button.clicked.connect(self._export)
        self.listen(edits.edited, self._refresh)
        self._refresh()

    @property
    def known(self) -> KnownBonds | None:
        """What is known of the chosen material.

        Raises
        ------
        InputError
            If structures cannot be read, for want of a library.
        """
        name = self.material.currentText()
        return None if name == _NONE else known_bonds(name)

    def _refresh(self, _index: int = 0) -> None:
        self.export_button.setEnabled(self._current.layer is not None)
        self.canvas.refresh()

    def _plot(self, figure: Figure) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import write_hint

        try:
            atoms = self._current.atoms
            if atoms is None:
                write_hint(figure, _HINT)
            else:
                plot_quantity(atoms, self.quantity.currentText(), self.known, figure)
        except LatticeSymmetryError as error:
            figure.clear()
            write_hint(figure, str(error))

    def _export(self) -> None:
        atoms, quantity = self._current.atoms, self.quantity.currentText()
        if atoms is None:
            return

        def write(path: Path) -> None:
            with guard(f"{path.name} cannot be written"):
                write_quantity(atoms, quantity, path)

        export(
            self,
            f"{atoms.name} {quantity}",
            lambda: plot_quantity(atoms, quantity, self.known),
            write,
        )
