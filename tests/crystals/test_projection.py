"""What is seen along a zone axis, against what geometry says."""

from __future__ import annotations

from math import gcd, sqrt

import numpy as np
import pytest
from ase import Atoms
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from napari_lattice_symmetry.crystals import Crystal, project, prototype, read_structure, zone_axes
from napari_lattice_symmetry.crystals.zones import check_zone
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import lattice_parameters, reduce_basis
from napari_lattice_symmetry.spectrum import fit_lattice

CU, FE, SI, STO = 0.361, 0.287, 0.543, 0.3905
RHOMB = 70.528779  # arccos 1/3
TI, C_TI = 0.295, 0.295 * 1.588
# Crystal, axis, a, b in nm, gamma, class, plane group, columns a cell.
SEEN = [
    ("Cu", (0, 0, 1), CU / 2, CU / 2, 90, "square", "p4m", 1),
    ("Cu", (1, 1, 0), CU * sqrt(3 / 8), CU * sqrt(3 / 8), RHOMB, "centered rectangular", "cmm", 1),
    ("Cu", (1, 1, 1), CU / sqrt(6), CU / sqrt(6), 60, "hexagonal", "p6m", 1),
    ("Fe", (0, 0, 1), FE / sqrt(2), FE / sqrt(2), 90, "square", "p4m", 1),
    ("Fe", (1, 1, 0), FE / 2, FE / sqrt(2), 90, "rectangular", "pmm", 1),
    ("Fe", (1, 1, 1), FE * sqrt(2 / 3), FE * sqrt(2 / 3), 60, "hexagonal", "p6m", 1),
    # Atoms at 1/4 1/4 1/4 halve the cell of the lattice.
    ("Si", (0, 0, 1), SI / sqrt(8), SI / sqrt(8), 90, "square", "p4m", 1),
    ("Si", (1, 1, 0), SI * sqrt(3 / 8), SI * sqrt(3 / 8), RHOMB, "centered rectangular", "cmm", 2),
    ("Si", (1, 1, 1), SI / sqrt(6), SI / sqrt(6), 60, "hexagonal", "p6m", 1),
    ("GaAs", (0, 0, 1), 0.5653 / 2, 0.5653 / 2, 90, "square", "p4m", 2),
    ("GaAs", (1, 1, 0), 0.34618, 0.34618, RHOMB, "centered rectangular", "cm", 2),
    ("Ti", (0, 0, 1), TI, TI, 60, "hexagonal", "p6m", 2),
    ("Ti", (2, -1, -1, 0), TI * sqrt(3) / 2, C_TI, 90, "rectangular", "pmg", 2),
    ("Ti", (1, 0, -1, 0), TI / 2, C_TI / 2, 90, "rectangular", "pmm", 1),
    ("SrTiO3", (0, 0, 1), STO, STO, 90, "square", "p4m", 4),
    ("SrTiO3", (1, 1, 0), STO / sqrt(2), STO, 90, "rectangular", "pmm", 3),
    ("SrTiO3", (1, 1, 1), STO * sqrt(2 / 3), STO * sqrt(2 / 3), 60, "hexagonal", "p6m", 4),
    ("MoS2", (0, 0, 1), 0.3161, 0.3161, 60, "hexagonal", "p6m", 2),
    ("MoS2 (monolayer)", (0, 0, 1), 0.3161, 0.3161, 60, "hexagonal", "p3m1", 2),
    ("graphene", (0, 0, 1), 0.2461, 0.2461, 60, "hexagonal", "p6m", 2),
    ("TiO2 (rutile)", (0, 0, 1), 0.4594, 0.4594, 90, "square", "p4g", 6),
    ("NaCl", (1, 1, 1), 0.564 / sqrt(6), 0.564 / sqrt(6), 60, "hexagonal", "p6m", 1),
    ("LaMnO3", (0, 1, 0), 0.5538, 0.5700, 90, "rectangular", "pgg", 14),
]


@pytest.mark.parametrize("row", SEEN, ids=lambda row: f"{row[0]} {row[1]}")
def test_known_crystals(row):
    name, zone, a, b, gamma, label, group, n = row
    seen = project(prototype(name), zone)
    np.testing.assert_allclose((seen.a, seen.b, seen.gamma), (a, max(a, b), gamma), rtol=2e-3)
    assert (seen.label, seen.plane_group, len(seen.columns)) == (label, group, n)


def test_a_graphite_like_ratio_of_columns():
    """Of three columns of graphite two hold one atom a cell, and one holds two."""
    columns = project(prototype("graphite"), (0, 0, 1)).columns
    np.testing.assert_allclose(sorted(columns.occupation * 0.6708), [1, 1, 2], rtol=1e-6)
    assert set(columns.atomic_number) == {6}


