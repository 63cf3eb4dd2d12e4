from __future__ import annotations

import csv

import numpy as np
import pytest

from napari_lattice_symmetry.analysis import analyze, iter_analyze
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.results.areas import area_fractions


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_table_holds_the_fractions(movie, parameters, fake_model, tmp_path):
    result = analyze(movie, parameters, model=fake_model, first_frame=1, frame_step=2)
    result.to_csv(tmp_path / "growth.csv")
    rows = read(tmp_path / "growth.csv")
    assert [row["frame"] for row in rows] == ["1", "3", "5"]
    assert [float(row["time_s"]) for row in rows] == [0.5, 1.5, 2.5]
    assert len(rows[0]) == 2 + 6 * 6 + 2
    areas = area_fractions(result)
    column = 2  # of "centered rectangular"
    for part, values in {
        "": result.fractions,
        "_std": result.fractions_std,
        "_area_share": result.area_shares,
        "_area": areas.values,
        "_area_low": areas.low,
        "_area_high": areas.high,
    }.items():
        written = [float(row[f"centered_rectangular{part}"]) for row in rows]
        np.testing.assert_allclose(written, values[:, column], atol=1e-6)


def test_nested_classes_are_summed(movie, parameters, fake_model, tmp_path):
    result = analyze(movie, parameters, model=fake_model)
    result.to_csv(tmp_path / "nested.csv")
    for row in read(tmp_path / "nested.csv"):
        square, rectangular = float(row["square"]), float(row["rectangular"])
        both = float(row["centered_rectangular"]) + float(row["hexagonal"])
        assert float(row["at_least_rectangular"]) == pytest.approx(square + rectangular, abs=3e-6)
        centered = float(row["at_least_centered_rectangular"])
        assert centered == pytest.approx(square + both, abs=3e-6)


@pytest.mark.parametrize(("unit", "size", "columns"), [("nm", 0.1, "nm"), ("pixel", 1.0, "px")])
def test_fitted_lattices_are_summed_up(fake_model, tmp_path, unit, size, columns):
    y, x = np.indices((96, 128))
    waves = np.cos(2 * np.pi * x / 8) + np.cos(2 * np.pi * y / 8)
    noise = np.random.default_rng(0).normal(size=(96, 128))
    movie = Movie(np.stack([waves, noise]), pixel_size=(size, size), unit=unit)
    result = analyze(movie, model=fake_model, window=64, stride=32, samples=3, lattice_maps=True)
    result.to_csv(tmp_path / "lattice.csv")
    first, second = read(tmp_path / "lattice.csv")
    assert float(first["resolved"]) == 1
    assert float(first[f"a_{columns}"]) == pytest.approx(8 * size, rel=0.01)
    assert float(first["gamma_deg"]) == pytest.approx(90, abs=0.5)
    assert float(first["two_lattices"]) == 0
    agree = result.agreement[0] == 1
    assert float(first["agreeing"]) == pytest.approx(agree.mean())
    assert float(second["resolved"]) == 0
    assert second[f"a_{columns}"] == second["agreeing"] == ""


def test_only_finished_frames_are_written_and_no_time_is_invented(
    frames, parameters, fake_model, tmp_path
):
    movie = Movie(frames)
    result = MovieResult.empty(movie, parameters)
    for frame in iter_analyze(movie, parameters, model=fake_model):
        if frame.index in (1, 4):
            result.insert(frame)
    result.to_csv(tmp_path / "part.csv")
    assert [(row["frame"], row["time_s"]) for row in read(tmp_path / "part.csv")] == [
        ("1", ""),
        ("4", ""),
    ]


def test_place_that_cannot_be_written_is_told(movie, parameters, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        MovieResult.empty(movie, parameters).to_csv(tmp_path)
