from __future__ import annotations

import csv

import numpy as np
import pytest
from pyarrow import parquet

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import Atoms, Defects, read_atoms
from napari_lattice_symmetry.atoms.table import join


def some(**more):
    return Atoms.at(
        [1.25, 4, 9],
        [2, 5.5, 7],
        confidence=[1, 0.9, 0.5],
        label=["Mo", "S", "heavy site"],
        frame=[0, 0, 1],
        y_error=[0.1, np.nan, 0.3],
        more={"occupancy": np.array([1, 0.5, 1]), "edge": np.array([True, False, False])},
        **more,
    )


def test_what_is_not_known_is_nan_and_neighbors_are_those_of_the_frame():
    atoms = some()
    assert np.isnan(atoms.sigma).all()
    assert atoms.neighbor[:2] == pytest.approx(np.hypot(2.75, 3.5))
    assert np.isnan(atoms.neighbor[2])
    assert atoms.errors.shape == (3, 2)
    assert not atoms.calibrated


@pytest.mark.parametrize("chosen", [np.array([True, False, True]), [0, 2], slice(0, 3, 2)])
def test_some_of_them_keep_all_columns(chosen):
    part = some(pixel_size=(0.1, 0.2))[chosen]
    assert len(part) == 2
    assert part.label.tolist() == ["Mo", "heavy site"]
    assert part.more["occupancy"].tolist() == [1, 1]
    assert part.pixel_size == (0.1, 0.2)
    assert len(join([part, part])) == 4


def test_columns_of_other_lengths_are_refused():
    with pytest.raises(nls.LatticeSymmetryError, match="'occupancy' has the shape"):
        some().with_columns(occupancy=np.ones(2))


def test_a_table_of_pandas_has_lengths_where_pixels_have_a_size():
    pytest.importorskip("pandas")
    assert "y_nm" not in some().to_frame()
    frame = some(pixel_size=(0.1, 0.2)).to_frame()
    assert frame["y_nm"].tolist() == pytest.approx([0.125, 0.4, 0.9])
    assert frame["x_nm"].tolist() == pytest.approx([0.4, 1.1, 1.4])
    assert frame["neighbor_nm"][0] == pytest.approx(np.hypot(0.275, 0.7))


def test_a_csv_comes_back(tmp_path):
    atoms = some(pixel_size=(0.1, 0.1))
    atoms.save(tmp_path / "a.csv")
    back = read_atoms(tmp_path / "a.csv", 0.1)
    for title, column in atoms.columns().items():
        if column.dtype.kind == "f":
            assert back.columns()[title] == pytest.approx(column, nan_ok=True)
    assert back.label.tolist() == atoms.label.tolist()
    assert back.frame.tolist() == [0, 0, 1]
    with pytest.raises(nls.LatticeSymmetryError, match="overwrite"):
        atoms.save(tmp_path / "a.csv")


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".xyz", ".extxyz"])
def test_what_was_saved_comes_back_in_its_own_pixels(tmp_path, ending):
    path, atoms = tmp_path / f"a{ending}", some(pixel_size=(0.1, 0.2))
    atoms.save(path)
    back = read_atoms(path, (0.1, 0.2))
    np.testing.assert_allclose(back.positions, atoms.positions, atol=1e-5)
    assert back.frame.tolist() == [0, 0, 1]
    assert back.label[:2].tolist() == ["Mo", "S"]
    assert back.pixel_size == (0.1, 0.2)
    if ending != ".xyz":
        np.testing.assert_allclose(back.confidence, atoms.confidence)
        assert back.more["occupancy"].tolist() == [1, 0.5, 1]
    if ending in (".csv", ".parquet"):
        assert read_atoms(path).pixel_size == (0.1, 0.2)
    if ending == ".extxyz":
        assert back.more["edge"].tolist() == [True, False, False]


