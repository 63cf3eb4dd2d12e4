"""Structures of none of the families: of every kind, and none of a family by chance."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.crystals import Crystal
from napari_lattice_symmetry.crystals.families import others
from napari_lattice_symmetry.crystals.families.others import draw_other, nearest_distance
from napari_lattice_symmetry.crystals.families.prototypes import PROTOTYPES, TEST, TRAINING, TURNS
from napari_lattice_symmetry.crystals.families.symmetry import symmetry_families


@pytest.mark.parametrize("kind", others._KINDS)
def test_no_kind_is_of_a_family_and_neighbors_are_one_apart(kind, monkeypatch):
    monkeypatch.setattr(others, "_KINDS", {kind: 1.0})
    rng = np.random.default_rng(0)
    for _ in range(3):
        name, cell = draw_other(TRAINING, rng)
        assert name == kind
        assert cell.numbers.min() == 1
        if kind == "packing":
            assert 1 <= nearest_distance(cell) < 1.1
            continue
        assert nearest_distance(cell) == pytest.approx(1, abs=1e-6)
        if kind == "layer":
            heights = np.sort(cell.get_scaled_positions()[:, 2])
            assert 1 - np.ptp(heights) > 0.4
        else:
            found = symmetry_families(Crystal(kind, cell), (0.02, 0.1))
            assert {family for _, _, family in found} == {""}


def test_every_known_prototype_is_none_of_the_families():
    """Their space groups are those of the literature, which spglib confirms."""
    for name, (group, _, places) in others._KNOWN.items():
        cell = others._prototype(name)
        assert set(cell.numbers) == set(range(1, len(places) + 1))
        assert Crystal(name, cell, 1e-3).space_group[0] == group
        assert {family for _, _, family in symmetry_families(Crystal(name, cell))} == {""}


def test_parts_share_no_prototype():
    names = list(others._KNOWN)
    of = {part: {n for i, n in enumerate(names) if TURNS[i % len(TURNS)] == part} for part in TURNS}
    assert "perovskite" in of[TEST]
    assert not of[TRAINING] & of[TEST]
    assert all(of.values())


def test_the_nearest_atom_may_be_an_image_of_the_same_one():
    copper = next(each for each in PROTOTYPES if each.family == "fcc").cell()
    assert nearest_distance(copper) == pytest.approx(np.sqrt(0.5))
    simple = next(each for each in PROTOTYPES if each.family == "sc").cell()
    assert nearest_distance(simple) == pytest.approx(1)
