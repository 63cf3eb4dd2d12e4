"""The line of a dock that says whose result it shows, or what to do so that there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QSizePolicy

from napari_lattice_symmetry.plugin.releasing import Releasing

if TYPE_CHECKING:
    from napari_lattice_symmetry.plugin.selection.selection import Selection


class SelectionLine(Releasing, QLabel):
    """Tells what is selected; the same in all docks.

    Parameters
    ----------
    selection : Selection
        What is told.
    describe : callable, optional
        Says it; whose result is selected, if not given.
    """

    def __init__(self, selection: Selection, describe: Callable[[], str] | None = None) -> None:
        super().__init__()
        self._describe = describe or selection.describe
        self.setWordWrap(True)
        policy = self.sizePolicy()
        policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)  # a long name widens no dock
        self.setSizePolicy(policy)
        self.listen(selection.changed, self.tell)
        self.tell()

    def tell(self) -> None:
        """Say it again: there may be something else to say."""
        self.setText(self._describe())
        self.setToolTip(self.text())
