"""Runs of the command that end early, go on, or meet what they cannot read."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_lattice_symmetry.results import load_result

SETTINGS = ("--window", "32", "--stride", "16", "--samples", "3", "--no-plots")
N_FRAMES = 6


@pytest.fixture(autouse=True)
def growth(stand_in):
    """A compressed TIFF of 6 frames."""
    frames = np.random.default_rng(0).normal(20, 9, (N_FRAMES, 48, 80)).astype(np.float32)
    tifffile.imwrite("growth.tif", frames, photometric="minisblack", compression="zlib")
    return frames


@pytest.fixture
def run(run):
    return lambda *options: run("analyze", "growth.tif", *SETTINGS, *options)


@pytest.fixture
def interrupted(run, fake_model, monkeypatch):
    """A run that ended with Ctrl-C in its third frame."""
    classify, frames = fake_model.classify_blocks, iter(range(N_FRAMES))

    def interrupt(windows, **keywords):
        if next(frames) == 2:
            raise KeyboardInterrupt
        return classify(windows, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(fake_model, "classify_blocks", interrupt)
        assert run().exit_code == 130
    assert load_result("growth.zarr").done.sum() == 2


def corrupt(index):
    """Damage the pixels of a frame."""
    with tifffile.TiffFile("growth.tif") as file:
        offset, size = file.pages[index].dataoffsets[0], file.pages[index].databytecounts[0]
    with Path("growth.tif").open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * size)


@pytest.mark.usefixtures("interrupted")
def test_same_command_continues(run):
    done = run()
    assert done.exit_code == 0, done.output
    assert "6 of 6 frames (2 of them before), 32 windows in" in done.stdout
    assert load_result("growth.zarr").done.all()
    assert len(Path("growth_fractions.csv").read_text().splitlines()) == 1 + N_FRAMES
    again = run()
    assert again.exit_code == 0
    assert "6 of 6 frames (6 of them before), 0 windows in" in again.stdout


@pytest.mark.usefixtures("interrupted")
def test_other_settings_are_refused_unless_older_output_may_go(run):
    refused = run("--seed", "5")
    assert refused.exit_code == 1
    assert "growth.zarr was made with seed=0; use that to continue it" in refused.stderr
    assert load_result("growth.zarr").done.sum() == 2
    assert run("--seed", "5", "--overwrite").exit_code == 0
    assert load_result("growth.zarr").parameters.seed == 5


def test_corrupt_frame_is_skipped_marked_and_reported(run):
    corrupt(3)
    done = run()
    assert done.exit_code == 0, done.output
    assert re.search(r"growth\.tif: frame 3 cannot be read", done.stderr)
    assert "5 of 6 frames, 1 skipped" in done.stdout
    assert load_result("growth.zarr").failed.tolist() == [False] * 3 + [True] + [False] * 2
    rows = Path("growth_fractions.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ["0", "1", "2", "4", "5"]


def test_run_of_corrupt_frames_is_an_error(run):
    for index in range(1, N_FRAMES):
        corrupt(index)
    done = run()
    assert done.exit_code == 1
    assert "Error: " in done.stderr
    assert "5 frames in a row cannot be read" in done.stderr
    assert load_result("growth.zarr").done.tolist() == [True] + [False] * 5


def test_local_workers_give_the_same(run):
    assert run().exit_code == 0
    assert run("-o", "there.zarr", "--workers", "2").exit_code == 0
    here, there = load_result("growth.zarr"), load_result("there.zarr")
    np.testing.assert_array_equal(np.asarray(here.mean), np.asarray(there.mean))
    np.testing.assert_array_equal(here.fractions_std, there.fractions_std)


def test_two_ways_to_a_cluster_are_one_too_many(run):
    done = run("--workers", "2", "--scheduler", "tcp://127.0.0.1:9")
    assert done.exit_code == 1
    assert "either --scheduler or --workers" in done.stderr
