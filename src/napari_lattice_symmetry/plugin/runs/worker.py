"""Long runs in a thread of their own: they touch no viewer, no layer and no widget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from napari.qt.threading import thread_worker
from superqt.utils import GeneratorWorker

from napari_lattice_symmetry.errors import guard
from napari_lattice_symmetry.plugin.background.ending import end_with_program


class ClosingWorker(GeneratorWorker):
    """Lets go of the file as soon as it has stopped."""

    def work(self) -> Any:
        """Run the generator to its end, or until told to stop."""
        try:
            return super().work()
        finally:
            self._gen.close()


def create_step_worker(
    begin: Callable[[Callable[[], bool]], Iterator[Any]],
    failing: str,
    progress: dict[str, Any] | None = None,
) -> ClosingWorker:
    """Prepare a worker that yields steps, whose ``quit`` bites at the next block of windows.

    Parameters
    ----------
    begin : callable
        Called in the thread as ``begin(should_stop)``; gives the steps.
    failing : str
        How the sentence begins if anything goes wrong; unguarded, a generator worker would
        swallow a ``RuntimeError``.
    progress : dict, optional
        What napari tells of the progress, if it is to: its total and description.
    """

    def steps() -> Iterator[Any]:
        with guard(failing):
            yield from begin(lambda: worker.abort_requested)

    # superqt's plain worker leaves errors to us; napari's would show a traceback besides.
    make_worker = thread_worker(
        steps,
        start_thread=False,
        progress=progress,
        worker_class=ClosingWorker,
        ignore_errors=True,
    )
    worker: ClosingWorker = make_worker()
    end_with_program(worker)
    return worker
