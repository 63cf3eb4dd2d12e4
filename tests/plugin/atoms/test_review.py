"""Atoms reviewed in real windows: led to, added, moved, deleted, undone, scored anew."""

from __future__ import annotations

import numpy as np
import pytest
from atoms_bench import FAINT, MISSING, SITES

from napari_lattice_symmetry.plugin.atoms.layers import atoms_in


@pytest.fixture
def found(bench):
    """The atoms of the first two frames."""
    bench.widget.searching.frames.setCurrentText("all frames")
    bench.find()
    bench.widget.tabs.setCurrentWidget(bench.widget.review)
    return bench


def told(bench):
    return bench.widget.review.told.text()


def move(layer, row, by):
    data = layer.data.copy()
    data[row] += by
    layer.data = data  # which napari's tool for moving tells in the same way


def camera_center(viewer):
    return getattr(viewer, "scene", viewer).camera.center[-2:]


def test_the_least_sure_atom_is_shown_selected_and_enlarged(found):
    review, viewer = found.widget.review, found.viewer
    viewer.dims.set_current_step(0, 2)
    camera = getattr(viewer, "scene", viewer).camera
    camera.zoom = zoom = 1
    viewer.layers.selection.active = viewer.layers["film"]
    found.press(review.next_button)
    assert told(found).startswith("1 of 95: confidence 0.67, frame ")
    first = viewer.dims.current_step[0]
    assert told(found).endswith(f"frame {first}.")
    np.testing.assert_allclose(camera_center(viewer), SITES[FAINT][::-1], atol=1)
    assert camera.zoom > zoom
    (row,) = found.layer.selected_data
    assert found.layer.features["confidence"][row] < 0.8
    assert viewer.layers.selection.active is found.layer
    found.press(review.next_button)
    assert told(found).startswith(f"2 of 95: confidence 0.67, frame {1 - first}.")
    found.press(review.back_button)
    assert told(found).endswith(f"frame {first}.")


def test_the_largest_gap_is_where_the_atom_is_missing(found):
    review = found.widget.review
    review.reason.setCurrentText("largest gap")
    review.reason.activated.emit(review.reason.currentIndex())
    found.press(review.next_button)
    assert found.viewer.dims.current_step[0] == 1
    np.testing.assert_allclose(camera_center(found.viewer), SITES[MISSING][::-1], atol=1)
    assert len(found.layer.selected_data) == 3


def test_a_point_added_by_hand_is_scored_and_undone(found):
    layer, n = found.layer, len(found.layer.data)
    y, x = SITES[FAINT][::-1]
    row = int(layer.features["confidence"].to_numpy().argmin())
    layer.selected_data = {row}
    before, frame = layer.features.loc[row], layer.data[row, 0]
    layer.remove_selected()
    found.settle()
    assert len(layer.data) == n - 1
    assert found.widget.review.edited.text() == "By hand: 1 deleted."
    layer.add([frame, y + 1, x])
    found.settle()
    assert layer.features["origin"].tolist()[-1] == "added"
    for name in ("confidence", "intensity", "sigma"):
        assert layer.features[name].to_numpy()[-1] == pytest.approx(before[name])
    assert layer.features["neighbor"].to_numpy()[-1] == pytest.approx(15, abs=1)
    assert found.widget.review.edited.text() == "By hand: 1 added, 1 deleted."
    found.press(found.widget.review.undo_button)
    assert len(layer.data) == n - 1
    found.press(found.widget.review.undo_button)
    assert len(layer.data) == n
    assert found.widget.review.edited.text() == "As found, nothing edited."
    assert not found.widget.review.undo_button.isEnabled()


def test_where_the_finder_sees_nothing_confidence_is_none(found):
    layer = found.layer
    y, x = SITES[MISSING][::-1]
    layer.add([1, y, x])
    found.settle()
    assert layer.features["confidence"].to_numpy()[-1] == 0
    assert np.isnan(layer.features["sigma"].to_numpy()[-1])
    layer.add([0, y + 1, x + 1])  # where there is an atom that has its point already
    found.settle()
    assert layer.features["confidence"].to_numpy()[-1] == 0
    assert layer.features["neighbor"].to_numpy()[-1] == pytest.approx(2**0.5, abs=1)


def test_a_drag_is_one_edit_and_is_refined_if_that_is_wanted(found):
    layer = found.layer
    found.widget.review.refine.setChecked(True)
    place = layer.data[3].copy()
    for _ in range(4):
        move(layer, 3, [0, 1, 0])
    found.settle()
    assert found.widget.review.edited.text() == "By hand: 1 moved."
    np.testing.assert_allclose(layer.data[3], place)
    assert layer.features["origin"][3] == "moved"
    assert np.isfinite(layer.features["confidence"][3])
    move(layer, 3, [0, 7, 0])  # too far to be the same atom
    found.settle()
    np.testing.assert_allclose(layer.data[3], place + [0, 7, 0])
    assert layer.features["confidence"][3] == 0
    found.press(found.widget.review.undo_button)
    found.press(found.widget.review.undo_button)
    np.testing.assert_allclose(layer.data[3], place)
    assert layer.features["origin"][3] == "found"
    assert found.widget.review.edited.text() == "As found, nothing edited."


def test_all_points_can_go_and_come_back(found):
    layer, n = found.layer, len(found.layer.data)
    layer.selected_data = set(range(n))
    layer.remove_selected()
    found.settle()
    found.press(found.widget.review.next_button)
    assert told(found) == "There are too few atoms for that."
    assert len(atoms_in(layer)) == 0
    found.press(found.widget.review.undo_button)
    assert len(layer.data) == n


def test_without_atoms_it_says_so(bench):
    review = bench.widget.review
    assert told(bench) == "Find atoms first."
    assert not review.next_button.isEnabled()
    assert not review.undo_button.isEnabled()
