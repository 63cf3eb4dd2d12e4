"""The tab in which atoms are doubted: the next suspicious one, and what was done by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_lattice_symmetry.plugin.atoms.current import CurrentAtoms
from napari_lattice_symmetry.plugin.atoms.edits import Edits
from napari_lattice_symmetry.plugin.atoms.layers import FoundAtoms, spacing_of
from napari_lattice_symmetry.plugin.atoms.suspicion import REASONS, Suspect, list_suspects
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Points

_VIEW = 14  # spacings across the canvas
_HINT = "Find atoms first."
_TOOLS = (
    "Add points with key 2, select and move them with 3, delete what is selected with Backspace: "
    "these are napari's tools of the points layer."
)


class ReviewTab(Releasing, QWidget):
    """Leads from one suspicious atom to the next.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose camera goes there.
    current : CurrentAtoms
        Which atoms are meant.
    edits : Edits
        What was done to them.
    """

    def __init__(self, viewer: napari.viewer.Viewer, current: CurrentAtoms, edits: Edits) -> None:
        super().__init__()
        self._viewer, self._current, self._edits = viewer, current, edits
        self._seen: list[Suspect] = []
        self.reason = QComboBox()
        self.reason.addItems(list(REASONS))
        self.reason.setToolTip("What makes an atom suspicious.")
        keep_narrow(self.reason)
        self.next_button = QPushButton("&Next suspicious atom")
        self.next_button.setToolTip("Go to the most suspicious one that was not looked at yet.")
        self.back_button = QPushButton("Back")
        self.back_button.setToolTip("Go to the one before.")
        self.told = QLabel()
        self.told.setWordWrap(True)
        self.tools = QLabel(_TOOLS)
        self.tools.setWordWrap(True)
        self.refine = QCheckBox("Refine by the image")
        self.refine.setToolTip("Let points that are added or moved go where the atom is seen.")
        self.label = QLineEdit()
        self.label.setPlaceholderText("class, such as S")
        self.label.setToolTip("Class of the points that are selected; Return sets it.")
        self.edited = QLabel()
        self.edited.setWordWrap(True)
        self.undo_button = QPushButton("Undo")
        self.undo_button.setToolTip("Take back the last point that was added, moved or deleted.")
        self._lay_out()
        self.reason.activated.connect(self.begin_anew)
        self.next_button.clicked.connect(self.go_on)
        self.back_button.clicked.connect(self.go_back)
        self.label.returnPressed.connect(self._set_label)
        self.refine.toggled.connect(self._on_refine)
        self.undo_button.clicked.connect(edits.undo)
        self.listen(current.changed, self.begin_anew)
        edits.edited.connect(self._on_edited)
        edits.failed.connect(lambda error: self.edited.setText(str(error)))
        self.begin_anew()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.next_button, stretch=1)
        buttons.addWidget(self.back_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)  # to be narrow
        layout.addWidget(self.reason)
        layout.addLayout(buttons)
        layout.addWidget(self.told)
        layout.addSpacing(8)
        layout.addWidget(self.tools)
        layout.addWidget(self.refine)
        layout.addWidget(self.label)
        layout.addWidget(self.edited)
        layout.addWidget(self.undo_button)
        layout.addStretch(1)

    # ------------------------------------------------------------------ going there

    def begin_anew(self) -> None:
        """Forget what was looked at."""
        self._seen.clear()
        self.told.setText(_HINT if self._current.layer is None else "")
        self._on_edited()

    def go_on(self) -> None:
        """Go to the next one."""
        atoms, looked_at = self._current.atoms, {each.key for each in self._seen}
        suspects = [] if atoms is None else list_suspects(atoms, self.reason.currentText())
        left = [(i, each) for i, each in enumerate(suspects, 1) if each.key not in looked_at]
        if not suspects:
            self.told.setText(_HINT if atoms is None else "There are too few atoms for that.")
        elif not left:
            self._seen.clear()
            self.told.setText(f"All {len(suspects)} were looked at; the next is the first again.")
        else:
            rank, suspect = left[0]
            self._seen.append(suspect)
            self._go_to(suspect)
            self.told.setText(f"{rank} of {len(suspects)}: {suspect.text}, frame {suspect.frame}.")

    def go_back(self) -> None:
        """Go to the one before."""
        if len(self._seen) > 1:
            self._seen.pop()
            suspect = self._seen[-1]
            self._go_to(suspect)
            self.told.setText(f"Back at: {suspect.text}, frame {suspect.frame}.")

    def _go_to(self, suspect: Suspect) -> None:
        """Center and enlarge it, and select its atoms if they are still there."""
        layer, found = self._current.layer, self._current.found
        if layer is None or found is None:
            return
        found.source.geometry.show_frame(self._viewer.dims, suspect.frame)
        center_on(self._viewer, layer, found, suspect)
        self._viewer.layers.selection.active = layer
        layer.selected_data = {row for row in suspect.rows if row < len(layer.data)}

    def _on_edited(self) -> None:
        self.edited.setText(self._edits.describe())
        self.undo_button.setEnabled(self._edits.can_undo)
        for button in (self.next_button, self.back_button):
            button.setEnabled(self._current.layer is not None)

    def _set_label(self) -> None:
        name = self.label.text().strip()
        if name and not self._edits.set_label(name):
            self.edited.setText("Select the points first whose class this is.")

    def _on_refine(self, checked: bool) -> None:
        self._edits.refines = checked


def center_on(
    viewer: napari.viewer.Viewer, layer: Points, found: FoundAtoms, suspect: Suspect
) -> None:
    """Move the camera to a place of a layer, a dozen spacings wide or nearer."""
    point = np.zeros(layer.ndim)
    point[-2:] = suspect.y, suspect.x
    aside = point.copy()
    aside[-1] += spacing_of(found.atoms)
    place, other = (np.asarray(layer.data_to_world(each))[-2:] for each in (point, aside))
    camera = getattr(viewer, "scene", viewer).camera  # since napari 0.9 in the scene
    camera.center = tuple(place)
    window = getattr(viewer, "__wrapped__", viewer).window  # napari hands docks a proxy
    canvas = window._qt_viewer.canvas.native  # of which napari has no public name
    zoom = min(canvas.width(), canvas.height()) / (_VIEW * np.linalg.norm(other - place))
    camera.zoom = max(camera.zoom, zoom)
