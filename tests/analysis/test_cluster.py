"""The analysis on a real cluster of two processes, with the stand-in network."""

from __future__ import annotations

import os
import signal
from functools import partial
from time import monotonic, sleep

import numpy as np
import pytest
from distributed import Client
from stand_in import CountedClassifier, SlowClassifier

from napari_lattice_symmetry.analysis import analyze, iter_analyze
from napari_lattice_symmetry.analysis.cluster import FRAMES_A_THREAD, local_cluster
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import AnalysisError, InputError
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.results import load_result


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
    patience = monotonic() + 30  # the scheduler takes its time to forget what is cancelled
    while any(client.processing().values()) and monotonic() < patience:
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


def test_missing_scheduler_is_told(movie, parameters, fake_model):
    with pytest.raises(InputError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        analyze(movie, parameters, model=fake_model, scheduler="tcp://127.0.0.1:9")
