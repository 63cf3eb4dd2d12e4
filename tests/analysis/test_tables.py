from __future__ import annotations

import csv

import numpy as np
import pytest

from napari_lattice_symmetry.analysis import MovieResult, analyze, iter_analyze
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.movie import Movie


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_table_holds_the_fractions(movie, parameters, fake_model, tmp_path):
    result = analyze(movie, parameters, model=fake_model, first_frame=1, frame_step=2)
    result.to_csv(tmp_path / "growth.csv")
    rows = read(tmp_path / "growth.csv")
    assert [row["frame"] for row in rows] == ["1", "3", "5"]
    assert [float(row["time_s"]) for row in rows] == [0.5, 1.5, 2.5]
    assert len(rows[0]) == 2 + 3 * 6
    column = 2  # of "centered rectangular"
    for part, values in {
        "": result.fractions,
        "_std": result.fractions_std,
        "_area_share": result.area_shares,
    }.items():
        written = [float(row[f"centered_rectangular{part}"]) for row in rows]
        np.testing.assert_allclose(written, values[:, column], atol=1e-6)


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
