"""Many machines: frames go to the workers of a Dask cluster, their maps come back."""

from __future__ import annotations

import logging
import os
import pickle
from asyncio import timeout
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from threading import Lock
from time import monotonic, sleep
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
from distributed.comm.core import CommClosedError, connect
from distributed.security import Security
from distributed.utils import LoopRunner, silence_logging_cmgr

from napari_lattice_symmetry.analysis.frame import AnalysisJob, iter_frame
from napari_lattice_symmetry.analysis.reading import FailureLimit, Reading, try_to_read
from napari_lattice_symmetry.bravais.classifier import Classifier
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import (
    AnalysisError,
    InputError,
    LatticeSymmetryError,
    first_line,
    guard,
)
from napari_lattice_symmetry.results.provenance import versions
from napari_lattice_symmetry.results.result import FrameResult

Scheduler: TypeAlias = str | Client | SpecCluster
"""The address of a scheduler, or what is connected to one."""

FRAMES_A_THREAD = 2
"""Frames under way for each thread of the cluster: one at work, and one to go on with."""

_SAME_VERSION = "install the same versions there as here"
_GO_ON = "see to the cluster, and run the same command again"

CONNECTING, ANSWERING, SILENCE, POLL = 10, 60, 60, 0.2
"""Seconds to wait for a scheduler at first, for its answers and for a worker, for a sign of life of
a worker that was started here, and between two looks whether to stop.

After that a silent worker is given up, and its frames go to others; for workers of another
scheduler, this is its ``worker-ttl``, 5 minutes as Dask comes.
"""


class _UnreachableError(LatticeSymmetryError):
    """A worker cannot open the file of the movie, or finds another one in its place."""


class _Share(WorkerPlugin):
    """What every worker needs to analyze frames; sent to each of them once, late ones included."""

    def __init__(self, job: AnalysisJob, model: Classifier) -> None:
        self._name, self._windows = job.movie.name, job.windows
        self._reopen, self._fingerprint = job.movie.reopen, job.movie.fingerprint
        self._pickled_model = pickle.dumps(model)
        self._versions = versions()

    def setup(self, worker: Worker) -> None:
        """Get ready on a worker, whose threads share what is loaded.

        Raises
        ------
        AnalysisError
            If other versions could give other numbers.
        """
        self._loading, self._other_versions = Lock(), ""
        here = versions()
        other = [
            f"{name} {here[name]} instead of {version}"
            for name, version in self._versions.items()
            if name != "python" and here[name] != version
        ]
        if other:
            self._other_versions = f"The worker at {worker.address} has {', '.join(other)}"
            self._tell_other_versions()

    def _tell_other_versions(self) -> None:
        if self._other_versions:  # of a late worker, Dask lets the setup fail in silence
            raise AnalysisError(f"{self._other_versions}; {_SAME_VERSION}.")

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
        self._tell_other_versions()
        with self._loading:
            model = self._model
            frame, failure = reading or try_to_read(self._movie, index)
        *_, result = iter_frame(
            self._windows,
            model,
            frame,
            f"{self._name}, frame {index}",
            index=index,
            position=position,
            failure=failure,
        )
        assert result is not None  # nothing stops it
        return result


def _analyze(share: str, position: int, index: int, reading: Reading | None) -> FrameResult:
    """Analyze a frame; runs on a worker."""
    plugin = get_worker().plugins[share]
    assert isinstance(plugin, _Share)
    return plugin.analyze(position, index, reading)


def local_cluster(workers: int) -> LocalCluster:
    """Start so many worker processes on this machine, which share its cores."""
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    started: list[LocalCluster] = []

    def start() -> LocalCluster:
        started.append(
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address=":0",
                silence_logs=logging.CRITICAL,  # what matters of it becomes a sentence
                scheduler_kwargs={"worker_ttl": f"{SILENCE} s"},
                env={
                    "OMP_NUM_THREADS": threads,
                    "TF_NUM_INTRAOP_THREADS": threads,
                    "TF_CPP_MIN_LOG_LEVEL": "3",
                },
            )
        )
        return started[0]

    try:
        with ThreadPoolExecutor(1) as starter:  # Ctrl-C in the middle of it would leave half of it
            return starter.submit(start).result()
    except KeyboardInterrupt:
        for cluster in started:
            cluster.close()
        raise


