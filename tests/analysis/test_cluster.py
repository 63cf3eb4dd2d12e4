"""The analysis on a real cluster of two processes, with the stand-in network."""

from __future__ import annotations

import os
import signal
import socket
from functools import partial
from time import monotonic, sleep
from types import SimpleNamespace

import numpy as np
import pytest
from distributed import Client, LocalCluster
from stand_in import CountedClassifier, SlowClassifier
from waiting import PATIENCE

from napari_lattice_symmetry.analysis import analyze, iter_analyze
from napari_lattice_symmetry.analysis.cluster import FRAMES_A_THREAD, _Share, local_cluster
from napari_lattice_symmetry.analysis.frame import AnalysisJob
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import AnalysisError, InputError
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.results import load_result, versions


@pytest.fixture(scope="module")
def client():
    with local_cluster(2) as cluster, Client(cluster, set_as_default=False) as client:
        yield client


@pytest.fixture
def movie_file(movie, tmp_path):
    np.save(tmp_path / "growth.npy", movie.frames)
    return tmp_path / "growth.npy"


def assert_same(one, other):
    for name in (*one.maps, "state"):
        np.testing.assert_array_equal(
            np.asarray(getattr(one, name)), np.asarray(getattr(other, name)), err_msg=name
        )


class Watched:
    """Frames that note in this process that they were read."""

    def __init__(self, frames):
        self.frames, self.shape, self.dtype, self.read = frames, frames.shape, frames.dtype, []

    def __getitem__(self, index):
        self.read.append(index)
        return self.frames[index]


def test_frames_in_a_file_are_read_by_the_workers(client, movie_file, parameters, fake_model):
    movie = read_movie(movie_file)
    expected = analyze(movie, parameters, model=fake_model)
    watched = Watched(np.asarray(movie.frames))
    movie = Movie(watched, name=movie.name, reopen=movie.reopen)
    _ = movie.fingerprint
    watched.read.clear()
    progress = []
    result = analyze(
        movie,
        parameters,
        model=fake_model,
        scheduler=client,
        progress=lambda done, total: progress.append((done, total)),
    )
    assert_same(result, expected)
    assert watched.read == [0]  # to see that it shows something
    assert progress == [(21 * (t + 1), 126) for t in range(6)]


@pytest.mark.parametrize("reopen", [None, partial(read_movie, "/nowhere/growth.npy")])
def test_frames_that_workers_cannot_reach_are_sent(client, movie, parameters, fake_model, reopen):
    expected = analyze(movie, parameters, model=fake_model)
    there = Movie(movie.frames, name=movie.name, reopen=reopen)
    assert_same(analyze(there, parameters, model=fake_model, scheduler=client), expected)


def test_other_file_of_the_same_name_is_not_used(client, movie, tmp_path, parameters, fake_model):
    np.save(tmp_path / "growth.npy", movie.frames + 10)
    here = Movie(movie.frames, reopen=partial(read_movie, tmp_path / "growth.npy"))
    expected = analyze(movie, parameters, model=fake_model)
    assert_same(analyze(here, parameters, model=fake_model, scheduler=client), expected)


def test_weights_travel_once_to_each_worker(client, movie, parameters, tmp_path):
    analyze(movie, parameters, model=CountedClassifier(tmp_path), scheduler=client)
    traveled = [int(file.name.split(".")[0]) for file in tmp_path.iterdir()]
    workers = client.run(os.getpid).values()
    assert set(traveled) <= set(workers)
    assert 1 <= len(traveled) == len(set(traveled))


@pytest.fixture
def long_movie(frames):
    return Movie(np.concatenate([frames, frames + 1, frames + 2]), name="long")


def test_killed_worker_costs_only_time(client, long_movie, parameters, fake_model, tmp_path):
    expected = analyze(long_movie, parameters, model=fake_model)
    pids = client.run(os.getpid)
    killed = []

    def kill_one(done, total):
        if not killed:
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)

    path = tmp_path / "long.zarr"
    result = analyze(
        long_movie,
        parameters,
        model=SlowClassifier(0.3),
        scheduler=client,
        output=path,
        progress=kill_one,
    )
    assert killed[0] not in client.run(os.getpid).values()
    assert_same(result, expected)
    assert_same(load_result(path), expected)


def test_no_more_frames_are_sent_than_keep_workers_busy(client, long_movie, parameters):
    watched = Watched(long_movie.frames)
    there = Movie(watched, name="long")
    _ = there.fingerprint
    watched.read.clear()
    iterator = iter_analyze(there, parameters, model=SlowClassifier(0.1), scheduler=client)
    busy = FRAMES_A_THREAD * 2 + 1  # and the one that was looked at
    for n_before, _ in enumerate(iterator):
        assert n_before < len(watched.read) <= n_before + 2 * busy
    assert sorted(watched.read) == sorted([0, *range(18)])


def test_stop_bites_on_a_cluster(client, long_movie, parameters):
    done = []
    result = analyze(
        long_movie,
        parameters,
        model=SlowClassifier(0.1),
        scheduler=client,
        progress=lambda windows, total: done.append(windows),
        should_stop=lambda: len(done) >= 3,
    )
    assert 3 <= result.done.sum() < 10
    end = monotonic() + PATIENCE  # the scheduler takes its time to forget what is cancelled
    while any(client.processing().values()) and monotonic() < end:
        sleep(0.1)
    assert not any(client.processing().values())


