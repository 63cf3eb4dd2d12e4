from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest


def test_info_names_versions_and_networks(run):
    done = run("info")
    assert done.exit_code == 0, done.output
    assert f"numpy: {np.__version__}" in done.stdout
    assert re.search(r"polar:(.|\n)*sha256: [0-9a-f]{64}", done.stdout)


def test_info_measures_the_period_of_a_file(run):
    y, x = np.mgrid[:256, :256]
    wave = np.cos(2 * np.pi * x / 16) + np.cos(2 * np.pi * y / 16)
    np.save("lattice.npy", wave.astype(np.float32)[None])
    told = run("info", "lattice.npy").stdout
    assert "shape: 1 x 256 x 256 (frames, px, px)" in told
    assert "dtype: float32" in told
    period = float(re.search(r"lattice period: ([\d.]+) px", told)[1])
    assert period == pytest.approx(16, rel=0.03)
    assert "128 px, 8.0 periods" in told
    assert re.search(r"suggested window: (152|160|168) px", told)


def test_info_asks_along_which_axis_frames_lie(run, assert_one_sentence):
    np.save("a.npy", np.random.default_rng(0).normal(size=(64, 64, 9)))
    assert_one_sentence(run("info", "a.npy"), "--frames-are first or --frames-are last")
    assert "shape: 9 x 64 x 64" in run("info", "a.npy", "--frames-are", "last").stdout


def test_info_says_where_no_lattice_is(run):
    np.save("noise.npy", np.random.default_rng(0).normal(size=(256, 256)))
    assert "lattice period: none found" in run("info", "noise.npy").stdout


def test_info_tells_how_a_result_was_made(run, stand_in):
    np.save("growth.npy", np.random.default_rng(0).normal(5, 1, (4, 48, 80)))
    settings = ("--window", "32", "--stride", "16", "--samples", "3", "--no-plots")
    run("analyze", "growth.npy", "--seed", "9", *settings)
    told = run("info", "growth.zarr").stdout
    assert "4 of 4 finished" in told
    assert "seed: 9" in told
    assert stand_in.sha256 in told


def test_info_tells_where_the_calibration_is_from(run):
    np.save("a.npy", np.random.default_rng(0).normal(size=(2, 64, 64)))
    told = run("info", "a.npy").stdout
    assert "calibration from: nothing in the file" in told
    Path("a.json").write_text(json.dumps({"pixel_size": 20, "pixel_size_units": "pm"}))
    told = run("info", "a.npy").stdout
    assert "pixel size: 0.02 x 0.02 nm" in told
    assert "calibration from: a.json" in told
