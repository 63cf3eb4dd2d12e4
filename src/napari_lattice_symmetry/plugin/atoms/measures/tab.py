"""The tab that measures: defects, tracks, displacements, grains, rings, classes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_lattice_symmetry.errors import InputError, LatticeSymmetryError
from napari_lattice_symmetry.plugin.atoms.current import CurrentAtoms
from napari_lattice_symmetry.plugin.atoms.edits import Edits
from napari_lattice_symmetry.plugin.atoms.measures.marks import (
    arrows_layer,
    defects_layer,
    evidence_layers,
    is_same,
    rings_layer,
    stretch_arrows,
    tracks_layer,
)
from napari_lattice_symmetry.plugin.atoms.measures.tasks import (
    Measured,
    MeasureParameters,
    Request,
    measure,
)
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.selection.selection import Selection

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Points

    from napari_lattice_symmetry.plugin.atoms.layers import FoundAtoms

_HINT = "Find atoms first."
_BUTTONS = {
    "defects": ("Find &defects", "Missing, extra, displaced, brighter and dimmer atoms."),
    "track": ("&Tracks", "Follow atoms through the movie, the drift of its frames taken off."),
    "displacement": ("Displacements", "Arrows from the lattice site of each atom to its place."),
    "polarization": (
        "Polarization",
        "Arrows from the center of neighbors of other classes to atoms of the class below.",
    ),
    "grain": ("Grains", "Tell grains apart by the direction of bonds."),
    "rings": ("Rings", "Mark rings of bonds that are not of the most frequent size."),
    "lattice_class": (
        "Windows",
        "Name lattice and plane group of the window around each atom, by the result.",
    ),
    "label": ("Classes", "Label columns by brightness, with the names below if there are any."),
}


class MeasureTab(Releasing, QWidget):
    """Measures what atoms say together, and shows it as columns and layers.

    Parameters
    ----------
    viewer : napari.Viewer
        Where layers are added.
    selection : Selection
        Whose result is meant.
    current : CurrentAtoms
        Which atoms are meant.
    edits : Edits
        Which is told that atoms have other columns.

    Signals
    -------
    measured()
        The atoms have other columns.
    """

    measured = Signal()

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        selection: Selection,
        current: CurrentAtoms,
        edits: Edits,
    ) -> None:
        super().__init__()
        self._viewer, self._selection = viewer, selection
        self._current, self._edits = current, edits
        self._requests = self.keep(LatestRequest(measure, self))
        self._requests.done.connect(self._on_measured)
        self._requests.failed.connect(lambda error: self._end(str(error)))
        self.buttons = {kind: QPushButton(title) for kind, (title, _) in _BUTTONS.items()}
        grid = QGridLayout()
        for i, (kind, button) in enumerate(self.buttons.items()):
            button.setToolTip(_BUTTONS[kind][1])
            button.clicked.connect(partial(self.ask, kind))
            grid.addWidget(button, i // 2, i % 2)
        self.form = ModelForm(MeasureParameters())
        self.form.reset_button.hide()  # few rows are soon set back
        self.form["stretch"].changed.connect(self._stretch)
        self.told = QLabel(_HINT)
        self.told.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)  # to be narrow
        layout.addLayout(grid)
        layout.addWidget(self.form.native)
        layout.addWidget(self.told)
        layout.addStretch(1)
        self.listen(current.changed, self._on_layer)
        self._on_layer()

    @property
    def is_busy(self) -> bool:
        """Whether something is being measured."""
        return self._requests.is_busy

    def ask(self, kind: str, _checked: bool = False) -> None:
        """Have something measured: a key of `MEASURES`."""
        try:
            request = self._request(kind)
        except LatticeSymmetryError as error:
            self._end(str(error))
            return
        self.told.setText("Measuring…")
        self._requests.ask(request)

    def _request(self, kind: str) -> Request:
        found, atoms = self._current.found, self._current.atoms
        if found is None or atoms is None:
            raise InputError(_HINT)
        return Request(kind, found, atoms, self.form.values(), self._selection.result)

    def _on_measured(self, measured: Measured) -> None:
        layer, found = self._current.layer, self._current.found
        request = measured.request
        if layer is None or found is None or found is not request.found:
            self._end("Other atoms were selected meanwhile; measure them anew.")
            return
        now = self._current.atoms
        if now is None or not is_same(now, request.atoms):
            self._end("The points were edited meanwhile; measure them anew.")
            return
        self._edits.take_columns(measured.atoms)
        self._add_layer(measured, layer, found)
        if request.kind in layer.features:
            self._current.color_by(request.kind)
        self._list_classes()
        self._end(measured.text)
        self.measured.emit()

    def _add_layer(self, measured: Measured, layer: Points, found: FoundAtoms) -> None:
        kind, atoms = measured.request.kind, measured.atoms
        if measured.maps is not None:
            for each in evidence_layers(measured.maps, found):
                self._current.put_beside(each)
        if measured.defects is not None:
            new = defects_layer(measured.defects, measured.lives, layer, found)
        elif measured.rings is not None:
            new = rings_layer(measured.rings, layer, found)
        elif kind == "track":
            new = tracks_layer(atoms, layer, found)
        elif kind in ("displacement", "polarization"):
            new = arrows_layer(atoms, kind, layer, found)
            stretch_arrows([new], self.form["stretch"].value)
        else:
            return
        self._current.put_beside(new)

    def _stretch(self, factor: float) -> None:
        stretch_arrows(self._viewer.layers, factor)

    def _end(self, text: str) -> None:
        self.told.setText(text)

    def _on_layer(self) -> None:
        is_there = self._current.layer is not None
        for button in self.buttons.values():
            button.setEnabled(is_there)
        self._requests.drop()
        self._end("" if is_there else _HINT)
        self._list_classes()

    def _list_classes(self) -> None:
        layer = self._current.layer
        labels = [] if layer is None else np.unique(layer.features["label"].astype(str)).tolist()
        self.form.offer("label", labels or [""])
