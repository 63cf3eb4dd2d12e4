"""Reading structures, and the space group over tolerances."""

from __future__ import annotations

import time
import tracemalloc
import warnings

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from napari_lattice_symmetry.crystals import (
    Crystal,
    project,
    prototype,
    prototypes,
    read_structure,
)
from napari_lattice_symmetry.errors import InputError

WRITTEN = {"a.cif": "cif", "POSCAR": "vasp", "b.vasp": "vasp", "c.extxyz": "extxyz", "d.in": "aims"}
BAD = {
    "empty.cif": "",
    "text.cif": "data_x\n_cell_length_a what\n",
    "half.vasp": "Cu\n1.0\n3 0 0\n",
    "words.in": "this is no geometry\n",
    "short.xyz": "3\n\nCu 0 0 0\n",
    "nowhere.xyz": "2\n\nCu nan 0 0\nCu 1 0 0\n",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_every_format_gives_the_same_crystal(name, tmp_path):
    rutile = prototype("TiO2 (rutile)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ASE is about to move a format to a package of its own
        write(tmp_path / name, rutile.atoms, format=WRITTEN[name])
    crystal = read_structure(tmp_path / name)
    assert crystal.space_group == (136, "P4_2/mnm")
    assert crystal.formula == "O4Ti2"
    assert crystal.name == name.split(".")[0]
    np.testing.assert_allclose(crystal.atoms.cell.lengths(), [4.594, 4.594, 2.959], atol=1e-3)


def test_a_plain_xyz_is_a_cluster(tmp_path):
    path = tmp_path / "cluster.xyz"
    path.write_text("2\n\nAu 0 0 0\nAu 0 0 2.9\n", encoding="utf-8")
    crystal = read_structure(path)
    assert not crystal.has_cell
    with pytest.raises(InputError, match=r"^cluster has no cell, it is a cluster"):
        _ = crystal.symmetry


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_one_sentence(name, tmp_path):
    (tmp_path / name).write_text(BAD[name], encoding="utf-8")
    with pytest.raises(InputError, match=f"^{name} ") as caught:
        read_structure(tmp_path / name)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert "Iteration" not in str(caught.value)


def test_a_missing_file_and_another_kind_are_told(tmp_path):
    with pytest.raises(InputError, match=r"gone\.cif is not there"):
        read_structure(tmp_path / "gone.cif")
    with pytest.raises(InputError, match=r"notes\.txt is no structure that can be read"):
        read_structure(tmp_path / "notes.txt")


def test_shared_sites_are_read(tmp_path):
    text = """data_alloy
_cell_length_a 4
_cell_length_b 4
_cell_length_c 4
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'F m -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Cu1 Cu 0 0 0 0.75
Au1 Au 0 0 0 0.25
"""
    path = tmp_path / "alloy.cif"
    path.write_text(text, encoding="utf-8")
    crystal = read_structure(path)
    assert crystal.space_group[0] == 225
    np.testing.assert_allclose(crystal.site_sums(1), 0.75 * 29 + 0.25 * 79)


def test_the_group_depends_on_the_tolerance_and_the_longest_plateau_counts():
    crystal = prototype("SrTiO3")
    moved = crystal.atoms.copy()
    moved.positions[1, 2] += 0.08  # titanium along c, angstrom
    bent = type(crystal)("bent", moved)
    groups = [(number, high) for _, high, number, _ in bent.symmetry.plateaus()]
    assert groups[0][0] == 99
    assert groups[1][0] == 221
    assert 0.004 < groups[0][1] < 0.015, "nm: about the shift, for the curve is coarse"
    assert bent.space_group[0] == 99


@pytest.mark.parametrize(("name", "atoms"), [("Cu", 4), ("Fe", 2), ("Si", 8), ("Ti", 2)])
def test_primitive_cells_get_their_conventional_axes(name, atoms):
    crystal = prototype(name)
    assert len(crystal.conventional.atoms) == atoms
    assert len(crystal.niggli.atoms) == len(crystal.atoms)


def test_an_unusual_setting_keeps_its_axes():
    manganite = prototype("LaMnO3")
    turned = manganite.atoms.copy()
    turned = turned[:]
    turned.set_cell(turned.cell[[2, 0, 1]])  # Pbnm
    crystal = type(manganite)("Pbnm", turned)
    assert crystal.space_group[0] == 62
    np.testing.assert_allclose(
        crystal.conventional.atoms.cell.lengths(), [5.538, 5.700, 7.672], atol=1e-6
    )


def test_a_layer_in_empty_space_is_known():
    assert prototype("graphene").layer_axis == 2
    assert prototype("graphite").layer_axis is None


def test_tabulated_compounds_have_the_groups_that_they_are_listed_with():
    groups = {name: each.space_group[0] for name, each in prototypes().items()}
    assert groups["MoS2"] == 194
    assert groups["MoS2 (monolayer)"] == 187
    assert groups["ZnO"] == 186
    assert groups["TiO2 (anatase)"] == 141
    assert groups["GaAs"] == 216
    assert len(groups) > 80


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("Elemental_solids__bctBetaSn_Sn_A_tI4_141_a", 141),
        ("Elemental_solids__rhombGraph_C_A_hR2_166_c", 166),
        ("Elemental_solids__facecorthGammaPu_Pu_A_oF8_70_a", 70),
        ("Elemental_solids__basecorthBlackP_P_A_oC8_64_f", 64),
    ],
)
def test_published_prototypes_have_the_group_of_their_label(shared_data, name, group):
    assert read_structure(shared_data / "crystals" / f"{name}.in").space_group[0] == group