def test_frames_that_cannot_be_read_are_skipped_on_a_cluster(
    client, movie_file, parameters, fake_model
):
    class Corrupt(Watched):
        def __getitem__(self, index):
            if index == 3:
                raise OSError("bad sector")
            return super().__getitem__(index)

    result = analyze(
        Movie(Corrupt(np.load(movie_file))), parameters, model=fake_model, scheduler=client
    )
    assert result.failed.tolist() == [False, False, False, True, False, False]
    assert result.done.sum() == 5


def test_failure_on_a_worker_is_told(client, movie, parameters, fake_model):
    fake_model.classify_blocks = None  # cannot be called
    told = r"^growth, frame \d: the analysis failed \(TypeError: 'NoneType'"
    with pytest.raises(AnalysisError, match=told):
        analyze(movie, parameters, model=fake_model, scheduler=client)


class Unknown:
    """A network that no worker can load."""

    name, sha256, engine = "unknown", "0" * 64, "none"

    def __reduce__(self):
        return int, ("no number",)


def test_frame_that_the_cluster_gives_up_is_told(client, movie, parameters):
    told = r"^The cluster gave a frame up \(invalid literal for int"
    with pytest.raises(AnalysisError, match=told):
        analyze(movie, parameters, model=Unknown(), scheduler=client)


def test_ctrl_c_while_workers_start_leaves_none(monkeypatch):
    class Interrupted:
        closed = 0

        def __init__(self, **_):
            sleep(0.5)  # until it is waited for
            os.kill(os.getpid(), signal.SIGINT)
            sleep(0.5)

        def close(self):
            Interrupted.closed += 1

    monkeypatch.setattr("napari_lattice_symmetry.analysis.cluster.LocalCluster", Interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            local_cluster(1)
    finally:
        signal.signal(signal.SIGINT, before)
    assert Interrupted.closed == 1


@pytest.mark.parametrize("listens", [False, True], ids=["nobody there", "no scheduler"])
def test_missing_scheduler_is_told(movie, parameters, fake_model, monkeypatch, listens):
    monkeypatch.setattr("napari_lattice_symmetry.analysis.cluster.CONNECTING", 1)
    with socket.socket() as ear:
        ear.bind(("127.0.0.1", 0))
        if listens:
            ear.listen()
        address = f"tcp://127.0.0.1:{ear.getsockname()[1]}"
        with pytest.raises(InputError, match=f"^No Dask scheduler answers at {address} "):
            analyze(movie, parameters, model=fake_model, scheduler=address)


@pytest.mark.parametrize("address", ["nonsense", "http://nowhere:1", ""])
def test_address_that_is_none_is_told_at_once(movie, parameters, fake_model, address):
    with pytest.raises(InputError, match=f"^No Dask scheduler answers at {address} "):
        analyze(movie, parameters, model=fake_model, scheduler=address)


def test_cluster_without_workers_is_told(movie, parameters, fake_model, monkeypatch):
    monkeypatch.setattr("napari_lattice_symmetry.analysis.cluster.ANSWERING", 1)
    with (
        LocalCluster(n_workers=0, dashboard_address=":0") as cluster,
        pytest.raises(AnalysisError, match=r"^There has been no Dask worker for 1 s; see to"),
    ):
        analyze(movie, parameters, model=fake_model, scheduler=cluster)


def test_frames_of_a_silent_worker_go_to_others(long_movie, parameters, fake_model, monkeypatch):
    monkeypatch.setattr("napari_lattice_symmetry.analysis.cluster.SILENCE", 20)
    expected = analyze(long_movie, parameters, model=fake_model)
    with local_cluster(2) as cluster, Client(cluster, set_as_default=False) as client:
        stopped = []

        def stop_one(done, total):
            if not stopped:
                stopped.append(next(iter(client.run(os.getpid).values())))
                os.kill(stopped[0], signal.SIGSTOP)

        result = analyze(
            long_movie,
            parameters,
            model=SlowClassifier(0.1),
            scheduler=client,
            progress=stop_one,
        )
        assert_same(result, expected)


def test_scheduler_that_is_lost_ends_the_run(long_movie, parameters, tmp_path):
    with local_cluster(1) as cluster:
        told = r"^The Dask scheduler does not answer \(.*\); see to the cluster"
        with pytest.raises(AnalysisError, match=told):
            analyze(
                long_movie,
                parameters,
                model=SlowClassifier(0.1),
                scheduler=cluster.scheduler_address,
                output=tmp_path / "long.zarr",
                progress=lambda done, total: cluster.close(),
            )
    assert 1 <= load_result(tmp_path / "long.zarr").done.sum() < 18


@pytest.fixture
def other_numpy(monkeypatch):
    there = versions() | {"numpy": "0.1"}
    monkeypatch.setattr("napari_lattice_symmetry.analysis.cluster.versions", lambda: there)
    return rf"^The worker at \S+ has numpy {np.__version__} instead of 0\.1; install the same"


def test_workers_of_another_version_are_refused(client, movie, parameters, fake_model, other_numpy):
    with pytest.raises(AnalysisError, match=other_numpy):
        analyze(movie, parameters, model=fake_model, scheduler=client)


def test_late_worker_of_another_version_analyzes_nothing(
    movie, parameters, fake_model, other_numpy, monkeypatch
):
    share = _Share(AnalysisJob(movie, parameters), fake_model)
    monkeypatch.undo()
    with pytest.raises(AnalysisError, match=other_numpy):
        share.setup(SimpleNamespace(address="tcp://late:1"))
    with pytest.raises(AnalysisError, match=other_numpy):  # Dask lets it join all the same
        share.analyze(0, 0, (movie.frame(0), ""))
