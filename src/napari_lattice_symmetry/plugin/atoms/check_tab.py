"""The tab that compares atoms with known ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Points
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_lattice_symmetry.errors import InputError, LatticeSymmetryError
from napari_lattice_symmetry.plugin.atoms.current import CurrentAtoms
from napari_lattice_symmetry.plugin.atoms.layers import FoundAtoms, spacing_of
from napari_lattice_symmetry.plugin.atoms.scoring import RADIUS
from napari_lattice_symmetry.plugin.atoms.truth import compare, truth_of_file, truth_of_layer
from napari_lattice_symmetry.plugin.forms.layer_choice import LayerChoice
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow

if TYPE_CHECKING:
    import napari.viewer

    from napari_lattice_symmetry.atoms import Atoms

_FILES = "Atoms (*.csv *.parquet *.xyz *.extxyz)"
_HINT = (
    "Each atom belongs to one known atom at most, within the radius; as many pairs are made as "
    "possible."
)


class CheckTab(Releasing, QWidget):
    """Scores the atoms against a truth, and marks what differs.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the truth may be.
    current : CurrentAtoms
        Which atoms are meant.
    """

    def __init__(self, viewer: napari.viewer.Viewer, current: CurrentAtoms) -> None:
        super().__init__()
        self._viewer, self._current = viewer, current
        self.truth = LayerChoice(self._choices, "choose…", "A layer of points: known atoms.")
        self.radius = QDoubleSpinBox()
        self.radius.setDecimals(4)
        self.radius.setRange(0.0001, 1000)
        self.radius.setToolTip(
            f"Greatest distance of a pair; {RADIUS:g} of the spacing unless it is set."
        )
        keep_narrow(self.radius)
        self.score_button = QPushButton("&Score")
        self.score_button.setToolTip("Compare the atoms with those of the layer, one to one.")
        self.file_button = QPushButton("Score against a file…")
        self.file_button.setToolTip(
            "A table with columns y and x in px, or y_nm and x_nm (CSV, Parquet), or XYZ in nm."
        )
        self.told = QLabel(_HINT)
        self.told.setWordWrap(True)
        rows = QFormLayout()
        rows.addRow("Truth", self.truth.native)
        rows.addRow("Radius", self.radius)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)  # to be narrow
        layout.addLayout(rows)
        for widget in (self.score_button, self.file_button, self.told):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.score_button.clicked.connect(self.score_layer)
        self.file_button.clicked.connect(self._ask_for_file)
        for event in (viewer.layers.events.inserted, viewer.layers.events.removed):
            self.listen(event, self._list)
        self.listen(current.changed, self._on_layer)
        self._on_layer()

    def score_layer(self) -> None:
        """Compare with the points of the chosen layer."""
        try:
            if self.truth.value is None:
                raise InputError("Choose the layer of known atoms, or a file of them.")
            layer, found = self._need()
            self._score(truth_of_layer(self.truth.value, layer, found))
        except LatticeSymmetryError as error:
            self.told.setText(str(error))

    def score_file(self, path: Path) -> None:
        """Compare with a table of known atoms."""
        try:
            self._score(truth_of_file(path, self._need()[1]))
        except LatticeSymmetryError as error:
            self.told.setText(str(error))

    def _need(self) -> tuple[Points, FoundAtoms]:
        layer, found = self._current.layer, self._current.found
        if layer is None or found is None:
            raise InputError("Find atoms first.")
        return layer, found

    def _score(self, truth: Atoms) -> None:
        layer, found = self._need()
        text, marks = compare(layer, found, truth, self.radius.value())
        self.told.setText(text)
        self._current.put_beside(marks)

    def _ask_for_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Known atoms", "", _FILES)
        if path:
            self.score_file(Path(path))

    def _choices(self) -> list[Points]:
        current = getattr(self, "_current", None)
        mine = None if current is None else current.layer
        return [each for each in self._viewer.layers if isinstance(each, Points) and each != mine]

    def _list(self, _event: object = None) -> None:
        value = self.truth.value
        self.truth.show_layer(value if value in self._choices() else None)

    def _on_layer(self) -> None:
        """Offer the radius in the unit of the atoms."""
        self._list()
        found = self._current.found
        for button in (self.score_button, self.file_button):
            button.setEnabled(found is not None)
        if found is None:
            self.told.setText(_HINT)
            return
        size = found.atoms.pixel_size
        unit, scale = ("px", 1.0) if size is None else ("nm", (size[0] * size[1]) ** 0.5)
        self.radius.setSuffix(f" {unit}")
        self.radius.setValue(RADIUS * spacing_of(found.atoms) * scale)