def test_a_table_of_other_pixels_and_one_in_angstrom_are_refused(tmp_path):
    atoms = some(pixel_size=(0.1, 0.2))
    atoms.save(tmp_path / "a.csv")
    with pytest.raises(nls.LatticeSymmetryError, match=r"made with pixels of 0\.1 x 0\.2 nm"):
        read_atoms(tmp_path / "a.csv", 0.1)
    (tmp_path / "b.xyz").write_text("1\nby another program\nC 1.0 2.0 0.0\n")
    with pytest.raises(nls.LatticeSymmetryError, match="may be in angstrom"):
        read_atoms(tmp_path / "b.xyz", 0.1)
    (tmp_path / "c.xyz").write_text("3\nlengths in nm\nC 1.0 2.0\n")
    with pytest.raises(nls.LatticeSymmetryError, match="cannot be read as atoms"):
        read_atoms(tmp_path / "c.xyz", 0.1)
    with pytest.raises(nls.LatticeSymmetryError, match=r"ends in \.csv"):
        read_atoms(tmp_path / "a.npz", 0.1)


def test_parquet_holds_all_digits(tmp_path):
    some().save(tmp_path / "a.parquet")
    table = parquet.read_table(tmp_path / "a.parquet")
    assert table["y"].to_pylist() == [1.25, 4, 9]
    assert table["label"].to_pylist() == ["Mo", "S", "heavy site"]


@pytest.mark.parametrize("ending", [".xyz", ".extxyz"])
def test_xyz_is_in_nanometers_with_a_block_a_frame(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    with pytest.raises(nls.LatticeSymmetryError, match="give pixel_size"):
        some().save(path)
    some(pixel_size=(0.1, 0.2)).save(path)
    lines = path.read_text().splitlines()
    assert [lines[0], lines[4]] == ["2", "1"]
    assert "nm" in lines[1]
    assert lines[2].split()[:4] == ["Mo", "0.400000", "0.125000", "0.000000"]
    assert lines[6].split()[0] == "X"


def test_ase_reads_extended_xyz(tmp_path):
    from ase.io import read

    some(pixel_size=(0.1, 0.2)).save(tmp_path / "a.extxyz")
    structure = read(tmp_path / "a.extxyz", index=0)
    assert structure.get_chemical_symbols() == ["Mo", "S"]
    assert structure.arrays["occupancy"].tolist() == [1, 0.5]
    assert structure.arrays["edge"].tolist() == [True, False]


def test_points_of_napari_and_nanometers_are_read(tmp_path):
    points, lengths = tmp_path / "points.csv", tmp_path / "nm.csv"
    with points.open("w", newline="") as file:
        csv.writer(file).writerows([["index", "axis-0", "axis-1", "axis-2"], [0, 3, 1, 2]])
    read = read_atoms(points)
    assert (read.frame[0], read.y[0], read.x[0]) == (3, 1, 2)
    lengths.write_text("y_nm,x_nm\n0.2,0.4\n")
    assert read_atoms(lengths, 0.1).positions.tolist() == [[2, 4]]
    with pytest.raises(nls.LatticeSymmetryError, match="give pixel_size"):
        read_atoms(lengths)


@pytest.mark.parametrize(
    ("text", "said"), [("a,b\n1,2\n", "no columns y and x"), ("y,x\n1,two\n", "cannot be read")]
)
def test_a_table_of_something_else_is_refused(tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(nls.LatticeSymmetryError, match=said):
        read_atoms(tmp_path / "t.csv")


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(nls.LatticeSymmetryError, match="must end in"):
        some().save(tmp_path / "a.txt")
    with pytest.raises(nls.LatticeSymmetryError, match=r"must end in \.csv"):
        Defects.at(["vacancy"], [1], [2]).save(tmp_path / "a.xyz")


def test_defects_are_a_table(tmp_path):
    defects = Defects.at(["vacancy", "adatom"], [1, 2], [3, 4])
    defects.save(tmp_path / "d.csv")
    assert (tmp_path / "d.csv").read_text().splitlines()[1] == "0,vacancy,1.0,3.0,1.0"
    assert defects[defects.kind == "adatom"].y.tolist() == [2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("y,x\n1,2\n3,\n", "truth.csv: row 2 of its atoms has no x"),
        ("frame,y,x\n0,1,2\n0,3,4\n,5,6\n", "truth.csv: row 3 of its atoms has no frame"),
        ("y_nm,x_nm\n1,2\n,4\n", "truth.csv: row 2 of its atoms has no y"),
    ],
)
def test_empty_cells_are_named(tmp_path, text, said):
    path = tmp_path / "truth.csv"
    path.write_text(text)
    with pytest.raises(nls.LatticeSymmetryError, match=said):
        read_atoms(path, 0.1)
