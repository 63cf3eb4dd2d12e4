"""Structures to learn from: families that spglib confirms, parts that share nothing, defects."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms

from napari_lattice_symmetry.crystals import Crystal
from napari_lattice_symmetry.crystals.clusters import cluster
from napari_lattice_symmetry.crystals.families.data_set import (
    CHUNK,
    ExampleChunk,
    draw_example,
    draw_set,
    draw_structure,
    plan_chunks,
)
from napari_lattice_symmetry.crystals.families.defects import Defects, draw_defects, random_rotation
from napari_lattice_symmetry.crystals.families.pairs import SIZE, pair_descriptor
from napari_lattice_symmetry.crystals.families.prototypes import (
    FAMILIES,
    PROTOTYPES,
    TEST,
    TRAINING,
    VALIDATION,
)
from napari_lattice_symmetry.crystals.families.symmetry import symmetry_families
from napari_lattice_symmetry.crystals.fingerprint import fingerprint
from napari_lattice_symmetry.crystals.neighbors import neighbor_distance

PARTS = (TRAINING, VALIDATION, TEST)


@pytest.mark.parametrize("prototype", PROTOTYPES, ids=lambda each: each.name)
def test_symmetry_confirms_the_family_at_both_ends_of_every_range(prototype):
    ratios = [end for ends in prototype.ratio for end in ends] or [1.0]
    for ratio in ratios:
        for second in prototype.second:
            cell = prototype.cell(ratio, second)
            cell.set_cell(cell.cell * 3, scale_atoms=True)
            found = symmetry_families(Crystal(prototype.name, cell), (0.01, 0.02))
            assert {family for _, _, family in found} == {prototype.family}


def test_every_family_has_a_prototype():
    assert {each.family for each in PROTOTYPES} == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_parts_share_no_composition_and_no_structure(family):
    rng = np.random.default_rng(0)
    elements, places = {}, {}
    for part in PARTS:
        draws = [draw_structure(family, part, rng) for _ in range(60)]
        elements[part] = {symbol for draw in draws for symbol in draw.elements}
        places[part] = set()
        for draw in draws:
            ranges = {each.name: each.ratio for each in PROTOTYPES}[draw.prototype]
            for low, high in ranges:
                if low <= draw.ratio <= high:
                    tenth = int((draw.ratio - low) / (high - low) * 10)
                    places[part].add((draw.prototype, low, tenth))
    for one, other in ((TRAINING, VALIDATION), (TRAINING, TEST), (VALIDATION, TEST)):
        assert not elements[one] & elements[other]
        assert not places[one] & places[other]


def test_a_drawn_structure_has_the_elements_and_about_the_spacing_it_should():
    rng = np.random.default_rng(1)
    for _ in range(20):
        example = draw_example("bcc", TEST, rng, Defects())
        assert set(example.symbols) <= set(example.structure.elements)
        assert 1.0 < neighbor_distance(example.positions) < 8  # angstrom
        assert 50 < len(example.positions) < 450


def test_defects_take_atoms_move_them_and_turn_what_is_left():
    positions = np.random.default_rng(2).uniform(size=(200, 3)) * 20
    symbols = ["Cu"] * 200
    rng = np.random.default_rng
    kept, names = Defects(vacancies=0.25).apply(positions, symbols, rng(0))
    assert len(kept) == len(names) == 150
    fewer, _ = Defects(vacancies=0.5).apply(positions, symbols, rng(0))
    assert {*map(tuple, fewer)} < {*map(tuple, kept)}
    moved, _ = Defects(displacement=0.1).apply(positions, symbols, rng(0))
    assert np.std(moved - positions) == pytest.approx(0.1 * neighbor_distance(positions), rel=0.1)
    turned, _ = Defects(rotation=random_rotation(rng(3))).apply(positions, symbols, rng(0))
    assert np.linalg.norm(turned[0] - turned[1]) == pytest.approx(
        np.linalg.norm(positions[0] - positions[1])
    )
    assert len(Defects(vacancies=1.0).apply(positions, symbols, rng(0))[0]) == 2


def test_training_sees_pristine_and_all_kinds_of_defects():
    rng = np.random.default_rng(0)
    drawn = [draw_defects(rng) for _ in range(400)]
    vacancies, moves = (
        np.array([getattr(each, name) for each in drawn]) for name in ("vacancies", "displacement")
    )
    for one in (vacancies > 0, vacancies == 0):
        for other in (moves > 0, moves == 0):
            assert 0.1 < np.mean(one & other) < 0.4
    assert vacancies.max() <= 0.7
    assert moves.max() <= 0.2


def test_distances_and_angles_do_not_change_when_a_cluster_is_turned():
    example = draw_example("hex/rh", TEST, np.random.default_rng(4), Defects(0.2, 0.05))
    turned = example.positions @ random_rotation(np.random.default_rng(5))
    before = pair_descriptor(example.positions)
    assert before.shape == (SIZE,)
    np.testing.assert_allclose(pair_descriptor(3 * turned), before, atol=0.05)
    other = draw_example("bcc", TEST, np.random.default_rng(4), Defects(0.2, 0.05))
    assert np.abs(pair_descriptor(other.positions) - before).max() > 1


@pytest.mark.parametrize("network", ["fingerprint", "pairs"])
def test_a_chunk_is_the_same_whoever_draws_it_with_as_many_of_every_family(network):
    chunk = ExampleChunk(network, VALIDATION, 7, 3, Defects(0.5))
    chunk_again = ExampleChunk(network, VALIDATION, 7, 3, Defects(0.5))
    inputs, families = chunk.draw()
    np.testing.assert_array_equal(inputs, chunk_again.draw()[0])
    assert len(inputs) == CHUNK
    assert inputs.dtype == np.float32
    tenth = CHUNK // 9
    np.testing.assert_array_equal(np.bincount(families), [tenth] * 7 + [2 * tenth])


def test_a_set_is_drawn_once_and_kept(tmp_path):
    plan = plan_chunks("pairs", TRAINING, 100, 0)
    assert len(plan) == 2
    inputs, families = draw_set(plan, tmp_path / "training.npz", workers=1)
    again, families_again = draw_set([], tmp_path / "training.npz", workers=1)
    np.testing.assert_array_equal(inputs, again)
    np.testing.assert_array_equal(families, families_again)


def test_a_file_is_made_upright_before_it_is_repeated():
    standard = PROTOTYPES[6].cell(1.6)
    standard.set_cell(standard.cell * 3, scale_atoms=True)
    lying = standard.copy()
    lying.rotate(50, (1, 2, 3), rotate_cell=True)
    one, other = (fingerprint(Crystal("Mg", each, 1e-3)).ravel() for each in (standard, lying))
    assert np.corrcoef(one, other)[0, 1] > 0.99


def test_a_cell_with_vacancies_is_taken_as_it_lies():
    positions, symbols = cluster(Crystal("Cu", Atoms("Cu", cell=[3] * 3, pbc=True)))
    whole = Atoms(symbols, positions, cell=[18] * 3, pbc=True)
    broken = whole[np.random.default_rng(0).permutation(len(whole))[:150]]
    kept, _ = cluster(Crystal("broken", broken))
    np.testing.assert_allclose(kept, broken.positions)
