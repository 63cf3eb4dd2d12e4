"""A bar that runs a task off the GUI thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias

from napari.utils.notifications import show_error
from qtpy.QtCore import Signal  # type: ignore[attr-defined]

from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.background.run_bar import RunBar

Task: TypeAlias = Callable[[Callable[[int, int], object], Callable[[], bool]], Any]


class TaskBar(RunBar):
    """Runs one task at a time.

    Parameters
    ----------
    title, tooltip : str
        Of the button, as in `RunBar`.
    prepare : callable
        Called when the button is pressed: gives the task, which is called in a thread as
        ``task(progress, should_stop)``.
    notify : bool
        Whether a `LatticeSymmetryError` becomes a notification, too.
    **keywords
        As in `RunBar`.

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
        notify: bool = True,
        **keywords: Any,
    ) -> None:
        super().__init__(title, tooltip, self.start, self.cancel, **keywords)
        self._prepare, self._notify = prepare, notify
        self._task: Task | None = None
        self._started = 0.0
        self._requests = LatestRequest(self._run, self)
        self._requests.done.connect(self._on_done)
        self._requests.failed.connect(self._on_failed)
        self._progressed.connect(self._on_progress)

    def start(self) -> None:
        """Run what there is to run now."""
        try:
            self._task = self._prepare()
        except LatticeSymmetryError as error:
            self.cancel()
            self._on_failed(error)
            return
        self._started = time.perf_counter()
        self.set_running(True)
        self.show_progress(0, 0)  # busy, until it tells how far it is
        self.status.setText("Starting…")
        self._requests.ask(self._task)

    def cancel(self) -> None:
        """Give up the task; it stops at its next step."""
        if self.is_running:
            self._requests.drop()
            self._end("Cancelled.", share=0)

    def release(self) -> None:
        """Stop, and tell nobody."""
        self._task, self.is_running = None, False
        self._requests.drop()

    def _run(self, task: Task, should_stop: Callable[[], bool]) -> Any:
        return task(lambda done, total: self._progressed.emit(task, done, total), should_stop)

    def _on_progress(self, task: Task, done: int, total: int) -> None:
        if task is self._task:  # else it is one that was cancelled
            self.show_progress(done, total)
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
        self.set_running(False)
        self.show_progress(share, 1)
        self.status.setText(sentence)
