from __future__ import annotations

import csv

import pytest
from ase.build import fcc111
from ase.io import write
from click.testing import CliRunner

from napari_lattice_symmetry.cli import main
from napari_lattice_symmetry.crystals import prototype


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "rutile.cif", prototype("TiO2 (rutile)").atoms)
    return tmp_path / "rutile.cif"


def run(*arguments):
    return CliRunner().invoke(main, ["crystal", *map(str, arguments)])


def test_structure_and_projection_are_printed_and_written(path, tmp_path):
    outputs = [tmp_path / f"seen.{ending}" for ending in ("csv", "png")]
    done = run(path, "--zone", 0, 0, 1, *(each for output in outputs for each in ("--to", output)))
    assert done.exit_code == 0, done.output
    assert "rutile: O4Ti2" in done.output
    assert "space group P4_2/mnm (136)" in done.output
    assert "a = 0.45940, b = 0.45940 nm, gamma = 90.000°, square, plane group p4g" in done.output
    assert "family by network: none of the seven families, " in done.output
    assert "By space group, P4_2/mnm, and atoms a cell it is of none" in done.output
    with outputs[0].open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["column"] for row in rows) == ["O", "O", "O", "O", "Ti", "Ti"]
    assert outputs[1].stat().st_size > 1000
    again = run(path, "--to", outputs[0])
    assert again.exit_code == 1
    assert "exists; choose another name" in again.output


def test_the_family_is_named_beside_that_of_the_space_group(tmp_path):
    write(tmp_path / "copper.cif", prototype("Cu").atoms)
    done = run(tmp_path / "copper.cif")
    assert done.exit_code == 0, done.output
    assert "family by network: fcc, " in done.output
    assert "1% fcc, 5% fcc, 10% fcc, 20% " in done.output
    assert "none of the seven families" not in done.output
    drawn = tmp_path / "family.png"
    assert "Wrote" in run(tmp_path / "copper.cif", "--family", drawn).output
    assert drawn.stat().st_size > 20_000
    assert "must end in .png, .svg" in run(tmp_path / "copper.cif", "--family", "a.csv").output


def test_a_cluster_is_told(tmp_path):
    path = tmp_path / "cluster.xyz"
    path.write_text("2\n\nAu 0 0 0\nAu 0 0 2.9\n", encoding="utf-8")
    done = run(path)
    assert done.exit_code == 0
    assert "a cluster: no cell, no space group, no zone axes" in done.output
    assert run(path, "--to", tmp_path / "a.png").exit_code == 1


def test_tabulated_crystals_that_fit_a_measured_cell_are_listed():
    done = run("--like", 0.3905, 0.3905, 90)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("distorted by 0.0%: SrTiO3 [0 0 1]: a = 0.39050")
    assert "Si [" not in done.output
    assert "either a structure FILE or a measured cell" in run().output
    assert "is no cell" in run("--like", 0.3, 0.3, 180).output
    assert run("--like", 3.905, 3.905, 90).output.startswith("No tabulated crystal shows such a")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--zone", 0, 0, 0), "[0 0 0] is no zone axis"),
        (("--to", "seen.docx"), "seen.docx must end in .csv"),
    ],
)
def test_bad_requests_get_one_sentence(path, arguments, sentence):
    done = run(path, *arguments)
    assert done.exit_code == 1
    assert sentence in done.output


def test_an_axis_may_have_four_indices(tmp_path):
    write(tmp_path / "titanium.cif", prototype("Ti").atoms)
    for arguments in (
        (tmp_path / "titanium.cif", "--zone", 2, -1, -1, 0),
        ("--zone", 2, -1, -1, 0, tmp_path / "titanium.cif"),
        (tmp_path / "titanium.cif", "--zone", "2,-1,-1,0"),
    ):
        done = run(*arguments)
        assert done.exit_code == 0, done.output
        assert "titanium [2 -1 -1 0]: " in done.output
        assert "plane group pmg" in done.output
    assert "first three of four" in run(tmp_path / "titanium.cif", "--zone", 1, 1, 1, 0).output
    assert "type three whole numbers" in run(tmp_path / "titanium.cif", "--zone", 1, 1).output


def test_what_is_left_open_is_said(tmp_path):
    both, slab = tmp_path / "both.cif", tmp_path / "slab.vasp"
    write(both, [prototype("Cu").atoms, prototype("Fe").atoms])
    assert "Of 2 structures in both.cif the first was taken, image0." in run(both).output
    write(slab, fcc111("Cu", (1, 1, 6), vacuum=6.0, periodic=True), format="vasp")
    output = run(slab).output
    assert "family by network: fcc, " in output
    assert "(pairs); by space group" in output
    assert "The networks differ: " in output
    assert "by fingerprint, which holds along conventional axes alone, and fcc (" in output
    assert "The second counts." in output