def analyze_there(
    job: AnalysisJob,
    todo: list[int],
    model: Classifier,
    scheduler: Scheduler,
    *,
    advance: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> Iterator[FrameResult | None]:
    """Analyze the frames at the positions `todo` on a cluster, and give them as they come.

    None stands for a moment in which none came.

    Workers read frames for themselves where they find the file of the movie; else the frames
    are sent. A frame whose worker dies or falls silent goes to another one.

    Raises
    ------
    InputError
        If no scheduler answers.
    AnalysisError
        If there is no worker, or one of another version, the cluster is lost, or as in
        `iter_analyze`.
    """
    waiting, running = deque(todo), dict[Future[Any], int]()
    sending, n_done, limit = job.movie.reopen is None, 0, FailureLimit(job.movie)
    with _connected(scheduler) as client, _shared(client, _Share(job, model)) as share:
        try:
            for n_threads in _thread_counts(client):
                if should_stop() or not (waiting or running):
                    return
                while waiting and len(running) < FRAMES_A_THREAD * n_threads:
                    position = waiting.popleft()
                    index = job.indices[position]
                    reading = try_to_read(job.movie, index) if sending else None
                    future = client.submit(_analyze, share, position, index, reading, pure=False)
                    running[future] = position
                for future in _finished(client, running):
                    position = running.pop(future)
                    try:
                        result = _result(future)
                    except (_UnreachableError, CancelledError, TimeoutError) as reason:
                        sending = sending or isinstance(reason, _UnreachableError)
                        waiting.appendleft(position)
                        continue
                    limit.note(result.failure)
                    n_done += 1
                    advance(n_done * job.grid.size)
                    yield result
                yield None
        finally:
            with suppress(Exception):  # the cluster may be gone
                client.cancel(list(running))


def _thread_counts(client: Client) -> Iterator[int]:
    """Count the threads of all workers there are now, again and again.

    Raises
    ------
    AnalysisError
        If the scheduler does not answer, or there has been no worker for as long as is waited.
    """
    seen = monotonic()
    while True:
        n_threads = sum(_ask(client, client.nthreads).values())
        if n_threads:
            seen = monotonic()
        elif monotonic() - seen > ANSWERING:
            raise AnalysisError(f"There has been no Dask worker for {ANSWERING} s; {_GO_ON}.")
        yield n_threads


def _ask(client: Client, question: Callable[..., Any], *details: Any, **more: Any) -> Any:
    """Ask the scheduler something, which it has to answer in time."""
    end = monotonic() + ANSWERING
    while True:
        try:
            return client.sync(question, *details, callback_timeout=ANSWERING, **more)
        except Exception as error:  # also what was asked may raise anything; that goes on below
            is_there = client.status == "running"
            if is_there and isinstance(error, CommClosedError) and monotonic() < end:
                sleep(POLL)  # a worker was given up, which takes an answer with it
                continue
            if is_there and not isinstance(error, OSError):
                raise
            raise AnalysisError(
                f"The Dask scheduler does not answer ({first_line(error)}); {_GO_ON}."
            ) from error


def _finished(client: Client, running: Iterable[Future[Any]]) -> list[Future[Any]]:
    """Wait a moment for any of the frames under way."""
    with client.as_current(), suppress(TimeoutError, CancelledError):
        wait(list(running), timeout=POLL, return_when="FIRST_COMPLETED")
    return [future for future in running if future.status != "pending"]


def _result(future: Future[Any]) -> FrameResult:
    """Take the maps of a frame from the cluster.

    Raises
    ------
    CancelledError, TimeoutError
        If the scheduler is lost, or the worker that has them does not give them.
    """
    lost = CancelledError, TimeoutError
    with guard("The cluster gave a frame up", unless=(LatticeSymmetryError, *lost)):
        result: FrameResult = future.result(timeout=ANSWERING)
    return result


async def _greet(address: str) -> None:
    """See that a scheduler answers; for its greeting a client would wait for ever."""
    details = Security().get_connection_args("client")
    async with timeout(2 * CONNECTING):
        comm = await connect(address, timeout=CONNECTING, **details)
    await comm.close()


class _Client(Client):
    """A client that is closed once; where that fails, Dask tries again, and shows a traceback."""

    def __del__(self) -> None:
        """Leave what could not be closed as it is."""


@contextmanager
def _connected(scheduler: Scheduler) -> Iterator[Client]:
    """Connect to a cluster."""
    if isinstance(scheduler, Client):
        yield scheduler
        return
    with silence_logging_cmgr(logging.CRITICAL):  # what matters of it becomes a sentence
        with guard(f"No Dask scheduler answers at {scheduler}", InputError):
            if isinstance(scheduler, str):
                LoopRunner().run_sync(_greet, scheduler)
            client: Client = _Client(  # type: ignore[no-untyped-call]
                scheduler, timeout=CONNECTING, set_as_default=False
            )
        try:
            yield client
        finally:
            with suppress(Exception):  # the scheduler may be gone
                client.close(timeout=CONNECTING)


@contextmanager
def _shared(client: Client, share: _Share) -> Iterator[str]:
    """Give all workers their share; yield its name."""
    name = f"lattice-symmetry-{uuid4().hex}"
    with guard("The workers cannot analyze", advice=_SAME_VERSION):
        _ask(client, client.register_plugin, share, name=name)
    try:
        yield name
    finally:
        with suppress(Exception):  # the cluster may be gone
            client.sync(client.unregister_worker_plugin, name, callback_timeout=CONNECTING)
