from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.evolution import (
    class_curves,
    list_columns,
    plot_evolution,
    read_column,
    write_curves,
)
from napari_lattice_symmetry.results import plot_fractions, write_fractions


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "log.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def result(movie, parameters, fake_model):
    return analyze(movie, parameters, model=fake_model, frame_step=2)  # 0, 2, 4; 0, 1, 2 s


def read_rows(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def at(result, column):
    return column.at(result, timed=result.frame_time is not None)


def test_rows_are_frames_unless_a_column_says_otherwise(result, table):
    path = table("T,bias\n300,0\n310,1\n320,4\n330,9\n340,16\n")
    assert list_columns(path) == ["T", "bias"]
    column = read_column(path, "bias")
    np.testing.assert_array_equal(at(result, column), [0, 4, 16])


def test_values_lie_between_those_of_a_clock(result, table):
    column = read_column(table("time_ms;T (°C)\n-1000;20,5\n\n1000;40,5\n3000;bad\n1500;50,5\n"))
    assert (column.name, column.by) == ("T (°C)", "time")
    np.testing.assert_allclose(at(result, column), [30.5, 40.5, np.nan])


def test_a_frame_says_more_than_a_time(result, table):
    column = read_column(table("time,frame,T\n0,4,1\n1,0,3\n1,0,5\n"))
    np.testing.assert_allclose(at(result, column), [4, 2.5, 1])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "log.csv is no table of a quantity"),
        ("frame\n1\n", "log.csv is no table of a quantity"),
        ("T\n", "log.csv is no table of a quantity"),
        ("time (fortnight),T\n0,1\n", r"unit of 'time \(fortnight\)' is not known"),
        ("T\nwarm\n", "log.csv has no number in its column 'T'"),
    ],
)
def test_what_is_no_table_is_refused(table, text, says):
    with pytest.raises(InputError, match=says):
        read_column(table(text))


def test_a_column_that_is_not_there_is_named(table):
    with pytest.raises(InputError, match="no column 'K'; it has T, bias"):
        read_column(table("T,bias,frame\n1,2,0\n"), "K")


def test_a_table_of_other_frames_is_refused(result, table):
    with pytest.raises(InputError, match="from 10 to 11 frames, and the analyzed frames are"):
        at(result, read_column(table("frame,T\n10,1\n11,2\n")))
    result.frame_time = None
    with pytest.raises(InputError, match="the movie has no frame time"):
        at(result, read_column(table("time,T\n0,1\n11,2\n")))


def test_curves_are_drawn_and_written_along_a_column(result, table, tmp_path):
    column = read_column(table("T (K)\n300\n0\n350\n0\n320\n"))
    curves = list(class_curves(result).values())
    axes = plot_evolution(curves, along=column).axes[0]
    assert axes.get_xlabel() == "T (K)"
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [300, 350, 320])
    write_curves(curves, tmp_path / "curves.csv", along=column)
    rows = read_rows(tmp_path / "curves.csv")
    assert [row["T (K)"] for row in rows] == ["300", "350", "320"]
    assert [row["time_s"] for row in rows] == ["0", "1", "2"]


def test_phase_fractions_are_drawn_and_written_along_a_column(result, table, tmp_path):
    column = read_column(table("T (K)\n300\n0\n350\n"))
    axes = plot_fractions(result, along=column).axes[0]
    assert axes.get_xlabel() == "T (K)"
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [300, 350, np.nan])
    write_fractions(result, tmp_path / "fractions.csv", along=column)
    rows = read_rows(tmp_path / "fractions.csv")
    assert [row["T (K)"] for row in rows] == ["300.000000", "350.000000", ""]


def test_the_command_takes_a_table(result, table, tmp_path, monkeypatch):
    from click.testing import CliRunner

    from napari_lattice_symmetry.cli import main

    monkeypatch.chdir(tmp_path)
    result.save("run.zarr")
    table("frame,T,U\n0,300,1\n5,400,2\n")

    def export(*arguments):
        return CliRunner().invoke(main, ["export", "run.zarr", *arguments])

    done = export("--to", "a.csv", "--to", "a.png", "--along", "log.csv", "--column", "U")
    assert done.exit_code == 0, done.output
    assert "U" in (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    with Image.open("a.png") as picture:
        assert picture.size[0] > 500
    assert "Give the table" in export("--to", "b.csv", "--column", "U").output
