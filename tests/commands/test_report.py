from __future__ import annotations

import html
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.cli import main
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.results import load_result

FRAMES = "Point at a map of classes to see the frame under it."
SETTINGS = ("--window", "32", "--stride", "16", "--samples", "3", "--no-plots")
CALIBRATION = ("--pixel-size", "0.03,0.02", "--frame-time", "0.1")


@pytest.fixture
def saved(tmp_path, fake_model):
    """A saved result and the movie file that it was made from."""
    frames = np.where(np.arange(64) < 30, 5, 35) + np.arange(8)[:, None, None] * np.ones((8, 48, 1))
    source = tmp_path / "movie.npy"
    np.save(source, frames.astype(np.float32))
    result = analyze(read_movie(source), window=32, stride=16, samples=3, model=fake_model)
    result.save(tmp_path / "movie.zarr")
    return tmp_path / "movie.zarr", source


def run(*arguments):
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_a_report_lies_beside_its_result_with_the_frames(saved):
    result, source = saved
    done = run(result)
    path = result.with_name("movie_report.html")
    assert done.exit_code == 0
    assert done.output == f"Wrote {path}.\n"
    text = path.read_text(encoding="utf-8")
    assert FRAMES in text
    assert str(source) in text


def test_it_is_not_replaced_unless_asked_to(saved, tmp_path):
    result, _ = saved
    place = tmp_path / "page.html"
    assert run(result, "-o", place).exit_code == 0
    again = run(result, "-o", place)
    assert again.exit_code == 1
    assert again.output == f"Error: {place} exists; choose another name, or overwrite it.\n"
    assert run(result, "-o", place, "--overwrite").exit_code == 0


def test_a_movie_that_moved_can_be_given(saved, tmp_path):
    result, source = saved
    moved = source.rename(tmp_path / "moved.npy")
    place = tmp_path / "page.html"
    run(result, "-o", place)
    assert FRAMES not in place.read_text(encoding="utf-8")
    run(result, "-o", place, "--movie", moved, "--overwrite")
    assert FRAMES in place.read_text(encoding="utf-8")


def test_a_source_that_is_no_movie_any_more_costs_the_frames_only(saved):
    result, source = saved
    source.write_bytes(b"nothing")
    done = run(result)
    assert done.exit_code == 0
    assert "The report has no frames: " in done.output
    page = Path(result.with_name("movie_report.html")).read_text(encoding="utf-8")
    assert FRAMES not in page


@pytest.fixture
def analyzed_part(tmp_path, stand_in):
    """The result of one of two datasets of different frames, made by the command."""
    frames = np.full((4, 48, 64), 5.0) + np.arange(64)
    np.savez("scan.npz", forward=frames, backward=frames[:, :, ::-1])
    done = CliRunner().invoke(
        main, ["analyze", "scan.npz", "--dataset", "backward", *SETTINGS, *CALIBRATION]
    )
    assert done.exit_code == 0, done.output
    return tmp_path / "scan.zarr"


def test_the_dataset_is_found_again(analyzed_part, tmp_path):
    done = run(analyzed_part)
    page = analyzed_part.with_name("scan_report.html").read_text(encoding="utf-8")
    assert done.output == f"Wrote {analyzed_part.with_name('scan_report.html')}.\n"
    assert FRAMES in page
    assert "<td>backward</td>" in page
    (tmp_path / "scan.npz").rename(tmp_path / "moved.npz")
    assert FRAMES not in run_page(analyzed_part)
    assert FRAMES in run_page(analyzed_part, "--movie", "moved.npz")
    other = run_page(analyzed_part, "--movie", "moved.npz", "--dataset", "forward")
    assert FRAMES not in other  # since that is not what was analyzed


def run_page(result, *arguments):
    assert run(result, "-o", "page.html", "--overwrite", *arguments).exit_code == 0
    return Path("page.html").read_text(encoding="utf-8")


def test_the_command_in_the_report_makes_the_result_again(analyzed_part):
    page = run_page(analyzed_part)
    command = html.unescape(re.search("lattice-symmetry analyze[^<]*", page).group())
    _, *words = shlex.split(command)
    done = CliRunner().invoke(main, [*words, "-o", "again.zarr", "--no-plots"])
    assert done.exit_code == 0, done.output
    again = load_result("again.zarr")
    np.testing.assert_array_equal(again.mean, load_result(analyzed_part).mean)
    assert again.provenance["dataset"] == "backward"
    assert (again.pixel_size, again.unit, again.frame_time) == ((0.02, 0.03), "nm", 0.1)


def test_growth_is_fitted_on_request(saved, tmp_path):
    result, _ = saved
    place = tmp_path / "page.html"
    assert run(result, "-o", place, "--growth", "hexagonal", 2).exit_code == 0
    assert "Growth of hexagonal" in place.read_text(encoding="utf-8")
    wrong = run(result, "-o", place, "--overwrite", "--growth", "hexagonal", 99)
    assert wrong.exit_code == 1
    assert "The initial interval ends at 99 frame" in wrong.output


def test_what_is_no_result_is_one_sentence(tmp_path):
    done = run(tmp_path / "none.zarr")
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert "is not a saved result" in done.output
