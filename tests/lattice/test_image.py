from __future__ import annotations

import json
from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

from napari_lattice_symmetry import CLASSES, fit_lattice
from napari_lattice_symmetry.cells import plane_group
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.image import FREE_PARAMETERS, LatticeImage, allows
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS
from napari_lattice_symmetry.settings import parse_settings

CLEAN = {"disorder": 0, "counts": 10_000, "background": 0}


def test_it_knows_the_classes():
    assert get_args(LatticeImage.model_fields["lattice"].annotation) == CLASSES
    assert tuple(FREE_PARAMETERS) == CLASSES


@pytest.mark.parametrize("name", LatticeImage.model_fields)
def test_every_field_says_what_it_is(name):
    field = LatticeImage.model_json_schema()["properties"][name]
    assert field["title"]
    assert field["description"].endswith(".")
    assert field["group"] in ("Lattice", "Motif", "Disorder", "Recording")
    choices = ("lattice", "plane_group")
    assert name in choices or field["minimum"] <= field["default"] <= field["maximum"]


def test_values_out_of_range_and_unknown_ones_are_refused():
    for wrong in ({"a": 0}, {"vacancies": 1}, {"lattice": "cubic"}, {"c": 3}):
        with pytest.raises(ValidationError):
            LatticeImage(**wrong)


@pytest.mark.parametrize("name", CLASSES[:5])
def test_the_image_shows_the_lattice_that_was_asked_for(name):
    image = LatticeImage(lattice=name, a=11, b=15, gamma=75, orientation=25, **CLEAN)
    fit = fit_lattice(image.draw())
    truth = image.truth()
    assert truth["class"] == name
    assert fit.lattice == name
    assert (fit.a, fit.b) == pytest.approx((truth["a"], truth["b"]), rel=0.01)
    assert fit.gamma == pytest.approx(truth["gamma"], abs=0.7)
    json.dumps(truth)


def test_noise_has_no_lattice():
    image = LatticeImage(lattice="noise")
    assert image.truth() == {"class": "noise"}
    assert not fit_lattice(image.draw()).resolved


@pytest.mark.parametrize(
    ("asked", "shown", "a"),
    [
        ({"lattice": "oblique", "b": 12, "gamma": 90}, "square", 12),
        ({"lattice": "centered rectangular", "gamma": 60}, "hexagonal", 12),
        ({"lattice": "rectangular", "a": 9, "b": 9}, "square", 9),
        ({"lattice": "oblique", "a": 60, "b": 3, "gamma": 90}, "rectangular", 3),
    ],
)
def test_special_values_have_the_higher_symmetry(asked, shown, a):
    image = LatticeImage(**asked)
    assert image.symmetry() == shown
    assert image.truth()["a"] == pytest.approx(a)


@pytest.mark.parametrize(
    ("motif", "shown", "a"),
    [
        ({"x2": 0.5, "y2": 0.5, "brightness2": 1}, "square", 12 / np.sqrt(2)),
        ({"x2": 0.5, "y2": 0.5, "brightness2": 0.9}, "square", 12),
        ({"x2": 0.5, "y2": 0, "brightness2": 1}, "rectangular", 6),
        ({"x2": 0.4, "y2": 0, "brightness2": 1}, "square", 12),
        ({"x2": 0, "y2": 0, "brightness2": 1}, "square", 12),
        ({"x2": 0.5, "y2": 0.5, "brightness2": 0}, "square", 12),
    ],
)
def test_equal_atoms_may_make_the_cell_smaller(motif, shown, a):
    image = LatticeImage(lattice="square", atoms=2, **motif)
    assert image.truth()["class"] == shown
    assert image.truth()["a"] == pytest.approx(a)


def test_three_equal_atoms_in_a_row_are_one_a_third_as_far():
    thirds = {"x2": 1 / 3, "y2": 0, "x3": 2 / 3, "y3": 0, "brightness2": 1, "brightness3": 1}
    image = LatticeImage(lattice="rectangular", a=18, b=12, atoms=3, **thirds)
    assert image.truth()["class"] == "rectangular"
    assert (image.truth()["a"], image.truth()["b"]) == pytest.approx((6, 12))


