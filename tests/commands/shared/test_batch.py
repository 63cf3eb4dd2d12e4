from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lattice_symmetry.commands.shared.batch import expand, outputs_of
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.results import load_result

SETTINGS = ("--window", "32", "--stride", "16", "--samples", "3", "--no-plots")


pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.fixture
def movies():
    """Two movies and, between them in the alphabet, a file that is none."""
    noise = np.random.default_rng(0).normal(5, 1, (2, 48, 64)).astype(np.float32)
    np.save("a.npy", noise)
    Path("b.npy").write_text("not a movie")
    np.save("c.npy", noise + 30)


@pytest.fixture
def run(run):
    return lambda *arguments: run("analyze", *arguments, *SETTINGS)


@pytest.mark.parametrize("files", [("a.npy", "b.npy", "c.npy"), ("*.npy",)])
def test_a_bad_file_does_not_stop_the_others(run, movies, files):
    done = run(*files)
    assert done.exit_code == 1
    assert load_result("a.zarr").done.all()
    assert load_result("c.zarr").done.all()
    assert not Path("b.zarr").exists()
    assert "1 of 3 files failed:\n  b.npy is not a readable NPY file" in done.stderr


def test_each_failure_names_its_file_once_and_with_its_folder(run):
    Path("runs").mkdir()
    Path("runs/text.npy").write_text("not a movie")
    np.save("runs/dark.npy", np.ones((2, 48, 64)))
    np.save("runs/small.npy", np.ones((2, 8, 8)))
    _, told = run("runs/text.npy", "runs/dark.npy", "runs/small.npy").stderr.split("failed:\n")
    text, dark, small = told.splitlines()
    assert text.startswith("  runs/text.npy is not a readable NPY file")
    assert dark.startswith("  runs/dark.npy: every frame to analyze (0 to 1) is constant or NaN")
    assert small.startswith("  runs/small.npy: A window of 32 px does not fit into frames")


def test_all_is_well(run, movies):
    done = run("a.npy", "c.npy", "--output", "results")
    assert done.exit_code == 0, done.output
    assert (load_result("results/a.zarr").labels == 1).all()
    assert (load_result("results/c.zarr").labels == 4).all()
    assert "failed" not in done.stderr


def test_one_bad_file_is_one_sentence(run, movies):
    done = run("b.npy")
    assert done.exit_code == 1
    assert "files failed" not in done.stderr
    assert done.stderr.startswith("Error: b.npy is not a readable NPY file")


def test_patterns_are_expanded_in_order(movies):
    assert expand([Path("c.npy"), Path("*.npy")]) == [
        Path("c.npy"), *map(Path, ("a.npy", "b.npy", "c.npy"))
    ]  # fmt: skip
    absolute = Path.cwd() / "[ab].npy"
    assert [path.name for path in expand([absolute])] == ["a.npy", "b.npy"]
    with pytest.raises(InputError, match=r"No file matches \*\.dm4"):
        expand([Path("*.dm4")])


def test_a_name_that_looks_like_a_pattern():
    Path("a[1].npy").touch()
    assert expand([Path("a[1].npy")]) == [Path("a[1].npy")]


def test_places_of_results():
    one, two = Path("in/a.dm4"), Path("in/b.dm4")
    assert outputs_of([one], None) == {one: Path("a.zarr")}
    assert outputs_of([one], Path("out/run.zarr")) == {one: Path("out/run.zarr")}
    assert outputs_of([one, two], None) == {one: Path("a.zarr"), two: Path("b.zarr")}
    assert outputs_of([one, two], Path("out"))[two] == Path("out/b.zarr")
    with pytest.raises(InputError, match="must be named"):
        outputs_of([one], Path("out"))
    with pytest.raises(InputError, match="2 files need a folder"):
        outputs_of([one, two], Path("out.zarr"))
    with pytest.raises(InputError, match=r"2 of the files would have the result a\.zarr"):
        outputs_of([one, Path("a.tif")], None)


def test_the_folder_one_is_in_gives_its_name(run, monkeypatch):
    folder = Path("film")
    folder.mkdir()
    for number in range(2):
        np.save(folder / f"{number}.npy", np.random.default_rng(number).normal(5, 1, (48, 64)))
    monkeypatch.chdir(folder)
    done = run(".")
    assert done.exit_code == 0, done.output
    assert load_result("film.zarr").done.tolist() == [True, True]
