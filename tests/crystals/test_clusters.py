"""Which atoms of a structure networks see, and what they call it: the way that a user goes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111
from ase.io import write

from napari_lattice_symmetry.crystals import (
    Crystal,
    classify,
    prototype,
    read_structure,
    symmetry_families,
)
from napari_lattice_symmetry.crystals.clusters import MOST, cluster, repeat_crystal
from napari_lattice_symmetry.crystals.families.classifier import counting_network
from napari_lattice_symmetry.crystals.families.defects import random_rotation

SQRT3 = 3**0.5


def ordered_l10():
    atoms = bulk("Cu", cubic=True)
    atoms.symbols[[2, 3]] = "Au"
    return atoms


def ordered_l11():
    """Layers of copper and of platinum in turn along [1 1 1], on the places of fcc."""
    atoms = bulk("Cu", cubic=True).repeat(2)
    layer = np.rint(atoms.get_scaled_positions() * 4).sum(axis=1).astype(int) // 2
    atoms.symbols[layer % 2 == 1] = "Pt"
    return atoms


def ordered_b19():
    """Gold and cadmium in rows on the places of hcp."""
    places = [(0, 0, 0), (0.5, 0.5, 0), (0, 1 / 3, 0.5), (0.5, 5 / 6, 0.5)]
    cell = [3.0, 3.0 * SQRT3, 3.0 * 1.633]
    return Atoms("AuCdAuCd", cell=cell, scaled_positions=places, pbc=True)


def without(atoms, repeats, missing, seed=0):
    atoms = atoms.repeat(repeats)
    del atoms[list(np.random.default_rng(seed).choice(len(atoms), missing, replace=False))]
    return atoms


def told(atoms):
    atoms.pbc = True
    return classify([Crystal("one", atoms)], samples=30)


@pytest.mark.parametrize(
    ("build", "family"), [(ordered_l10, "fcc"), (ordered_l11, "fcc"), (ordered_b19, "hex/rh")]
)
def test_an_order_of_elements_changes_no_family(build, family):
    answer = told(build())
    assert answer.family == [family]
    assert answer.network == ["fingerprint"]
    assert answer.remarks == [""]


def test_elements_of_a_cif_with_occupancies_are_left_out_of_account_too(tmp_path):
    write(tmp_path / "salt.cif", prototype("NaCl").atoms)
    salt = read_structure(tmp_path / "salt.cif")
    assert salt.space_group[0] == 225
    assert symmetry_families(salt)[0] == (221, "Pm-3m", "sc")
    assert classify([salt], samples=30).family == ["sc"]


@pytest.mark.parametrize(
    ("name", "repeats", "missing", "family"),
    [
        ("Ti", (3, 3, 2), 2, "hex/rh"),
        ("Cu", (2, 2, 2), 1, "fcc"),
        ("Cu", (2, 2, 2), 2, "fcc"),
        ("Fe", (2, 2, 2), 2, "bcc"),
        ("Fe", (2, 2, 2), 3, "bcc"),
        ("Si", (1, 1, 2), 2, "diamond"),
        ("Po", (3, 3, 3), 2, "sc"),
    ],
)
def test_a_supercell_with_vacancies_lies_along_the_axes_of_its_file(name, repeats, missing, family):
    cubic = {"cubic": True} if name in ("Cu", "Fe", "Si") else {}
    assert told(without(bulk(name, **cubic), repeats, missing)).family == [family]


def of_both(aligned, turned):
    """The most probable answer of each network, and its probability."""
    return {
        name: SimpleNamespace(family=[family], probabilities=np.array([[chance]]))
        for name, (family, chance) in zip(("fingerprint", "pairs"), (aligned, turned), strict=True)
    }


@pytest.mark.parametrize(
    ("aligned", "turned", "counts"),
    [
        (("fcc", 0.9), ("bcc", 0.8), "fingerprint"),
        (("hex/rh", 0.76), ("fcc", 0.99), "pairs"),
        (("fcc", 0.6), ("none", 0.99), "fingerprint"),
        (("none", 0.99), ("fcc", 0.6), "pairs"),
    ],
)
def test_of_two_networks_that_differ_the_surer_family_counts(aligned, turned, counts):
    answers = of_both(aligned, turned)
    broken = Crystal("one", without(bulk("Fe", cubic=True), (2, 2, 2), 3))
    assert counting_network(broken, answers) == counts
    if aligned[0] == "none":  # and it is whole
        rows = Atoms(
            "AuCd", cell=[3, 4, 5], scaled_positions=[(0, 0, 0), (0.5, 0.3, 0.5)], pbc=True
        )
        assert counting_network(Crystal("rows", rows), answers) == "fingerprint"


def test_where_symmetry_tells_a_family_a_fingerprint_counts_unless_it_knows_none():
    copper = Crystal("copper", bulk("Cu"))
    assert counting_network(copper, of_both(("fcc", 0.6), ("bcc", 0.9))) == "fingerprint"
    assert counting_network(copper, of_both(("none", 0.9), ("fcc", 0.6))) == "pairs"


def test_a_slab_and_a_primitive_supercell_are_off_their_axes_and_it_is_said():
    slab = told(fcc111("Cu", (1, 1, 6), vacuum=6.0))
    assert slab.family == ["fcc"]
    assert slab.network == ["pairs"]
    assert slab.remarks[0].startswith("The networks differ: ")
    assert "and fcc (" in slab.remarks[0]
    assert told(without(bulk("Si"), 4, 8)).family == ["diamond"]


def test_atoms_stay_where_they_are_and_what_they_are_along_the_axes_of_the_family():
    """The primitive cell of a strained, turned rock salt."""
    salt = bulk("NaCl", "rocksalt", a=5.64)
    turn = random_rotation(np.random.default_rng(3))
    stretch = np.diag([1.01, 1, 1])
    salt.set_cell(salt.cell.array @ stretch @ turn, scale_atoms=True)
    repeated = repeat_crystal(Crystal("salt", salt))
    lengths = np.sort(repeated.cell.lengths() / 2.82)
    assert set(repeated.get_chemical_symbols()) == {"Na", "Cl"}
    share = np.mean([symbol == "Na" for symbol in repeated.symbols])
    assert share == pytest.approx(0.5, abs=0.1)
    np.testing.assert_allclose(lengths / np.rint(lengths), [1, 1, 1.01], atol=0.006)
    apart = repeated.get_all_distances(mic=True) + 9 * np.eye(len(repeated))
    first = apart.min(axis=1)
    assert first.min() == pytest.approx(2.82, rel=1e-3), "the strain of the file is left in it"
    directions = repeated.get_distances(0, np.flatnonzero(apart[0] < 3), mic=True, vector=True)
    steps = np.abs(directions / np.linalg.norm(directions, axis=1, keepdims=True)).max(axis=1)
    assert steps.min() > 0.99, "neighbors lie along x, y and z"


def test_the_middle_is_cut_from_a_large_box_or_cluster():
    rng = np.random.default_rng(0)
    box = bulk("Fe", cubic=True).repeat(13)
    box.positions += rng.normal(0, 0.05, box.positions.shape)
    positions, symbols = cluster(Crystal("box", box))
    assert 200 < len(positions) == len(symbols) <= MOST
    assert np.ptp(positions, axis=0).max() < 1.1 * np.ptp(positions, axis=0).min()
    assert told(box).family == ["bcc"]
    turned = Atoms(box.symbols, box.positions @ random_rotation(rng))
    answer = classify([Crystal("cluster", turned)], samples=30)
    assert answer.family == ["bcc"]
    assert answer.remarks == [""]


@pytest.mark.parametrize(("atoms", "few"), [(2, True), (13, True), (62, False)])
def test_few_atoms_are_remarked_on(atoms, few):
    positions, _ = cluster(prototype("Cu"))
    away = np.linalg.norm(positions - positions.mean(axis=0), axis=1)
    piece = Atoms("Au" * atoms, positions[np.argsort(away)[:atoms]])
    (remark,) = classify([Crystal("piece", piece)], samples=5).remarks
    assert remark.startswith(f"{atoms} atoms are few") == few
