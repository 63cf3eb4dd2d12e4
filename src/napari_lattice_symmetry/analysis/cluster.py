"""Many machines: frames go to the workers of a Dask cluster, their maps come back."""

from __future__ import annotations

import logging
import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from threading import Lock
from typing import Any, TypeAlias
from uuid import uuid4

from distributed import (
    Client,
    Future,
    LocalCluster,
    SpecCluster,
    Worker,
    WorkerPlugin,
    get_worker,
    wait,
)

from napari_lattice_symmetry.analysis.frame import AnalysisJob, FrameMaps
from napari_lattice_symmetry.analysis.reading import Patience, Reading, try_to_read
from napari_lattice_symmetry.bravais.classifier import Classifier
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import AnalysisError, InputError, LatticeSymmetryError, guard
from napari_lattice_symmetry.results.result import FrameResult

Cluster: TypeAlias = str | Client | SpecCluster
"""The address of a scheduler, or what is connected to one."""

FRAMES_A_THREAD = 2
"""Frames under way for each thread of the cluster: one at work, and one to go on with."""

_SAME_VERSION = "install the same version of napari-lattice-symmetry there"

CONNECTING, MAX_WAIT, POLL = 10, 60, 0.2
"""Seconds to wait for a scheduler, for its first worker, and between two looks whether to stop."""


class _UnreachableError(LatticeSymmetryError):
    """A worker cannot open the file of the movie, or finds another one in its place."""


class _Share(WorkerPlugin):
    """What every worker needs to analyze frames; sent to each of them once, late ones included."""

    def __init__(self, job: AnalysisJob, model: Classifier) -> None:
        self._name, self._windows = job.movie.name, job.windows
        self._reopen, self._fingerprint = job.movie.reopen, job.movie.fingerprint
        self._pickled_model = pickle.dumps(model)

    def setup(self, worker: Worker) -> None:
        """Get ready on a worker, whose threads share what is loaded."""
        self._loading = Lock()

    @cached_property
    def _model(self) -> Classifier:
        model: Classifier = pickle.loads(self._pickled_model)
        return model

    @cached_property
    def _movie(self) -> Movie:
        try:
            movie = self._reopen() if self._reopen else None
        except (LatticeSymmetryError, OSError) as error:
            raise _UnreachableError(str(error)) from error
        if movie is None or movie.fingerprint != self._fingerprint:
            raise _UnreachableError("another movie")
        return movie

    def analyze(self, position: int, index: int, reading: Reading | None) -> FrameResult:
        """Analyze a frame, which is read here if no reading is given."""
        with self._loading:
            model = self._model
            frame, failure = reading or try_to_read(self._movie, index)
        maps, what = FrameMaps(self._windows), f"{self._name}, frame {index}"
        for _ in maps.fill(model, frame, what):
            pass
        return maps.result(index, position, failure)


def _analyze(share: str, position: int, index: int, reading: Reading | None) -> FrameResult:
    """Analyze a frame; runs on a worker."""
    plugin = get_worker().plugins[share]
    assert isinstance(plugin, _Share)
    return plugin.analyze(position, index, reading)


def local_cluster(workers: int) -> LocalCluster:
    """Start so many worker processes on this machine, which share its cores."""
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        dashboard_address=":0",
        silence_logs=logging.ERROR,  # that a worker is slow to leave is no one's concern
        env={
            "OMP_NUM_THREADS": threads,
            "TF_NUM_INTRAOP_THREADS": threads,
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
    )


def analyze_there(
    job: AnalysisJob,
    todo: list[int],
    model: Classifier,
    scheduler: Cluster,
    *,
    advance: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> Iterator[FrameResult | None]:
    """Analyze the frames at the positions `todo` on a cluster, and give them as they come.

    None stands for a moment in which none came.

    Workers read frames for themselves where they find the file of the movie; else the frames
    are sent. A frame whose worker dies goes to another one.

    Raises
    ------
    InputError
        If no scheduler answers.
    AnalysisError
        If there is no worker, the cluster is lost, or as in `iter_analyze`.
    """
    waiting, running = deque(todo), dict[Future[Any], int]()
    sending, n_done, patience = job.movie.reopen is None, 0, Patience(job.movie)
    with _connected(scheduler) as client, _shared(client, _Share(job, model)) as share:
        try:
            while (waiting or running) and not should_stop():
                while waiting and len(running) < FRAMES_A_THREAD * _count_threads(client):
                    position = waiting.popleft()
                    index = job.indices[position]
                    reading = try_to_read(job.movie, index) if sending else None
                    future = client.submit(_analyze, share, position, index, reading, pure=False)
                    running[future] = position
                for future in _finished(client, running):
                    position = running.pop(future)
                    try:
                        result = _result(future)
                    except _UnreachableError:
                        sending = True
                        waiting.appendleft(position)
                        continue
                    patience.note(result.failure)
                    n_done += 1
                    advance(n_done * job.grid.size)
                    yield result
                yield None
        finally:
            client.cancel(list(running))


def _finished(client: Client, running: Iterable[Future[Any]]) -> list[Future[Any]]:
    """Wait a moment for any of the frames under way."""
    with client.as_current(), suppress(TimeoutError):
        wait(list(running), timeout=POLL, return_when="FIRST_COMPLETED")
    return [future for future in running if future.status != "pending"]


def _result(future: Future[Any]) -> FrameResult:
    """Take the maps of a frame from the cluster."""
    with guard("The cluster gave a frame up"):
        result: FrameResult = future.result()
    return result


def _count_threads(client: Client) -> int:
    """Count the threads of all workers there are now; one while workers start anew."""
    return sum(client.nthreads().values()) or 1


@contextmanager
def _connected(scheduler: Cluster) -> Iterator[Client]:
    """Connect to a cluster, and wait for its first worker."""
    if isinstance(scheduler, Client):
        yield scheduler
        return
    with guard(f"No Dask scheduler answers at {scheduler}", InputError):
        client = Client(scheduler, timeout=CONNECTING, set_as_default=False)
    with client:
        try:
            client.wait_for_workers(1, timeout=MAX_WAIT)
        except TimeoutError as error:
            raise AnalysisError(
                f"The Dask scheduler {scheduler} has had no worker for {MAX_WAIT} s."
            ) from error
        yield client


@contextmanager
def _shared(client: Client, share: _Share) -> Iterator[str]:
    """Give all workers their share; yield its name."""
    name = f"lattice-symmetry-{uuid4().hex}"
    with guard("The workers cannot analyze", advice=_SAME_VERSION):
        client.register_plugin(share, name=name)
    try:
        yield name
    finally:
        with suppress(Exception):  # the cluster may be gone
            client.unregister_worker_plugin(name)
