from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.lattice import simulate


def test_simulate_writes_a_calibrated_movie_with_its_truth(run):
    done = run("simulate", "square-to-hexagonal", "-o", "turn.tif", "--seed", "4", "--frames", "3")
    assert done.exit_code == 0, done.output
    expected = simulate("square-to-hexagonal", seed=4, frames=3)
    movie = read_movie(Path("turn.tif"))
    np.testing.assert_array_equal(np.asarray(movie.frames), np.asarray(expected.movie.frames))
    assert movie.pixel_size == pytest.approx(expected.movie.pixel_size, rel=1e-4)
    assert (movie.unit, movie.frame_time) == ("nm", pytest.approx(expected.movie.frame_time))
    np.testing.assert_array_equal(tifffile.imread("turn_classes.tif"), expected.classes)
    assert json.loads(Path("turn_parameters.json").read_text()) == expected.parameters


def test_simulate_replaces_only_if_told(run, assert_one_sentence):
    Path("two_classes.tif").write_text("mine")
    done = run("simulate", "two-grains", "-o", "two.tif")
    assert_one_sentence(done, "two_classes.tif exists")
    assert not Path("two.tif").exists()
    assert Path("two_classes.tif").read_text() == "mine"
