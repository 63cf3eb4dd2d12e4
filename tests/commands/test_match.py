from __future__ import annotations

import csv

import numpy as np
import pytest
from ase.io import write
from click.testing import CliRunner

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.cli import main
from napari_lattice_symmetry.crystals import project, prototype
from napari_lattice_symmetry.data.movie import Movie


@pytest.fixture
def result(tmp_path, fake_model):
    """Two frames of copper along [1 1 0], of which the second is half strontium titanate."""
    copper = project(prototype("Cu"), (1, 1, 0)).picture(0.016, (128, 256), angle=10)
    titanate = project(prototype("SrTiO3")).picture(0.016, (128, 128), angle=20)
    frames = np.stack([copper, copper])
    frames[1, :, 128:] = titanate
    movie = Movie(frames, name="two", pixel_size=(0.016, 0.016), unit="nm", frame_time=2.0)
    found = analyze(movie, window=128, stride=128, samples=2, lattice_maps=True, model=fake_model)
    found.save(tmp_path / "two.zarr")
    return tmp_path / "two.zarr"


def run(*arguments):
    return CliRunner().invoke(main, ["match", *map(str, arguments)])


def test_phases_are_printed_and_written(result, tmp_path):
    write(tmp_path / "titanate.cif", prototype("SrTiO3").atoms)
    outputs = [tmp_path / f"phases.{ending}" for ending in ("csv", "png")]
    to = [each for output in outputs for each in ("--to", output)]
    done = run(result, tmp_path / "titanate.cif", "Cu", "--zones", 1, *to)
    assert done.exit_code == 0, done.output
    assert "75.0%  Cu [1 1 0], distorted by 0." in done.output
    assert "25.0%  titanate [0 0 1]" in done.output
    with outputs[0].open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["time_s"] for row in rows] == ["0", "2"]
    assert [float(row["Cu [1 1 0]"]) for row in rows] == [1, 0.5]
    assert outputs[1].stat().st_size > 1000


def test_bad_requests_get_one_sentence(result, tmp_path):
    assert "no structure that can be read" in run(result, "Xy").output
    assert "must end in .csv" in run(result, "Cu", "--to", tmp_path / "a.docx").output
    assert "is not a saved result" in run(tmp_path / "no.zarr", "Cu").output
