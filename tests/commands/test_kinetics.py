from __future__ import annotations

import csv

import numpy as np
import pytest
from click.testing import CliRunner

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.cli import main
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.results import MovieResult, load_result

N_FRAMES = 30
RHO = 0.2


@pytest.fixture
def saved(tmp_path):
    """A result whose hexagonal fraction grows exponentially, and its movie."""
    times = np.arange(N_FRAMES) * 2.0
    radius = np.sqrt((400 + 2 * np.exp(0.12 * times)) / np.pi)
    y, x = np.mgrid[:96, :96]
    frames = np.where(np.hypot(y - 48, x - 48) < radius[:, None, None], 10, 200).astype(np.uint8)
    movie = Movie(frames, name="film", pixel_size=(0.1, 0.1), unit="nm", frame_time=2.0)
    np.save(tmp_path / "film.npy", frames)
    result = MovieResult.empty(movie, AnalysisParameters(window=32, stride=8))
    scatter = np.random.default_rng(0).normal(0, 1e-3, N_FRAMES)
    result.fractions[:] = 0
    result.fractions[:, 3] = 0.1 + 5e-6 * np.exp(RHO * times) + scatter
    result.fractions_std[:] = 1e-3
    result.mean[:], result.std[:], result.state[:] = 0, 0, 1
    result.save(tmp_path / "film.zarr")
    return tmp_path / "film.zarr"


def run(*arguments):
    return CliRunner().invoke(main, ["kinetics", *map(str, arguments)])


def test_the_rate_of_a_class(saved, tmp_path):
    table, figure = tmp_path / "kinetics.csv", tmp_path / "kinetics.png"
    done = run(saved, "--of", "hexagonal", "--initial", "20", "--to", table, "--to", figure)
    assert done.exit_code == 0, done.output
    assert "hexagonal, initial level C up to 20 s" in done.output
    assert figure.stat().st_size > 5000
    with table.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["law"] == "exponential"]
    (rho,) = (row for row in rows if row["quantity"] == "rho")
    assert float(rho["low"]) < RHO < float(rho["high"])


@pytest.mark.slow
def test_where_nothing_grows_that_is_said(saved):
    done = run(saved, "--of", "hexagonal", "--initial", "30")
    assert "Nothing grows" not in done.output
    result = load_result(saved)
    result.fractions[:, 3] = 0.1 + np.random.default_rng(1).normal(0, 0.01, N_FRAMES)
    result.save(saved, overwrite=True)
    done = run(saved, "--of", "hexagonal", "--initial", "30")
    assert done.exit_code == 0, done.output
    assert "Nothing grows measurably" in done.output
    assert "(at a bound)" in done.output


def test_the_rate_by_brightness(saved, tmp_path):
    done = run(saved, "--of", "brightness", "--movie", tmp_path / "film.npy")
    assert done.exit_code == 0, done.output
    assert "holes, by brightness, initial level C up to 29 s" in done.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--of", "brightness"], "Give the movie whose brightness to measure"),
        ([], "The curve of 'holes, by windows' is 0 in all frames"),
        (["--to", "fit.txt"], "fit.txt must end in .csv, .png, .svg"),
        (["--initial", "1000", "--of", "hexagonal"], "The initial interval ends at 1000 s"),
    ],
)
def test_what_cannot_be_done_is_said(saved, arguments, sentence):
    done = run(saved, *arguments)
    assert done.exit_code == 1
    assert sentence in done.output


def test_another_movie_is_refused(saved, tmp_path):
    np.save(tmp_path / "other.npy", np.zeros((3, 8, 8)))
    done = run(saved, "--of", "brightness", "--movie", tmp_path / "other.npy")
    assert "is not the movie that was analyzed" in done.output


def test_older_output_is_kept(saved, tmp_path):
    table = tmp_path / "kinetics.csv"
    table.write_text("mine")
    done = run(saved, "--of", "hexagonal", "--to", table)
    assert f"{table} exists" in done.output
    assert table.read_text() == "mine"