def test_in_a_large_box_symmetry_is_not_looked_for_and_it_is_said(tmp_path):
    """50,000 atoms without order: n x n arrays of them would take 40 GB."""
    rng = np.random.default_rng(0)
    side = 90.0
    atoms = Atoms(["Cu"] * 50_000, rng.uniform(0, side, (50_000, 3)), cell=[side] * 3, pbc=True)
    write(tmp_path / "glass.extxyz", atoms)
    start = time.process_time()
    tracemalloc.start()
    crystal = read_structure(tmp_path / "glass.extxyz")
    seen = project(crystal)
    seen.lattices()
    cells = crystal.niggli, crystal.conventional
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.process_time() - start < 60  # with tracing, which is slow
    assert peak < 300e6
    assert crystal.symmetry_remark == (
        "Symmetry was not looked for in a cell of 50,000 atoms, more than 400."
    )
    assert crystal.space_group == (0, "")
    assert seen.plane_group == ""
    assert len(seen.columns) > 40_000
    assert all(len(cell.atoms) == 50_000 for cell in cells)
    assert prototype("Cu").symmetry_remark == ""


def test_in_a_cell_of_many_atoms_spglib_is_asked_once(monkeypatch):
    crystal = Crystal("copper", prototype("Cu").conventional.atoms.repeat(3))
    asked, ask = [], Crystal.setting
    monkeypatch.setattr(
        Crystal, "setting", lambda each, tolerance: asked.append(tolerance) or ask(each, tolerance)
    )
    assert crystal.space_group[0] == 225
    assert len(project(crystal).columns) == 1
    assert asked == [1e-3]
    assert crystal.taken_tolerance == 1e-3


def test_of_several_structures_in_a_file_it_is_said_which_was_taken(tmp_path):
    path = tmp_path / "both.cif"
    write(path, [prototype("Cu").atoms, prototype("Fe").atoms])
    crystal = read_structure(path)
    assert crystal.formula == "Cu"
    assert crystal.remark == "Of 2 structures in both.cif the first was taken, image0."
    write(path, prototype("Fe").atoms)
    assert read_structure(path).remark == ""
