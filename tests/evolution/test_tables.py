from __future__ import annotations

import csv

import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.evolution.tables import write_defect_counts


def test_atoms_that_are_missing_are_counted_in_every_frame(lives, tmp_path):
    write_defect_counts(lives, tmp_path / "counts.csv", 2.0)
    with (tmp_path / "counts.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["time_s"] for row in rows] == ["0", "2", "4", "6", "8"]
    assert [row["alive"] for row in rows] == ["1", "1", "2", "1", "1"]
    with pytest.raises(InputError, match=r"must end in \.csv"):
        write_defect_counts(lives, tmp_path / "counts.txt")
