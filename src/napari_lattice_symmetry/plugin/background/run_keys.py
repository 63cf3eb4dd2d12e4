"""The keys that run and cancel what a dock is for: the same in all docks."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QPushButton, QShortcut, QWidget  # type: ignore[attr-defined]

RUN_KEYS, CANCEL_KEYS = "Ctrl+Return", "Ctrl+."
"""Which napari leaves free."""


def bind_run_keys(owner: QWidget, button: QPushButton, is_running: Callable[[], bool]) -> None:
    """Let keys press a button that runs and cancels, and its tooltip tell of them.

    Parameters
    ----------
    owner : QWidget
        The keys are those of its window, for as long as it is seen.
    button : QPushButton
        What is pressed.
    is_running : callable
        Whether a press would cancel.
    """

    def press(to_cancel: bool) -> None:
        if is_running() == to_cancel:
            button.setFocus()  # what is being typed counts, as with the mouse
            button.click()

    for keys, to_cancel in ((RUN_KEYS, False), (CANCEL_KEYS, True)):
        QShortcut(QKeySequence(keys), owner).activated.connect(
            lambda to_cancel=to_cancel: press(to_cancel)
        )
    button.setToolTip(f"{button.toolTip()} {RUN_KEYS}; {CANCEL_KEYS} ends it.")
