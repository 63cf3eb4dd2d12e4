"""The table of the 17 groups, held against exact operations that know nothing of it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import cell, rotation
from napari_lattice_symmetry.lattice.plane_groups import (
    PLANE_GROUPS,
    allowed,
    family_basis,
    family_of,
    name_operations,
    settings,
    standard_operations,
    supergroups,
    wyckoff_sites,
)

CELLS = {
    "oblique": cell(10, 13, 77),
    "rectangular": cell(10, 14, 90),
    "centered rectangular": cell(10, 10, 74),
    "square": cell(10, 10, 90),
    "hexagonal": cell(10, 10, 60),
}
EVERY = [(family, k) for family in CELLS for k in range(len(settings(family)))]


def canonical(rotations, translations):
    return {
        (tuple(each.ravel()), tuple(np.round(shift % 1, 6) % 1))
        for each, shift in zip(rotations, translations, strict=True)
    }


@pytest.mark.parametrize(("family", "k"), EVERY)
def test_every_setting_is_a_group_of_its_name_that_keeps_lengths(family, k):
    setting = settings(family)[k]
    operations = canonical(setting.rotations, setting.translations)
    assert len(operations) == setting.order
    for (one, shift), (other, further) in product(
        zip(setting.rotations, setting.translations, strict=True), repeat=2
    ):
        composed = (one @ other)[np.newaxis], (one @ further + shift)[np.newaxis]
        assert canonical(*composed) <= operations
    assert name_operations(setting.rotations, setting.translations) == setting.group
    basis = family_basis(CELLS[family], family)
    metric = basis @ basis.T
    for each in setting.rotations:
        np.testing.assert_allclose(each.T @ metric @ each, metric, atol=1e-9)


def test_lattices_allow_as_many_groups_and_settings_as_the_tables_list():
    assert {name: len(settings(name)) for name in CELLS} == {
        "oblique": 2,
        "rectangular": 10,
        "centered rectangular": 5,
        "square": 16,
        "hexagonal": 16,
    }
    assert len(PLANE_GROUPS) == 17
    assert set(PLANE_GROUPS) == {group for family in CELLS for group in allowed(family)}
    assert [family_of(name) for name in ("p1", "pg", "cm", "p4g", "p3")] == list(CELLS)


def test_settings_of_a_group_in_one_lattice_differ():
    for family in CELLS:
        seen = [
            (each.group, frozenset(canonical(each.rotations, each.translations)))
            for each in settings(family)
        ]
        assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("group", PLANE_GROUPS)
def test_sites_have_the_symmetry_that_their_multiplicity_asks(group):
    rotations, translations = standard_operations(group)
    centered = group.startswith("c")
    centers = [np.zeros(2), np.full(2, 0.5)] if centered else [np.zeros(2)]
    rng = np.random.default_rng(3)
    orders = []
    for site in wyckoff_sites(group):
        place = site.matrix @ rng.uniform(0.05, 0.2, 2) + site.offset
        moved = np.array([(rotations @ place + translations) + center for center in centers])
        away = moved.reshape(-1, 2) - place
        stabilizer = int((np.abs(away - np.rint(away)) < 1e-9).all(axis=1).sum())
        mirrors = site.symmetry.count("m")
        turns = [int(each) for each in site.symmetry if each.isdigit()]
        fold = max(turns, default=1)
        assert stabilizer == fold * (2 if mirrors else 1)
        orders.append(stabilizer)
    assert orders[-1] == 1
    assert [site.letter for site in wyckoff_sites(group)] == list("abcdefghi"[: len(orders)])


def test_groups_contain_those_of_which_all_operations_are_theirs():
    assert supergroups("p4") == ("p4", "p4m", "p4g")
    assert supergroups("p3m1") == ("p3m1", "p6m")
    assert supergroups("pgg") == ("pgg", "p4g")
    assert set(supergroups("p1")) == set(PLANE_GROUPS)
    assert {each for each in PLANE_GROUPS if each not in supergroups("p2")} == {
        *("p1", "pm", "pg", "cm", "p3", "p3m1", "p31m")
    }
    with pytest.raises(InputError, match="'p5' is no plane group"):
        supergroups("p5")


@pytest.mark.parametrize("family", CELLS)
@pytest.mark.parametrize("change", [((1, 0), (0, 1)), ((0, 1), (1, 0)), ((1, 2), (1, 3))])
def test_basis_of_a_family_is_the_same_cell_from_any_start(family, change):
    basis = family_basis(np.array(change) @ CELLS[family] @ rotation(31), family)
    a, b = np.linalg.norm(basis, axis=1)
    cosine = basis[0] @ basis[1] / (a * b)
    assert np.linalg.det(basis) > 0
    if family == "hexagonal":
        assert (a, b, cosine) == pytest.approx((10, 10, -0.5))
    elif family == "centered rectangular":
        assert a == pytest.approx(b)
    elif family != "oblique":
        assert cosine == pytest.approx(0, abs=1e-9)
    else:
        assert sorted((a, b)) == pytest.approx((10, 13))


def test_a_long_rhombus_is_found_in_its_reduced_cell():
    wide = family_basis(cell(10, 10, 40), "centered rectangular")
    assert np.linalg.norm(wide, axis=1) == pytest.approx((10, 10))


def test_no_such_family_is_said():
    with pytest.raises(InputError, match="'cubic' is no class of lattices"):
        settings("cubic")
