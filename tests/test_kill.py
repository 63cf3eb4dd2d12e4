"""A run that is killed at any moment, and continued, ends as an undisturbed one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import napari_lattice_symmetry
from napari_lattice_symmetry.results import is_result, load_result

HELPERS = Path(__file__).parent / "helpers"
STAND_IN = [sys.executable, HELPERS / "run_stand_in.py"]
REAL = [Path(sys.executable).with_name("lattice-symmetry")]
N_FRAMES, N_KILLS = 40, 8


@pytest.fixture
def start(tmp_path):
    """Start a run of the command on a small movie, into an output of that name."""
    frames = np.random.default_rng(0).normal(20, 12, (N_FRAMES, 48, 80))
    np.save(tmp_path / "growth.npy", frames.astype(np.float32))
    settings = ("--window", "32", "--stride", "8", "--samples", "3", "--no-plots")
    paths = str(HELPERS), str(Path(napari_lattice_symmetry.__file__).parents[1])
    extra = {"PYTHONPATH": os.pathsep.join(paths), "TF_CPP_MIN_LOG_LEVEL": "3"}

    with ExitStack() as runs:

        def start_run(command, output):
            run = subprocess.Popen(
                [*command, "analyze", "growth.npy", "-o", output, *settings],
                cwd=tmp_path,
                env=os.environ | extra,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            runs.enter_context(run)
            runs.callback(run.kill)
            return run

        yield start_run


def finish(run):
    _, errors = run.communicate(timeout=500)
    assert run.returncode == 0, errors.decode()


def kill(run, after):
    """Kill a run after so many seconds."""
    time.sleep(after)
    run.kill()
    run.communicate()


def array_files(path):
    """Give the bytes of every file that belongs to an array."""
    files = (file for file in path.rglob("*") if file.is_file() and file.parent != path)
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def finished_frames(path):
    """Give the maps of the finished frames by position."""
    if not is_result(path):
        return {}
    result = load_result(path)
    return {t: np.asarray(result.mean[:, t]) for t in np.flatnonzero(result.done)}


@pytest.mark.slow
def test_run_killed_at_random_moments_ends_as_an_undisturbed_one(start, tmp_path):
    whole, killed = tmp_path / "whole.zarr", tmp_path / "killed.zarr"
    begun = time.perf_counter()
    run = start(STAND_IN, whole.name)
    while not whole.exists():
        time.sleep(0.01)
        assert run.poll() is None, run.stderr.read().decode()
    until_written = time.perf_counter() - begun
    finish(run)
    until_end = time.perf_counter() - begun
    expected = finished_frames(whole)

    rng = np.random.default_rng()
    n_inside = 0
    for _ in range(N_KILLS):
        before = finished_frames(killed)
        if len(before) == N_FRAMES:
            assert array_files(killed) == array_files(whole)
            (tmp_path / "killed_fractions.csv").unlink(missing_ok=True)
            killed.rename(tmp_path / f"{time.time_ns()}.zarr")
            before = {}
        kill(start(STAND_IN, killed.name), rng.uniform(0.8 * until_written, until_end))
        after = finished_frames(killed)
        assert before.keys() <= after.keys()
        for t, maps in after.items():
            np.testing.assert_array_equal(maps, expected[t])
        n_inside += len(before) < len(after) < N_FRAMES
    assert n_inside > 0, "every kill came before or after the frames"
    finish(start(STAND_IN, killed.name))
    assert array_files(killed) == array_files(whole)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_ctrl_c_ends_a_run_without_a_traceback_and_keeps_its_frames(
    start, tmp_path, monkeypatch, request
):
    monkeypatch.setenv("STAND_IN_SECONDS", "0.5")  # it must not end before it is told to
    # A process in the background of a shell ignores Ctrl-C, and hands that on.
    request.addfinalizer(partial(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT)))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    output = tmp_path / "run.zarr"
    run = start(STAND_IN, output.name)
    while not finished_frames(output):
        assert run.poll() is None, run.stderr.read().decode()
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=500)
    assert run.returncode == 130
    assert b"Traceback" not in errors
    n_kept = len(finished_frames(output))
    assert f"{n_kept} of {N_FRAMES} frames are finished and kept" in errors.decode()
    assert 0 < n_kept < N_FRAMES
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_run_of_the_network_itself_is_continued_after_a_kill(start, tmp_path):
    whole, killed = tmp_path / "whole.zarr", tmp_path / "killed.zarr"
    finish(start(REAL, whole.name))
    run = start(REAL, killed.name)
    while not finished_frames(killed):
        assert run.poll() is None, run.stderr.read().decode()
        time.sleep(0.01)
    kill(run, after=0)
    assert 0 < len(finished_frames(killed)) < N_FRAMES
    finish(start(REAL, killed.name))
    assert array_files(killed) == array_files(whole)
