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
        ("pmg", {2: 9}, 2, 3),
        ("pgg", {2: 9}, 0, 4),
        ("cmm", {2: 13}, 6, 4),
        ("p4", {4: 5, 2: 4}, 0, 0),
        ("p4m", {4: 5, 2: 4}, 8, 4),
        ("p4g", {4: 5, 2: 4}, 4, 6),
        ("p3", {3: 6}, 0, 0),
        ("p3m1", {3: 6}, 5, 8),
        ("p31m", {3: 6}, 5, 4),
        ("p6", {6: 4, 3: 2, 2: 5}, 0, 0),
        ("p6m", {6: 4, 3: 2, 2: 5}, 10, 12),
    ],
)
def test_cells_hold_the_elements_of_the_tables(group, axes, mirrors, glides):
    centers, lines = symmetry_elements(group)
    assert Counter(each.fold for each in centers) == axes
    assert sum(each.mirror for each in lines) == mirrors
    assert sum(not each.mirror for each in lines) == glides


def is_translation(group, vector):
    """Tell whether a vector is one of the lattice, centered for cm and cmm."""
    near = [np.abs(each - np.rint(each)).max() for each in (vector, vector - 0.5)]
    return min(near if group.startswith("c") else near[:1]) < 1e-5  # places have six digits


def order_of(rotation):
    powers = [np.linalg.matrix_power(np.rint(rotation).astype(int), k) for k in range(1, 7)]
    return 1 + [np.array_equal(each, np.eye(2)) for each in powers].index(True)


def across(line, place):
    return line.direction[0] * place[1] - line.direction[1] * place[0]


def same_line(group, line, place, direction):
    """Tell whether a line through a place is the given one, or lies a translation from it."""
    if abs(across(line, direction)) > 1e-6:
        return False
    whole = np.array(np.meshgrid(range(-3, 4), range(-3, 4))).reshape(2, -1).T
    moves = np.concatenate([whole, whole + 0.5]) if group.startswith("c") else whole
    return min(abs(across(line, place - line.place + move)) for move in moves) < 1e-5


@pytest.mark.parametrize("group", PLANE_GROUPS)
def test_every_element_is_an_operation_of_the_group(group):
    axes, lines = symmetry_elements(group)
    rotations, shifts = standard_operations(group)
    for axis in axes:
        place = np.array(axis.place)
        assert any(
            np.linalg.det(rotation) > 0
            and order_of(rotation) == axis.fold
            and is_translation(group, place - rotation @ place - shift)
            for rotation, shift in zip(rotations, shifts, strict=True)
        )
    for line in lines:
        place, direction = np.array(line.place), np.array(line.direction)
        (k,) = (
            k
            for k, rotation in enumerate(rotations)
            if np.linalg.det(rotation) < 0 and np.allclose(rotation @ direction, direction)
        )
        glides = [
            share * direction
            for share in (0.5, 1.0)
            if is_translation(group, 2 * share * direction)
            and not is_translation(group, share * direction)
        ]
        moved = place - rotations[k] @ place - shifts[k]
        along = [np.zeros(2)] if line.mirror else glides
        assert any(is_translation(group, moved + glide) for glide in along)


@pytest.mark.parametrize("group", PLANE_GROUPS)
def test_every_operation_maps_the_elements_onto_each_other(group):
    axes, lines = symmetry_elements(group)
    for rotation, shift in zip(*standard_operations(group), strict=True):
        for axis in axes:
            place = rotation @ axis.place + shift
            assert any(
                other.fold == axis.fold and is_translation(group, place - other.place)
                for other in axes
            )
        for line in lines:
            place, direction = rotation @ line.place + shift, rotation @ line.direction
            assert any(
                other.mirror == line.mirror and same_line(group, other, place, direction)
                for other in lines
            )
