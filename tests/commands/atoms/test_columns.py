from __future__ import annotations

import numpy as np
import pytest
import tifffile
from told_columns import Told

from napari_lattice_symmetry.atoms import read_atoms, sample_series
from napari_lattice_symmetry.atoms.focal import columns
from napari_lattice_symmetry.commands import atoms


@pytest.fixture
def picture(monkeypatch):
    picture = sample_series()
    monkeypatch.setattr(columns, "load_namer", lambda network: Told(picture))
    images = picture.images.astype(np.uint16)
    tifffile.imwrite("series.tif", images, photometric="minisblack")
    return picture


def test_columns_are_written_and_counted(run, picture):
    given = ("--defoci", "-3,2,7", "--pixel-size", 0.016)
    done = run("columns", "series.tif", *given, "--vacancies", "lost.csv")
    assert done.exit_code == 0, done.output
    label = picture.atoms.label
    counts = ", ".join(f"{(label == name).sum()} {name}" for name in ("Mo", "2S", "S"))
    assert f"Series 0: {counts}; " in done.output
    assert "vacancies/nm²" in done.output
    found = read_atoms("series.columns.csv")
    assert sorted(found.label) == sorted(label)
    assert set(read_atoms("lost.csv").label) == {"S"}


def test_what_is_not_known_is_asked_for(run, picture):
    assert "does not say at which defoci" in run("columns", "series.tif").output
    done = run("columns", "series.tif", "--defoci", "-3,2,7")
    assert "does not say how large its pixels are" in done.output
    wrong = run("columns", "series.tif", "--defoci", "2,-3,7", "--pixel-size", 0.016)
    assert "in the order -3, 2, 7" in " ".join(wrong.output.split())
    assert wrong.exit_code == 1
    doubtful = run("columns", "series.tif", "--defoci", "7,2,-3", "--pixel-size", 0.016)
    assert "in the order -3, 2, 7 nm would fit as well" in doubtful.output
    assert "'a' is not numbers" in run("columns", "series.tif", "--defoci", "a").output


@pytest.mark.parametrize(("option", "value"), [("--voltage", 5), ("--astigmatism", 99)])
def test_a_microscope_that_cannot_be_is_refused_in_a_sentence(run, picture, option, value):
    given = ("--defoci", "-3,2,7", "--pixel-size", 0.016, option, value)
    done = run("columns", "series.tif", *given)
    assert done.exit_code == 2
    assert f"Invalid value for '{option}': {float(value)} is not in the range" in done.output


def test_astigmatism_reaches_the_microscope(run, picture, monkeypatch):
    told = {}
    monkeypatch.setattr(atoms, "iter_name_series", lambda *_, **given: told.update(given) or [])
    given = ("--defoci", "-3,2,7", "--pixel-size", 0.016, "--astigmatism", 2, "--direction", 30)
    run("columns", "series.tif", *given)
    assert (told["microscope"].astigmatism, told["microscope"].astigmatism_angle) == (2, 30)
