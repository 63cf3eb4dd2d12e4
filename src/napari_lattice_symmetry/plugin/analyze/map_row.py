"""The row that shows any map of the selected result, and hides or removes all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QWidget

from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.plugin.layers.result_group import hide_result, remove_result, show_map
from napari_lattice_symmetry.plugin.layers.result_layers import list_maps, map_title
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.selection.selection import Selection
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow

if TYPE_CHECKING:
    from napari.components import LayerList, ViewerModel
    from napari.layers import Layer


class MapRow(Releasing, QWidget):
    """Offers the maps of the selected result, each a layer from when it is first asked for.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the layers are.
    selection : Selection
        Knows which result is meant.
    """

    def __init__(self, viewer: ViewerModel, selection: Selection) -> None:
        super().__init__()
        self._viewer, self._selection = viewer, selection
        self.chooser = QComboBox()
        self.chooser.setToolTip("Show this map of the selected result, and hide its others.")
        keep_narrow(self.chooser)
        self.chooser.activated.connect(self._on_chosen)
        self.hide_button = QPushButton("Hide")
        self.hide_button.setToolTip("Hide all layers of the selected result.")
        self.hide_button.clicked.connect(lambda: self._do(hide_result))
        self.remove_button = QPushButton("Remove")
        self.remove_button.setToolTip("Remove all layers of the selected result.")
        self.remove_button.clicked.connect(lambda: self._do(remove_result))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.chooser, stretch=1)
        layout.addWidget(self.hide_button)
        layout.addWidget(self.remove_button)
        self.listen(selection.changed, self._on_selection)
        self._on_selection()

    def _on_selection(self) -> None:
        """List the maps of the result that is selected now."""
        result = self._selection.result
        self.setEnabled(result is not None)
        self.chooser.clear()
        self.chooser.addItem("Show map…")
        if result is not None:
            for kind, part in list_maps(result):
                self.chooser.addItem(map_title(kind, part, result.unit), (kind, part))

    def _on_chosen(self, index: int) -> None:
        member, chosen = self._selection.result_layer, self.chooser.itemData(index)
        self.chooser.setCurrentIndex(0)
        if member is not None and chosen is not None:
            try:
                show_map(self._viewer.layers, member, *chosen)
            except LatticeSymmetryError as error:
                show_error(str(error))

    def _do(self, action: Callable[[LayerList, Layer], None]) -> None:
        member = self._selection.result_layer
        if member is not None:
            action(self._viewer.layers, member)
