"""Work in the background of which only the latest request counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]
from superqt.utils import create_worker

from napari_lattice_symmetry.errors import guard
from napari_lattice_symmetry.plugin.background.ending import end_with_program


class LatestRequest(QObject):
    """Does one request at a time off the GUI thread; a newer one takes the place of all others.

    Parameters
    ----------
    work : callable
        Called in a thread as ``work(request, should_stop)``; what it returns after
        `should_stop` has said True is dropped.
    delay : int
        Milliseconds without a newer request before one is begun.
    parent : QObject
        What this belongs to.

    Signals
    -------
    done(result)
        What `work` has returned for the latest request.
    failed(error)
        The `LatticeSymmetryError` that the latest request has ended with.
    """

    done = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        work: Callable[[Any, Callable[[], bool]], Any],
        parent: QObject,
        *,
        delay: int = 0,
    ) -> None:
        super().__init__(parent)
        self._work = work
        self._request: Any = None
        self._worker: Any = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(delay)
        self._timer.timeout.connect(self._begin)

    @property
    def is_busy(self) -> bool:
        """Whether a request waits or is worked on."""
        return self._worker is not None or self._timer.isActive()

    def ask(self, request: Any, *, in_turn: bool = False) -> None:
        """Take a request; those before it are dropped.

        Parameters
        ----------
        request : object
            What `work` is called with.
        in_turn : bool
            Let the one at work end first, as where the same is asked again of more frames.
        """
        if not in_turn:
            self.drop()
        self._request = request
        if not (in_turn and self._timer.isActive()):  # else it might be put off for ever
            self._timer.start()

    def drop(self) -> None:
        """Drop all requests; the one at work stops as soon as it can."""
        self._timer.stop()
        self._request = None
        if self._worker is not None:
            self._worker.quit()

    def release(self) -> None:
        """Work no more."""
        self.drop()

    def _begin(self) -> None:
        if self._worker is not None or self._request is None:
            return  # it begins when the one before has ended
        request, self._request = self._request, None
        worker: Any = create_worker(
            _guarded,
            self._work,
            request,
            lambda: worker.abort_requested,
            _start_thread=False,
            _ignore_errors=True,
        )
        worker.returned.connect(self._on_returned)
        worker.errored.connect(self._on_error)
        worker.finished.connect(self._on_finished)
        self._worker = worker
        end_with_program(worker)
        worker.start()

    def _on_returned(self, result: Any) -> None:
        if self._worker is not None and not self._worker.abort_requested:
            self.done.emit(result)

    def _on_error(self, error: Exception) -> None:
        if self._worker is not None and not self._worker.abort_requested:
            self.failed.emit(error)

    def _on_finished(self) -> None:
        self._worker = None
        if not self._timer.isActive():
            self._begin()


def _guarded(
    work: Callable[[Any, Callable[[], bool]], Any], request: Any, should_stop: Callable[[], bool]
) -> Any:
    """Do the work; whatever fails, it fails in one sentence."""
    with guard("This failed"):
        return work(request, should_stop)
