"""A button that runs and cancels something long, its keys, and what tells how far that is."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (  # type: ignore[attr-defined]
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QShortcut,
    QVBoxLayout,
    QWidget,
)

RUN_KEYS, CANCEL_KEYS = "Ctrl+Return", "Ctrl+."
"""Which napari leaves free; the same in all docks."""


class RunBar(QWidget):
    """The button with a progress bar beside it, and a status below.

    Parameters
    ----------
    title, tooltip : str
        Of the button; its shortcut is Alt and the letter after "&" in the title.
    start, cancel : callable
        What a press of the button does.
    while_running, while_ending : str
        Its titles then.
    has_keys : bool
        Whether the keys that run and cancel are those of this button.
    beside : QWidget, optional
        What stands at the end of the row.

    Attributes
    ----------
    button, progress, status : QWidget
        Its parts.
    is_running : bool
        Whether a press would cancel.
    """

    def __init__(
        self,
        title: str,
        tooltip: str,
        start: Callable[[], object],
        cancel: Callable[[], object],
        *,
        while_running: str = "Cancel",
        while_ending: str = "Cancelling…",
        has_keys: bool = True,
        beside: QWidget | None = None,
    ) -> None:
        super().__init__()
        self.is_running = False
        self._titles, self._while_ending = (title, while_running), while_ending
        self.button = QPushButton(title)
        self.button.setToolTip(tooltip)
        self.button.setMinimumWidth(self.button.sizeHint().width())  # also while it runs
        self.button.clicked.connect(lambda: cancel() if self.is_running else start())
        self.progress = QProgressBar()
        self.progress.setMinimumWidth(40)  # the button has what it needs
        self.show_progress(0, 1)
        self.status = QLabel()
        self.status.setWordWrap(True)
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addWidget(self.progress, stretch=1)
        if beside is not None:
            row.addWidget(beside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(row)
        layout.addWidget(self.status)
        if has_keys:
            self._bind_keys()

    def set_running(self, running: bool) -> None:
        """Let the next press cancel, or start."""
        self.is_running = running
        self.button.setText(self._titles[running])
        self.button.setEnabled(True)

    def show_ending(self) -> None:
        """Tell that it was cancelled, and has yet to end."""
        self.button.setText(self._while_ending)
        self.button.setEnabled(False)

    def show_progress(self, done: int, total: int) -> None:
        """Tell how far it is; a total of 0 means that nobody knows."""
        self.progress.setRange(0, total)
        self.progress.setValue(done)

    def _bind_keys(self) -> None:
        """Let keys press the button for as long as it is seen, and its tooltip tell of them."""

        def press(to_cancel: bool) -> None:
            if self.is_running == to_cancel:
                self.button.setFocus()  # what is being typed counts, as with the mouse
                self.button.click()

        for keys, to_cancel in ((RUN_KEYS, False), (CANCEL_KEYS, True)):
            QShortcut(QKeySequence(keys), self).activated.connect(
                lambda to_cancel=to_cancel: press(to_cancel)
            )
        self.button.setToolTip(f"{self.button.toolTip()} {RUN_KEYS}; {CANCEL_KEYS} ends it.")
