"""A button that runs and cancels something long, and what tells how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias

from napari.utils.notifications import show_error
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.background.run_keys import bind_run_keys

Task: TypeAlias = Callable[[Callable[[int, int], object], Callable[[], bool]], Any]


class TaskBar(QWidget):
    """Runs one task at a time off the GUI thread.

    Parameters
    ----------
    title, tooltip : str
        Of the button; its shortcut is Alt and the letter after "&" in the title.
    prepare : callable
        Called when the button is pressed: gives the task, which is called in a thread as
        ``task(progress, should_stop)``.
    has_keys : bool
        Whether the keys that run and cancel are those of this task.
    notify : bool
        Whether a `LatticeSymmetryError` becomes a notification, too.

    Signals
    -------
    done(result)
        What the task has returned; nothing comes of one that was cancelled.
    refused(sentence)
        Why there is nothing.
    """

    done = Signal(object)
    refused = Signal(str)
    _progressed = Signal(object, int, int)

    def __init__(
        self,
        title: str,
        tooltip: str,
        prepare: Callable[[], Task],
        *,
        has_keys: bool = True,
        notify: bool = True,
    ) -> None:
        super().__init__()
        self._title, self._prepare, self._notify = title, prepare, notify
        self._task: Task | None = None
        self._started = 0.0
        self._requests = LatestRequest(self._run, self)
        self._requests.done.connect(self._on_done)
        self._requests.failed.connect(self._on_failed)
        self._progressed.connect(self._on_progress)
        self.button = QPushButton(title)
        self.button.setToolTip(tooltip)
        self.button.setMinimumWidth(self.button.sizeHint().width())  # also after "Cancel"
        self.button.clicked.connect(self._on_clicked)
        if has_keys:
            bind_run_keys(self, self.button, lambda: self.is_running)
        self.progress = QProgressBar()
        self.progress.setMinimumWidth(40)  # the button has what it needs
        self.progress.setRange(0, 1)
        self.progress.setValue(0)
        self.status = QLabel()
        self.status.setWordWrap(True)
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addWidget(self.progress, stretch=1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(row)
        layout.addWidget(self.status)

    @property
    def is_running(self) -> bool:
        """Whether a task is under way that was not cancelled."""
        return self._task is not None

    def start(self) -> None:
        """Run what there is to run now."""
        try:
            self._task = self._prepare()
        except LatticeSymmetryError as error:
            self.cancel()
            self._on_failed(error)
            return
        self._started = time.perf_counter()
        self.button.setText("Cancel")
        self.progress.setRange(0, 0)  # busy, until it tells how far it is
        self.status.setText("Starting…")
        self._requests.ask(self._task)

    def cancel(self) -> None:
        """Give up the task; it stops at its next step."""
        if self.is_running:
            self._requests.drop()
            self._end("Cancelled.", share=0)

    def release(self) -> None:
        """Stop, and tell nobody."""
        self._task = None
        self._requests.drop()

    def _run(self, task: Task, should_stop: Callable[[], bool]) -> Any:
        return task(lambda done, total: self._progressed.emit(task, done, total), should_stop)

    def _on_clicked(self) -> None:
        if self.is_running:
            self.cancel()
        else:
            self.start()

    def _on_progress(self, task: Task, done: int, total: int) -> None:
        if task is self._task:  # else it is one that was cancelled
            self.progress.setRange(0, total)
            self.progress.setValue(done)
            self.status.setText(f"{done / total:.0%}")

    def _on_done(self, result: Any) -> None:
        self._end(f"Finished in {time.perf_counter() - self._started:.0f} s.", share=1)
        self.done.emit(result)

    def _on_failed(self, error: Exception) -> None:
        self._end(str(error), share=0)
        self.refused.emit(str(error))
        if self._notify:
            show_error(str(error))

    def _end(self, sentence: str, share: int) -> None:
        self._task = None
        self.button.setText(self._title)
        self.progress.setRange(0, 1)
        self.progress.setValue(share)
        self.status.setText(sentence)
