"""Axes and lines in the cells of the 17 groups, as the International Tables draw them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS, standard_operations
from napari_lattice_symmetry.lattice.symmetry_elements import symmetry_elements


@pytest.mark.parametrize(
    ("group", "axes", "mirrors", "glides"),
    [
        ("p1", {}, 0, 0),
        ("p2", {2: 9}, 0, 0),
        ("pm", {}, 3, 0),
        ("pg", {}, 0, 3),
        ("cm", {}, 3, 2),
        ("pmm", {2: 9}, 6, 0),
        ("pgg", {2: 9}, 0, 4),
        ("p4", {4: 5, 2: 4}, 0, 0),
        ("p4m", {4: 5, 2: 4}, 8, 4),
        ("p3", {3: 6}, 0, 0),
        ("p6", {6: 4, 3: 2, 2: 5}, 0, 0),
    ],
)
def test_cells_hold_the_elements_of_the_tables(group, axes, mirrors, glides):
    centers, lines = symmetry_elements(group)
    assert Counter(each.fold for each in centers) == axes
    assert sum(each.mirror for each in lines) == mirrors
    assert sum(not each.mirror for each in lines) == glides


@pytest.mark.parametrize("group", PLANE_GROUPS)
def test_every_axis_maps_the_group_onto_itself(group):
    centers, lines = symmetry_elements(group)
    rotations, _ = standard_operations(group)
    assert (
        max((each.fold for each in centers), default=1) == int(group[1])
        if group[1].isdigit()
        else True
    )
    assert bool(lines) == bool((np.linalg.det(rotations) < 0).any())
    for line in lines:
        assert np.abs(line.direction).max() == pytest.approx(1)
