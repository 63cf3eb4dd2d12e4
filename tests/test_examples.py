"""The examples, run as a reader runs them; what they find is what is true of their images."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

import napari_lattice_symmetry as nls

EXAMPLES = Path(__file__).parents[1] / "examples"

pytestmark = pytest.mark.slow


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run an example in a folder of its own, and give its names."""

    def run_example(name, *more):
        path = EXAMPLES / name
        monkeypatch.setattr("sys.argv", [str(path), str(tmp_path), *map(str, more)])
        return runpy.run_path(str(path), run_name="__main__")

    return run_example


def test_a_movie_becomes_a_curve(run, tmp_path):
    curves = run("phase_curve.py")["curves"]
    square, hexagonal = curves[0].values, curves[3].values
    assert square[0] > 0.95
    assert hexagonal[-1] > 0.95
    assert len(nls.load_result(tmp_path / "phase_curve.zarr").times) == 9
    assert len((tmp_path / "phase_curve.csv").read_text().splitlines()) == 10
    assert (tmp_path / "phase_curve.png").stat().st_size > 10_000


def test_a_file_of_ones_own_becomes_a_curve(run, tmp_path):
    names = run("own_file.py")
    assert names["movie"].frame_time == 30
    assert names["movie"].pixel_size == pytest.approx((0.025, 0.025))
    assert names["curves"][0].values[0] > 0.95
    assert names["curves"][3].values[-1] > 0.95
    assert (tmp_path / "own_file.png").stat().st_size > 10_000


def test_a_real_dm4_becomes_a_curve(run, tmp_path, shared_data, monkeypatch):
    names = run("own_file.py", shared_data / "formats" / "dmTest_3D_int16.dm4")
    assert names["movie"].shape == (66, 65, 64)
    assert names["movie"].unit == "nm"
    assert len((tmp_path / "own_file.csv").read_text().splitlines()) == 67


def test_a_network_is_trained(run, tmp_path):
    right = run("train.py")["right"]
    assert right["own"] > 1 / 6
    assert right["compact"] > 0.95
    assert (tmp_path / "train.png").stat().st_size > 10_000


def test_a_film_is_strained_along_one_axis(run, tmp_path):
    names = run("strain.py")
    strain, in_film = names["strain"], names["in_film"]
    assert np.nanmedian(strain.exx[0, in_film]) == pytest.approx(0, abs=0.15)
    assert np.nanmedian(strain.eyy[0, in_film]) == pytest.approx(3, abs=0.15)
    assert (tmp_path / "strain.png").exists()


def test_vacancies_are_counted_over_a_movie(run, tmp_path):
    names = run("vacancies.py")
    np.testing.assert_allclose(names["seen"], names["shares"], atol=0.03)
    assert names["seen"][0] == 0
    assert len((tmp_path / "vacancies.csv").read_text().splitlines()) == 7
    assert (tmp_path / "vacancies.png").exists()


def test_holes_grow_as_they_were_made_to(run, tmp_path):
    names = run("growth.py")
    rho = names["fits"][0].estimates["rho"]
    assert names["fits"][0].law.name == "exponential"
    assert rho.low < 0.05 < rho.high
    assert rho.high - rho.low < 0.04
    assert "<html" in (tmp_path / "growth.html").read_text(encoding="utf-8")


def test_a_folder_becomes_results(run, tmp_path):
    assert run("batch.py")["table"] == {
        f"{name}.npy": name for name in ("hexagonal", "oblique", "square")
    }
    assert len(list(tmp_path.glob("*.zarr"))) == 3
    assert (tmp_path / "batch.png").exists()


def test_a_cell_shows_its_group(run):
    cell = run("unit_cell.py")["cell"]
    assert cell.group.name == "p3m1"
    assert cell.a == pytest.approx(18, abs=0.01)
    assert cell.gamma == pytest.approx(120, abs=0.1)


def test_lengths_tell_the_crystal(run, tmp_path):
    names = run("which_crystal.py")
    assert names["found"].names[0] == "SrTiO3 [0 0 1]"
    assert names["shares"][0] > 0.9
    assert (tmp_path / "which_crystal.png").exists()


@pytest.mark.gui
def test_a_notebook_drives_a_viewer(run, tmp_path, monkeypatch):
    monkeypatch.setattr("napari.run", lambda: None)
    names = run("viewer.py")
    viewer = names["viewer"]
    try:
        assert any(layer.name.startswith("classes") for layer in viewer.layers)
        assert names["best"] == len(names["result"].times) - 1
        assert (tmp_path / "viewer.png").stat().st_size > 10_000
    finally:
        viewer.close()


@pytest.mark.cluster
def test_a_cluster_finds_the_same(run, tmp_path):
    names = run("cluster.py")
    alone = nls.analyze(names["movie"], names["settings"])
    np.testing.assert_allclose(names["result"].mean, alone.mean, atol=1e-5)
    assert (tmp_path / "cluster.png").exists()


def test_every_example_is_run_and_shown():
    shown = (EXAMPLES.parent / "docs" / "examples.md").read_text(encoding="utf-8")
    here = Path(__file__).read_text(encoding="utf-8")
    scripts = [path.name for path in EXAMPLES.glob("*.py")]
    assert len(scripts) >= 6
    assert all(name in shown and f'"{name}"' in here for name in scripts)
    pictures = re.findall(r"\(images/example-(\w+)\.png\)", shown)
    assert {f"{name}.py" for name in pictures} == set(scripts)
