"""Averaged cells as files and as a picture."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import tifffile

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.cells.plots import plot_cell
from napari_lattice_symmetry.cells.writing import cif, with_error, write_cell
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.motifs import draw_motif, random_cell, random_motif


@pytest.fixture(scope="module")
def cell():
    rng = np.random.default_rng(3)
    motif, basis = random_motif("p3m1", rng, 2), random_cell("hexagonal", 16, rng)
    window = draw_motif(motif, basis, 128, rng, counts=200)
    return nls.cells.average_cell(window, pixel_size=0.02)


def test_image_keeps_its_scale(cell, tmp_path):
    path = tmp_path / "cell.tif"
    write_cell(cell, path)
    with tifffile.TiffFile(path) as file:
        pages = file.asarray()
        assert file.imagej_metadata["unit"] == "nm"
        assert file.imagej_metadata["Labels"] == ["mean", "standard error", "symmetrized"]
        numerator, denominator = file.pages[0].tags["XResolution"].value
    np.testing.assert_allclose(pages[0], cell.image, rtol=1e-5)
    assert pages.shape[2] * denominator / numerator == pytest.approx(cell.a, rel=1e-4)
    with pytest.raises(InputError, match="exists; choose another name"):
        write_cell(cell, path)
    write_cell(cell, path, overwrite=True)
    with pytest.raises(InputError, match=r"must end in \.tif"):
        write_cell(cell, tmp_path / "cell.png")


def test_structure_factors_give_the_image_back(cell, tmp_path):
    write_cell(cell, tmp_path / "cell.csv")
    with (tmp_path / "cell.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(cell.structure_factors.indices)
    place = np.array([0.21, 0.37])
    total = cell.mean
    for row in rows:
        turn = 2 * np.pi * (int(row["h"]) * place[0] + int(row["k"]) * place[1])
        turn += np.deg2rad(float(row["phase (deg)"]))
        total += 2 * float(row["amplitude"]) * np.cos(turn)
    assert total == pytest.approx(float(cell.at(place)), rel=1e-4)


def test_cif_lists_every_atom_in_angstrom(cell, tmp_path):
    write_cell(cell, tmp_path / "cell.cif")
    text = (tmp_path / "cell.cif").read_text(encoding="utf-8")
    assert text == cif(cell)
    assert f"_cell_length_a {with_error(10 * cell.a, 10 * cell.errors[0])}" in text
    assert "_cell_angle_gamma 120" in text or "_cell_angle_gamma 119.9" in text
    assert "# plane group p3m1" in text
    atoms = [line.split() for line in text.splitlines() if " X " in line]
    motif = cell.motif()
    assert len(atoms) == len(motif.sites)
    for atom, site, error, k in zip(
        atoms, motif.sites % 1, motif.site_errors, motif.orbit, strict=True
    ):
        assert atom[2:4] == [with_error(*each) for each in zip(site, error, strict=True)]
        height = with_error(motif.intensity[k], motif.intensity_error[k])
        assert atom[6:] == [motif.letters[k], motif.symmetries[k], height]
    bare = nls.cells.average_cell(cell.windows)
    with pytest.raises(InputError, match="pixel size is not known"):
        write_cell(bare, tmp_path / "other.cif")
    assert not (tmp_path / "other.cif").exists()


def test_atoms_are_a_table(cell, tmp_path):
    write_cell(cell, tmp_path / "atoms.csv")
    with (tmp_path / "atoms.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    motif = cell.motif()
    assert len(rows) == len(motif.sites)
    places = [[float(row["x"]), float(row["y"])] for row in rows]
    errors = [[float(row["x error"]), float(row["y error"])] for row in rows]
    np.testing.assert_allclose(places, motif.sites % 1, atol=1e-6)
    np.testing.assert_allclose(errors, motif.site_errors, rtol=1e-4)
    for row, k in zip(rows, motif.orbit, strict=True):
        assert float(row["intensity"]) == pytest.approx(motif.intensity[k], rel=1e-4)
        assert (row["Wyckoff letter"], row["site symmetry"], row["remark"]) == (
            motif.letters[k],
            motif.symmetries[k],
            motif.remarks[k],
        )


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (3.16412, 0.0021, "3.164(2)"),
        (0.33334, 0.00012, "0.33334(12)"),
        (1234.0, 52.0, "1230(50)"),
        (1234.0, 12.0, "1234(12)"),
        (12.345, 0.0996, "12.35(10)"),
        (-0.5, 0.3, "-0.5(3)"),
        (0.25, 0.0, "0.25"),
        (0.25, float("nan"), "0.25"),
    ],
)
def test_errors_stand_in_brackets(value, error, text):
    assert with_error(value, error) == text


def test_picture_shows_both_cells_and_every_axis(cell):
    figure = plot_cell(cell)
    raw, symmetric = figure.axes
    assert symmetric.get_title() == "p3m1"
    triangles = [line for line in symmetric.lines if line.get_marker() == "^"]
    assert len(triangles) == 6
    marks = next(line for line in raw.lines if line.get_marker() == "+")
    assert len(marks.get_xdata()) == len(cell.motif().sites)


def test_ase_reads_the_atoms_of_the_cell(cell, tmp_path):
    write_cell(cell, tmp_path / "cell.cif")
    atoms = pytest.importorskip("ase.io").read(tmp_path / "cell.cif")
    a, b, _, _, _, gamma = atoms.cell.cellpar()
    assert (a, b, gamma) == pytest.approx((10 * cell.a, 10 * cell.b, cell.gamma), abs=1e-3)
    sites = cell.motif().sites
    apart = atoms.get_scaled_positions()[:, np.newaxis, :2] - sites
    assert len(atoms) == len(sites)
    assert np.abs(apart - np.rint(apart)).max(axis=2).min(axis=1).max() < 1e-4
