"""A dialog that tells how far something is for which the viewer waits, and lets it be cancelled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QProgressDialog

Step = TypeVar("Step")

_SHORT = 500
"""Milliseconds that nobody needs to be told of."""


def with_dialog(text: str, steps: Sequence[Step]) -> Iterator[Step]:
    """Iterate in the thread of the screen while a dialog tells how far it is.

    Parameters
    ----------
    text : str
        What the dialog says.
    steps : sequence
        Of which each takes a fraction of a second.

    Yields
    ------
    object
        The steps, until the user cancels.
    """
    dialog = QProgressDialog(text, "Cancel", 0, len(steps), QApplication.activeWindow())
    dialog.setWindowTitle("Lattice symmetry")
    dialog.setWindowModality(Qt.WindowModality.ApplicationModal)  # setValue draws and listens then
    dialog.setMinimumDuration(_SHORT)
    try:
        for done, step in enumerate(steps, 1):
            yield step
            dialog.setValue(done)
            if dialog.wasCanceled():
                return
    finally:
        dialog.close()
        dialog.deleteLater()