def test_columns_of_strontium_titanate():
    columns = project(prototype("SrTiO3"), (0, 0, 1)).columns
    by_name = dict(zip(columns.names, columns.atomic_number, strict=True))
    assert by_name == {"Sr": 38, "O/Ti": 15, "O": 8}
    sr, ti = (columns.position[columns.names.index(name)] for name in ("Sr", "O/Ti"))
    np.testing.assert_allclose(np.abs(sr - ti), 0.3905 / 2, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(*[st.integers(-4, 4)] * 3).filter(any),
    st.tuples(*[st.floats(0.3, 0.9)] * 3),
    st.tuples(*[st.floats(70, 110)] * 3),
)
def test_the_lattice_is_the_projection_of_all_lattice_vectors(zone, lengths, angles):
    """One atom in any triclinic cell: the area is that of the cell over the axis's length."""
    cell = [10 * each for each in lengths] + list(angles)
    crystal = Crystal("one", Atoms("Cu", cell=cell, pbc=True), tolerance=1e-6)
    assume(len(crystal.conventional.atoms) == 1)
    seen = project(crystal, zone)
    lattice = crystal.conventional.atoms.cell.array / 10
    axis = np.array(zone) // gcd(*zone) @ lattice
    area = abs(np.linalg.det(lattice)) / np.linalg.norm(axis)
    assert seen.a * seen.b * np.sin(np.deg2rad(seen.gamma)) == pytest.approx(area, rel=1e-6)
    along = axis / np.linalg.norm(axis)
    flat = lattice - np.outer(lattice @ along, along)
    lengths_2d = np.linalg.norm(flat, axis=1)
    shortest = lengths_2d[lengths_2d > 1e-9].min()
    assert seen.a <= shortest * (1 + 1e-9), "no projected vector is shorter"


def test_the_direction_of_a_is_that_of_the_crystal():
    seen = project(prototype("SrTiO3"), (1, 1, 0))
    lattice = prototype("SrTiO3").atoms.cell.array / 10
    assert np.linalg.norm(np.array(seen.direction) @ lattice) == pytest.approx(seen.a)
    assert np.array(seen.direction) @ [1, 1, 0] == pytest.approx(0)


def test_a_fit_of_the_picture_finds_the_lattice():
    seen = project(prototype("SrTiO3"), (1, 1, 0))
    fit = fit_lattice(seen.picture(0.02, (192, 192), angle=17), 0.02)
    np.testing.assert_allclose((fit.a, fit.b, fit.gamma), (seen.a, seen.b, 90), rtol=2e-3)
    assert fit.orientation == pytest.approx(17, abs=0.2)


def test_near_repeats_are_listed():
    """Gallium and arsenic are nearly alike, strontium and titanium are not."""
    near = project(prototype("GaAs"), (0, 0, 1)).lattices()
    assert [round(lattice_parameters(each)[0], 4) for each in near] == [0.2827, 0.1999]
    assert len(project(prototype("SrTiO3"), (0, 0, 1)).lattices()) == 1


@pytest.mark.parametrize(
    ("name", "zones"),
    [
        ("Cu", [(0, 0, 1), (1, 1, 0), (1, 1, 1)]),
        ("graphene", [(0, 0, 1)]),
    ],
)
def test_axes_that_symmetry_brings_about_are_listed_once(name, zones):
    assert sorted(zone_axes(prototype(name), 1)) == sorted(zones)


def test_hexagonal_axes_have_four_indices_too():
    np.testing.assert_array_equal(check_zone((2, -1, -1, 0)), [1, 0, 0])
    np.testing.assert_array_equal(check_zone((0, 0, 0, 2)), [0, 0, 1])


@pytest.mark.parametrize("zone", [(0, 0, 0), (1, 2), (1, 1, 1, 0), (0.5, 1, 0), ("a", 1, 2)])
def test_what_is_no_axis_is_told(zone):
    with pytest.raises(InputError, match="is no zone axis"):
        check_zone(zone)


def test_a_cluster_has_no_axes(tmp_path):
    path = tmp_path / "cluster.xyz"
    path.write_text("1\n\nAu 0 0 0\n", encoding="utf-8")
    with pytest.raises(InputError, match="cluster has no cell, it is a cluster"):
        project(read_structure(path))


def test_reduced_bases_are_reduced():
    seen = project(prototype("LaMnO3"), (1, 2, 1))
    np.testing.assert_allclose(reduce_basis(seen.basis), seen.basis, atol=1e-9)


def test_columns_that_nothing_tells_apart_make_no_lattice():
    with pytest.raises(InputError, match=r"\[9999 1 0\] is no axis along which columns of Si can"):
        project(prototype("Si"), (9999, 1, 0))
