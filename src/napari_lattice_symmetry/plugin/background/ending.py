"""Workers that end before the program: what they compute with is torn down after it."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING
from weakref import WeakSet

from qtpy.QtCore import QThreadPool

if TYPE_CHECKING:
    from superqt.utils import WorkerBase

_TIMEOUT = 30_000  # ms, as a network may take to be loaded

_workers: WeakSet[WorkerBase] = WeakSet()


def end_with_program(worker: WorkerBase) -> None:
    """Have a worker told to stop when the program ends, and waited for."""
    _workers.add(worker)


@atexit.register
def _end_all() -> None:
    running = [worker for worker in _workers if worker.is_running]
    for worker in running:
        worker.quit()
    pool = QThreadPool.globalInstance()
    if running and pool is not None:
        pool.waitForDone(_TIMEOUT)
