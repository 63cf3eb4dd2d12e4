"""The row that leads from a result to where it is looked at more closely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_lattice_symmetry.plugin.releasing import Releasing

if TYPE_CHECKING:
    import napari.viewer

    from napari_lattice_symmetry.plugin.selection.selection import Selection

PLUGIN = "napari-lattice-symmetry"


class NextSteps(Releasing, QWidget):
    """Opens the inspector, the evolution and the report of the selected result.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the docks are.
    selection : Selection
        Knows whether there is a result.
    """

    def __init__(self, viewer: napari.viewer.Viewer, selection: Selection) -> None:
        super().__init__()
        self._viewer, self._selection = viewer, selection
        self.inspect_button = QPushButton("Inspect")
        self.inspect_button.setToolTip("See how the answer for a window came about.")
        self.inspect_button.clicked.connect(lambda: self._open("Inspect a window"))
        self.evolution_button = QPushButton("Evolution")
        self.evolution_button.setToolTip("See how the classes change in time, with the kinetics.")
        self.evolution_button.clicked.connect(lambda: self._open("Phase evolution"))
        self.report_button = QPushButton("Report…")
        self.report_button.setToolTip("Write the result to one HTML file, with its evolution.")
        self.report_button.clicked.connect(self._report)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for button in (self.inspect_button, self.evolution_button, self.report_button):
            layout.addWidget(button)
        self.listen(selection.changed, self._on_selection)
        self._on_selection()

    def _on_selection(self) -> None:
        self.setEnabled(self._selection.result is not None)

    def _report(self) -> None:
        self._open("Phase evolution").report_button.click()

    def _open(self, title: str) -> Any:
        """Open a dock of ours, or raise it, and give the widget in it."""
        dock, widget = self._viewer.window.add_plugin_dock_widget(PLUGIN, title)
        dock.show()
        dock.raise_()
        return widget
