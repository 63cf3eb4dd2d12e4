"""Layers of results in real windows: nobody paints on them."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication


@pytest.fixture
def stroke(shown_bench):
    """Draw a stroke across the middle of the canvas with the brush of the selected layer."""

    def draw(layer):
        shown_bench.viewer.layers.selection.active = layer
        layer.mode, layer.brush_size, layer.selected_label = "paint", 5, 2
        QTest.qWait(100)
        canvas = shown_bench.viewer.window._qt_viewer.canvas.native
        y, left, right = canvas.height() / 2, canvas.width() * 0.4, canvas.width() * 0.6
        button, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        for kind, x, pressed, held in (
            (QEvent.Type.MouseMove, left, none, none),
            (QEvent.Type.MouseButtonPress, left, button, button),
            (QEvent.Type.MouseMove, right, none, button),
            (QEvent.Type.MouseButtonRelease, right, button, none),
        ):
            place = QPointF(x, y)
            on_screen = QPointF(canvas.mapToGlobal(place.toPoint()))
            event = QMouseEvent(
                kind, place, on_screen, pressed, held, Qt.KeyboardModifier.NoModifier
            )
            QApplication.sendEvent(canvas, event)
            QTest.qWait(50)

    return draw


def test_a_stroke_changes_labels_of_a_person_but_not_those_of_a_result(shown_bench, stack, stroke):
    shown_bench.viewer.add_image(stack)
    shown_bench.run()
    labels, result = shown_bench.layers()["classes"], shown_bench.widget.run.result
    before = result.labels.copy()
    own = shown_bench.viewer.add_labels(np.zeros(stack.shape[1:], dtype=np.uint8))
    shown_bench.viewer.reset_view()
    stroke(own)
    assert own.data.any()

    labels.visible = False
    labels.visible = True
    labels.mode = "pan_zoom"
    shown_bench.viewer.dims.ndisplay = 3
    shown_bench.viewer.dims.ndisplay = 2
    labels.data = labels.data.copy()
    stroke(labels)
    assert labels.mode == "pan_zoom"
    np.testing.assert_array_equal(labels.data, before)
    np.testing.assert_array_equal(result.labels, before)


def test_no_layer_of_a_result_can_be_edited(bench, stack, tmp_path):
    bench.viewer.add_image(stack)
    bench.run()
    assert not any(layer.editable for layer in bench.layers().values())
    bench.widget.run.result.save(tmp_path / "saved.zarr")
    bench.viewer.layers.clear()
    bench.viewer.open(tmp_path / "saved.zarr", plugin="napari-lattice-symmetry")
    assert not any(layer.editable for layer in bench.layers().values())


def test_the_result_does_not_change_with_its_layers(bench, stack):
    bench.viewer.add_image(stack)
    bench.run()
    result = bench.widget.run.result
    before = result.mean.copy(), result.labels.copy()
    for layer in bench.layers().values():
        assert not np.shares_memory(np.asarray(layer.data), result.mean)
        layer.data[:] = 0
    np.testing.assert_array_equal(result.mean, before[0])
    np.testing.assert_array_equal(result.labels, before[1])
