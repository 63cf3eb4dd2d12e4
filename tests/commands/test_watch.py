"""The command that watches, as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.cli import main
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.results import load_result

STAND_IN = Path(__file__).parents[1] / "helpers" / "run_stand_in.py"
SETTINGS = {"window": 32, "stride": 4, "samples": 5}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    return folder


@pytest.fixture
def frames():
    """Six frames 48 x 80, square on the left and hexagonal on the right."""
    noise = np.random.default_rng(0).normal(0, 1, (6, 48, 80))
    return (np.where(np.arange(80) < 40, 5, 35) + noise).astype(np.float32)


def write(folder, number, frame):
    tifffile.imwrite(folder / f"frame_{number}.tif", frame)


@pytest.fixture
def start(folder):
    started = []

    def start_watch(*options):
        command = [sys.executable, str(STAND_IN), "watch", str(folder)]
        for name, value in SETTINGS.items():
            command += [f"--{name}", str(value)]
        output = folder.with_name("result.zarr")
        process = subprocess.Popen(
            [*command, "--interval", "0.1", "-o", str(output), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start_watch
    for process in started:
        process.kill()
        process.communicate()


def assert_is_of_finished_movie(folder, model):
    result = load_result(folder.with_name("result.zarr"))
    finished = analyze(read_movie(folder), AnalysisParameters(**SETTINGS), model=model)
    for name in ("labels", "mean", "std", "entropy", "fractions", "state"):
        ours, theirs = np.asarray(getattr(result, name)), getattr(finished, name)
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


@pytest.mark.slow
def test_frames_are_told_as_they_come(folder, frames, start, fake_model):
    process = start("--stop-after", "2")
    assert process.stdout.readline().startswith("Watching")
    write(folder, 0, frames[0])
    first = "square 31%, hexagonal 31%, centered rectangular 23%, rectangular 15%"
    assert process.stdout.readline() == f"frame_0.tif: {first}\n"
    (folder / "frame_1.tif").write_bytes(b"II*\0 cut off")
    for number in range(2, 6):
        write(folder, number, frames[number])
    out, err = process.communicate(timeout=500)
    assert process.returncode == 0
    assert "Waiting for frame_1.tif, which is not complete." in err
    assert "frame_1.tif: skipped: " in err
    assert re.search(r"\([1-3] waiting\)", out)
    assert "5 frames analyzed, 1 skipped. Wrote" in out
    assert "\n5," in folder.with_name("result_fractions.csv").read_text()


@pytest.mark.slow
def test_names_of_any_bytes(folder, frames, start):
    for number, name in enumerate([b"frame_0.tif", b"frame_\xff.tif"]):
        tifffile.imwrite(folder / os.fsdecode(name), frames[number])
    for told in (2, 0):
        out, err = start("--stop-after", "1").communicate(timeout=500)
        assert (out.count("square"), err) == (told, "")
        assert "2 frames analyzed. Wrote" in out


@pytest.mark.slow
def test_ctrl_c_keeps_everything_and_the_same_command_goes_on(folder, frames, start, fake_model):
    for number in range(3):
        write(folder, number, frames[number])
    process = start()
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=500)
    assert (process.returncode, err) == (0, "")
    assert "frames analyzed. Wrote" in out
    n_before = int(load_result(folder.with_name("result.zarr")).done.sum())
    assert n_before >= 2
    for number in range(3, 6):
        write(folder, number, frames[number])
    out, _ = start("--stop-after", "2").communicate(timeout=500)
    assert out.count("frame_") == 6 - n_before
    assert "6 frames analyzed. Wrote" in out
    assert_is_of_finished_movie(folder, fake_model)


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_result_to_go_on_with(folder, frames, start, fake_model):
    for number in range(6):
        write(folder, number, frames[number])
    told = 0
    for seconds in (0.1, 0.25, 0.4):
        process = start()
        process.stdout.readline()
        time.sleep(seconds)
        process.kill()
        told += process.communicate()[0].count("frame_")
        output = folder.with_name("result.zarr")
        if output.exists():
            assert load_result(output).done.sum() >= told
    start("--stop-after", "1").communicate(timeout=500)
    assert_is_of_finished_movie(folder, fake_model)


@pytest.mark.slow
def test_a_report_on_a_watch_has_its_frames(folder, frames, start):
    for number, frame in enumerate(frames):
        np.save(folder / f"frame_{number}.npy", frame)
    start("--stop-after", "1").communicate(timeout=500)
    done = CliRunner().invoke(main, ["report", str(folder.with_name("result.zarr"))])
    assert done.output.startswith("Wrote ")
    page = folder.with_name("result_report.html").read_text(encoding="utf-8")
    assert "Point at a map of classes to see the frame under it." in page


def test_nothing_comes(folder, start):
    out, _ = start("--stop-after", "0.2").communicate(timeout=500)
    assert "No frame has come." in out
    assert not folder.with_name("result.zarr").exists()


def test_a_place_that_is_not_there(folder, start):
    folder.rmdir()
    _, err = start().communicate(timeout=500)
    assert (
        err == f"Error: {folder} does not exist; choose a folder, a TIFF file or a Zarr folder.\n"
    )


def test_a_table_of_somebody_else_is_not_replaced(folder, frames, start):
    write(folder, 0, frames[0])
    table = folder.with_name("result_fractions.csv")
    table.write_text("mine")
    out, err = start("--stop-after", "0.2").communicate(timeout=500)
    assert (out, err) == ("", f"Error: {table} exists; choose another name, or overwrite it.\n")
    assert table.read_text() == "mine"
    assert not folder.with_name("result.zarr").exists()
    start("--stop-after", "1", "--overwrite").communicate(timeout=500)
    assert table.read_text() != "mine"


def test_the_result_must_be_a_zarr_folder(folder, start):
    _, err = start("-o", "result.tif").communicate(timeout=500)
    assert err == "Error: The output result.tif must be named .zarr.\n"
