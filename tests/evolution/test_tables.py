"""How many atoms are missing over time, drawn and written."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import Atoms, Defects, follow_defects
from napari_lattice_symmetry.evolution import plot_defect_counts, write_defect_counts


@pytest.fixture
def lives():
    y, x = np.mgrid[0:100:20, 0:100:20].reshape(2, -1)
    atoms = Atoms.at(
        np.tile(y, 5), np.tile(x, 5), frame=np.repeat(np.arange(5), len(y)), spacing=20.0
    )
    frame = [0, 1, 3, 4, 2]
    missing = Defects.at(["missing"] * 5, [30] * 4 + [50], [30] * 5, frame=frame)
    return follow_defects(missing, atoms)


def test_the_figure_shows_what_was_seen_and_what_was_missed(lives):
    (axes,) = plot_defect_counts(lives, 2.0).axes
    drawn = {line.get_label(): line for line in axes.get_lines()}
    assert drawn["seen"].get_ydata().tolist() == [1, 1, 1, 1, 1]
    assert drawn["seen, or missed in between"].get_ydata().tolist() == [1, 1, 2, 1, 1]
    assert drawn["seen / 0.67"].get_ydata() == pytest.approx([1.5] * 5)
    assert drawn["seen"].get_xdata().tolist() == [0, 2, 4, 6, 8]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Time (s)", "Atoms missing")


def test_the_table_has_a_row_a_frame(lives, tmp_path):
    write_defect_counts(lives, tmp_path / "counts.csv", 2.0)
    with (tmp_path / "counts.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["time_s"] for row in rows] == ["0", "2", "4", "6", "8"]
    assert [row["alive"] for row in rows] == ["1", "1", "2", "1", "1"]
    with pytest.raises(nls.LatticeSymmetryError, match=r"must end in \.csv"):
        write_defect_counts(lives, tmp_path / "counts.txt")
