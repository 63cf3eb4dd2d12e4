"""Reading structures, and the space group over tolerances."""

from __future__ import annotations

import time
import tracemalloc
import warnings

import numpy as np
import pytest
from ase import Atoms
from ase.build import mx2
from ase.io import write

from napari_lattice_symmetry.crystals import (
    Crystal,
    project,
    prototype,
    prototypes,
    read_structure,
    symmetry_families,
    zone_axes,
)
from napari_lattice_symmetry.crystals.families.symmetry import outside_remark
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


def write_cif(path, *sites, group="F m -3 m", occupied=True):
    """Write a cubic cell of 0.4 nm, with a site a line: label, element, place and occupancy."""
    cell = "".join(
        f"_cell_length_{side} 4\n_cell_angle_{angle} 90\n"
        for side, angle in zip("abc", ("alpha", "beta", "gamma"), strict=True)
    )
    columns = ["label", "type_symbol", "fract_x", "fract_y", "fract_z"]
    columns += ["occupancy"] if occupied else []
    loop = "\n".join(["loop_", *(f"_atom_site_{name}" for name in columns), *sites])
    text = f"data_a\n{cell}_space_group_name_H-M_alt '{group}'\n{loop}\n"
    path.write_text(text, encoding="utf-8")
    return path


def test_shared_sites_are_read(tmp_path):
    path = write_cif(tmp_path / "alloy.cif", "Cu1 Cu 0 0 0 0.75", "Au1 Au 0 0 0 0.25")
    crystal = read_structure(path)
    assert crystal.space_group[0] == 225
    assert crystal.formula == "Au1Cu3"
    assert crystal.remark == ""
    np.testing.assert_allclose(crystal.site_sums(1), 0.75 * 29 + 0.25 * 79)


def test_sites_that_nothing_occupies_are_left_out(tmp_path):
    path = write_cif(tmp_path / "a.cif", "Cu1 Cu 0 0 0 1", "O1 O 0.25 0.25 0.25 0")
    assert read_structure(path).formula == "Cu4"
    path = write_cif(tmp_path / "b.cif", "Cu1 Cu 0 0 0 0")
    with pytest.raises(InputError, match=r"^b\.cif holds no atoms"):
        read_structure(path)


def test_occupancies_that_cannot_be_are_told(tmp_path):
    path = write_cif(tmp_path / "a.cif", "Fe1 Fe 0 0 0 1", "Co1 Co 0 0 0 0.6")
    told = "Occupancies of a site of Co and Fe add up to 1.6, more than 1."
    assert read_structure(path).remark == told
    sites = ("Fe1 Fe 0 0 0", "Co1 Co 0 0 0", "O1 O 0.5 0.5 0.5")
    crystal = read_structure(write_cif(tmp_path / "b.cif", *sites, occupied=False))
    assert crystal.remark.startswith("Co in b.cif was left out, as it lies where another atom")
    alike = ("Fe1 Fe 0 0 0", "Fe2 Fe 0.5 0.5 0")
    assert read_structure(write_cif(tmp_path / "c.cif", *alike, occupied=False)).remark == ""


@pytest.mark.parametrize("left_open", [".", "?"])
def test_an_occupancy_that_is_left_open_is_a_full_one(left_open, tmp_path):
    path = write_cif(tmp_path / "a.cif", f"Cu1 Cu 0 0 0 {left_open}", "O1 O 0.5 0.5 0.5 0.5")
    crystal = read_structure(path)
    assert crystal.formula == "Cu4O2"
    np.testing.assert_allclose(crystal.site_sums(0), [1] * 4 + [0.5] * 4)


@pytest.mark.parametrize("told", ["-0.5", "half"])
def test_an_occupancy_that_is_none_is_told(told, tmp_path):
    path = write_cif(tmp_path / "a.cif", f"Cu1 Cu 0 0 0 {told}")
    with pytest.raises(InputError, match=rf"^a\.cif has Cu with an occupancy of {told}"):
        read_structure(path)


def test_lattice_vectors_in_a_plane_are_told(tmp_path):
    path = tmp_path / "POSCAR"
    path.write_text("Si\n1.0\n5 0 0\n5 0 0\n0 0 5\nSi\n1\nDirect\n0 0 0\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"^POSCAR has lattice vectors that lie in a plane"):
        read_structure(path)


def test_deuterium_is_hydrogen_and_what_is_no_element_is_named(tmp_path):
    path = write_cif(tmp_path / "a.cif", "Li1 Li 0 0 0 1", "D1 D 0.5 0.5 0.5 1")
    assert read_structure(path).formula == "H4Li4"
    path = write_cif(tmp_path / "b.cif", "Va1 Va 0 0 0 1")
    with pytest.raises(InputError, match=r"^b\.cif has atoms of Va, which is no element"):
        read_structure(path)


def lattice_line(*lengths):
    return 'Lattice="{} 0 0 0 {} 0 0 0 {}"'.format(*lengths)


@pytest.mark.parametrize(
    ("line", "atoms", "told"),
    [
        (lattice_line(0.287, 0.287, 0.287), "Fe 0 0 0", "atoms lie about 0.29 angstrom apart"),
        ("", "Fe 0 0 0\nFe 0 0 0.25\nFe 0 0.25 0", "atoms lie about 0.25 angstrom apart"),
        (lattice_line(0.287, 0.287, 2) + ' pbc="T T F"', "Fe 0 0 1", "atoms lie about"),
        (lattice_line("nan", 3, 3), "Fe 0 0 0", "a lattice vector that is no number"),
        ("", "Fe 0 0 0\nFe 0 0 nan", "a position that is no number"),
    ],
)
def test_lengths_that_cannot_be_are_told(line, atoms, told, tmp_path):
    path = tmp_path / "iron.xyz"
    path.write_text(f"{atoms.count('Fe')}\n{line}\n{atoms}\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"^iron\.xyz.*{told}"):
        read_structure(path)


@pytest.mark.parametrize("height", [0.0, 3.2, 1000.0])
def test_a_layer_without_room_across_it_gets_some(height, tmp_path):
    layer = mx2("MoS2")
    layer.pbc = (True, True, False)
    layer.cell[2] = 0, 0, height
    write(tmp_path / "layer.xyz", layer, format="extxyz")
    crystal = read_structure(tmp_path / "layer.xyz")
    assert crystal.space_group[0] == 187
    assert crystal.layer_axis == 2
    assert zone_axes(crystal, 2) == [(0, 0, 1)]
    assert project(crystal).plane_group == "p3m1"
    symmetry = symmetry_families(crystal)
    assert "P-6m2, and atoms a cell it is of none" in outside_remark(symmetry)


def test_what_repeats_along_one_axis_is_no_crystal(tmp_path):
    path = tmp_path / "chain.xyz"
    path.write_text(f'1\n{lattice_line(3, 3, 3)} pbc="T F F"\nFe 0 0 0\n', encoding="utf-8")
    with pytest.raises(InputError, match="chain repeats along one axis alone"):
        project(read_structure(path))


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
