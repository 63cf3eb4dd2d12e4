"""The line of a dock that says whose result it shows, or what to do so that there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QSizePolicy

if TYPE_CHECKING:
    from napari_lattice_symmetry.plugin.selection.selection import Selection


class SelectionLine(QLabel):
    """Tells what is selected; the same in all docks.

    Parameters
    ----------
    selection : Selection
        What is told.
    """

    def __init__(self, selection: Selection) -> None:
        super().__init__()
        self._selection = selection
        self.setWordWrap(True)
        policy = self.sizePolicy()
        policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)  # a long name widens no dock
        self.setSizePolicy(policy)
        selection.changed.connect(self._tell)
        self._tell()

    def release(self) -> None:
        """Listen no more."""
        self._selection.changed.disconnect(self._tell)

    def _tell(self) -> None:
        self.setText(self._selection.describe())
        self.setToolTip(self.text())