def test_drift_changes_what_is_seen():
    image = LatticeImage(lattice="square", a=12, orientation=0, shear=20, stretch=5, **CLEAN)
    assert image.symmetry() == "oblique"
    assert LatticeImage(lattice="square", shear=1).symmetry(tolerance=0.04) == "square"
    seen = sorted(np.abs(image.basis).tolist())  # of v and -v either is as good
    np.testing.assert_allclose(seen, [[2.4, 12.6], [12, 0]], atol=1e-9)
    fit = fit_lattice(image.draw(), distortion=image.distortion)
    assert fit.lattice == "square"
    assert fit.a == pytest.approx(12, rel=0.01)


def test_the_same_numbers_make_the_same_image():
    assert np.array_equal(LatticeImage().draw(), LatticeImage().draw())
    assert not np.array_equal(LatticeImage().draw(), LatticeImage(seed=1).draw())


def test_a_change_of_one_number_changes_nothing_else():
    """The same atoms move further, and the same are missing, when there are more vacancies."""
    still, moved = (LatticeImage(disorder=d, counts=10_000).draw() for d in (0.03, 0.031))
    assert np.corrcoef(still.ravel(), moved.ravel())[0, 1] > 0.99
    full, fewer, fewest = (
        LatticeImage(vacancies=v, **CLEAN).draw() / 10_000 for v in (0, 0.2, 0.4)
    )
    assert (fewer - full).max() < 0.1  # counting noise alone
    assert (fewest - fewer).max() < 0.1
    assert fewest.sum() < 0.7 * full.sum()


def test_the_second_grain_is_where_it_should_be():
    one = LatticeImage(**CLEAN).draw()
    two = LatticeImage(second_grain=0.3, **CLEAN).draw()
    assert np.allclose(one[:, :60], two[:, :60], atol=600)
    assert not np.allclose(one[:, -20:], two[:, -20:], atol=3000)


def test_dose_background_and_jitter_are_in_the_image():
    assert LatticeImage(counts=0.1).draw().max() < 5
    assert LatticeImage(**{**CLEAN, "background": 1}).draw().min() > 4000
    rows = LatticeImage(lattice="rectangular", orientation=0, b=30, a=8, jitter=2, **CLEAN).draw()
    calm = LatticeImage(lattice="rectangular", orientation=0, b=30, a=8, **CLEAN).draw()
    assert np.abs(rows - calm).mean() > 300
    assert rows.sum() == pytest.approx(calm.sum(), rel=0.02)


@pytest.mark.parametrize("group", PLANE_GROUPS)
def test_a_plane_group_that_is_asked_for_is_that_of_the_drawn_atoms(group):
    for family in (each for each in FREE_PARAMETERS if allows(each, group)):
        image = LatticeImage(lattice=family, plane_group=group, a=20, b=27, gamma=73, seed=3)
        assert image.truth()["plane_group"] == group
        assert image.symmetry() == family
    drawn = [image.model_copy(update={"seed": seed}).draw() for seed in (3, 4)]
    assert not np.array_equal(*drawn)


def test_the_drawn_plane_group_is_what_a_window_shows():
    image = LatticeImage(lattice="square", plane_group="p4", a=20, size=200, width=0.08, disorder=0)
    assert plane_group(image.draw()).name == "p4"


@pytest.mark.parametrize(
    ("motif", "group"),
    [
        ({"lattice": "hexagonal"}, "p6m"),
        ({"lattice": "hexagonal", "atoms": 2, "x2": 1 / 3, "y2": 1 / 3}, "p3m1"),
        ({"lattice": "hexagonal", "atoms": 3}, "p1"),
        ({"lattice": "square", "atoms": 2, "x2": 0.5, "y2": 0.5, "brightness2": 1}, "p4m"),
        ({"lattice": "square", "atoms": 2, "x2": 0.5, "y2": 0}, "pmm"),
        ({"lattice": "oblique"}, "p2"),
        ({"lattice": "noise"}, None),
    ],
)
def test_atoms_that_are_set_one_by_one_have_the_group_of_their_places(motif, group):
    assert LatticeImage(**motif).group == group


def test_a_lattice_that_does_not_have_the_group_is_refused():
    for lattice in ("hexagonal", "noise"):
        with pytest.raises(ValidationError, match=f"{lattice} lattice has no plane group p4;"):
            LatticeImage(lattice=lattice, plane_group="p4")
    with pytest.raises(InputError, match="settings: a noise lattice has no plane group p4;"):
        parse_settings(LatticeImage, lattice="noise", plane_group="p4")
