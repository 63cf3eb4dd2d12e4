"""What a file does not say of its calibration is said to the command."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from napari_lattice_symmetry.results import load_result

SETTINGS = ("--window", "32", "--stride", "16", "--samples", "3")
SIZES = ("--pixel-size", "0.02,0.03", "--frame-time", "0.5")


pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.fixture
def run(run):
    return lambda *arguments: run(*arguments, *SETTINGS)


def calibration_of(name):
    result = load_result(name)
    return (
        result.pixel_size,
        result.unit,
        result.frame_time,
        result.provenance["calibration_source"],
    )


@pytest.fixture
def movies(tmp_path):
    """Two arrays that say nothing of their pixels."""
    frames = np.where(np.arange(64) < 30, 5, 35) + np.zeros((2, 48, 1))
    for name in "ab":
        np.save(f"{name}.npy", frames)
    return "a.npy", "b.npy"


def test_many_files_are_calibrated_by_hand(run, movies):
    assert run("analyze", *movies, *SIZES, "--no-plots").exit_code == 0
    by_hand = ((0.03, 0.02), "nm", 0.5, "pixel size and frame time set by hand")
    assert [calibration_of("a.zarr"), calibration_of("b.zarr")] == [by_hand, by_hand]


def test_what_is_not_given_is_as_in_the_file(run, shared_data):
    shutil.copy(shared_data / "formats" / "dmTest_3D_int16.dm3", "a.dm3")
    run("analyze", "a.dm3", "--frame-time", "2", "--no-plots")
    assert calibration_of("a.zarr") == (
        (3, pytest.approx(0.002)),
        "nm",
        2,
        "scale of the Gatan DigitalMicrograph axes; frame time set by hand",
    )


def test_a_result_of_another_calibration_is_not_continued(run, movies):
    run("analyze", "a.npy", "--pixel-size", "0.02", "--no-plots")
    again = run("analyze", "a.npy", "--pixel-size", "0.03", "--no-plots")
    assert again.exit_code == 1
    assert (
        "Error: a.zarr was made with another calibration (0.02 x 0.02 nm (y, x), no frame time); "
        "choose another name, or overwrite it.\n"
    ) in again.stderr


@pytest.mark.parametrize("size", ["-1", "wide", "1,2,3", "inf", "0.1,0"])
def test_sizes_that_are_none(run, movies, size):
    done = run("analyze", "a.npy", "--pixel-size", size)
    assert done.exit_code == 2
    assert f"'{size}' is not one positive number, or two with a comma." in done.stderr


def test_a_watch_is_calibrated_by_hand(run, tmp_path):
    (folder := tmp_path / "frames").mkdir()
    np.save(folder / "0.npy", np.full((48, 64), 5.0))
    watched = ("watch", "frames", "--stop-after", "0.3", "--interval", "0.05")
    assert run(*watched, *SIZES).exit_code == 0
    assert calibration_of("frames.zarr")[:3] == ((0.03, 0.02), "nm", 0.5)
    assert run(*watched).exit_code == 0  # goes on as it began
    other = run(*watched, "--frame-time", "1")
    assert "made with another calibration (0.03 x 0.02 nm (y, x), 0.5 s)" in other.stderr
