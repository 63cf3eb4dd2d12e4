"""Pixel size and frame time in the dock: shown, corrected, and taken along by a run."""

import numpy as np
import pytest
from qtpy.QtCore import Qt


def type_into(bench, box, text):
    bench.widget.show()
    box.setFocus()
    box.selectAll()
    bench.qtbot.keyClicks(box, text)
    bench.qtbot.keyClick(box, Qt.Key.Key_Return)


@pytest.fixture
def boxes(bench):
    return bench.widget.calibration.pixel_width, bench.widget.calibration.frame_time


def test_the_calibration_of_the_layer_is_shown(bench, boxes, stack):
    pixel_width, frame_time = boxes
    assert not pixel_width.isEnabled()
    layer = bench.viewer.add_image(stack, scale=(2, 0.3, 0.2), units=("s", "nm", "nm"))
    assert (pixel_width.value(), frame_time.value()) == (0.2, 2)
    layer.scale = (3, 0.3, 0.25)
    assert (pixel_width.value(), frame_time.value()) == (0.25, 3)


def test_without_a_calibration_none_is_claimed(bench, boxes, stack):
    bench.viewer.add_image(stack)
    assert [box.text() for box in boxes] == ["unknown", "unknown"]
    bench.viewer.add_image(stack[0], name="one image")
    bench.widget.layer_chooser.value = bench.viewer.layers["one image"]
    assert not boxes[1].isEnabled()


def test_a_correction_goes_into_the_layer_and_the_result(bench, boxes, stack):
    pixel_width, frame_time = boxes
    layer = bench.viewer.add_image(stack, scale=(1, 2, 1), translate=(0, 6, 10))
    type_into(bench, pixel_width, "0.05")
    type_into(bench, frame_time, "2.25")

    np.testing.assert_allclose(layer.scale, (2.25, 0.1, 0.05))
    np.testing.assert_allclose(layer.translate, (0, 0.3, 0.5))
    assert [str(unit) for unit in layer.units] == ["second", "nanometer", "nanometer"]
    assert "nm" in bench.widget.summary.window_text.text()

    bench.run()
    assert bench.widget.selection.result.pixel_size == pytest.approx((0.1, 0.05))
    assert bench.widget.selection.result.unit == "nm"
    assert bench.widget.selection.result.frame_time == pytest.approx(2.25)
    np.testing.assert_allclose(bench.layers()["classes"].scale, (2.25, 0.8, 0.4))


def test_looking_without_typing_changes_nothing(bench, boxes, stack):
    layer = bench.viewer.add_image(stack, scale=(1, 0.123456789, 0.123456789), units="nm")
    type_into(bench, boxes[0], "")
    before = layer.scale.copy()
    boxes[0].editingFinished.emit()
    np.testing.assert_array_equal(layer.scale, before)


def test_what_is_being_typed_outlasts_what_ends_meanwhile(bench, boxes, stack):
    layer = bench.viewer.add_image(stack, scale=(1, 0.2, 0.2), units=("s", "nm", "nm"))
    box = boxes[0]
    box.selectAll()
    bench.qtbot.keyClicks(box, "0.5")
    bench.widget.summary.measured.emit()
    bench.qtbot.keyClick(box, Qt.Key.Key_Return)
    np.testing.assert_allclose(layer.scale[1:], 0.5)
    layer.scale = (1, 0.3, 0.3)  # what is typed is in the layer by now
    assert box.value() == 0.3


def test_a_wrong_aspect_is_put_right(bench, shared_data):
    path = shared_data / "formats" / "dmTest_3D_int16.dm3"
    (layer,) = bench.viewer.open(str(path), plugin="napari-lattice-symmetry")
    calibration = bench.widget.calibration
    width, height = calibration.pixel_width, calibration.pixel_height
    assert (height.value(), width.value()) == (3, 0.002)
    type_into(bench, height, "0.004")
    np.testing.assert_allclose(layer.scale[1:], (0.004, 0.002))
    type_into(bench, width, "0.005")  # which the height follows no longer
    np.testing.assert_allclose(layer.scale[1:], (0.004, 0.005))
    bench.set(last_frame=0)
    bench.run()
    assert bench.widget.selection.result.pixel_size == pytest.approx((0.004, 0.005))


def test_the_height_alone_calibrates_too(bench, stack):
    layer = bench.viewer.add_image(stack, scale=(1, 2, 1), translate=(0, 6, 10))
    layer.affine = np.array([[1, 0, 0, 0], [0, 1, 0.5, 4], [0, 0, 1, 0], [0, 0, 0, 1]])
    calibration = bench.widget.calibration
    type_into(bench, calibration.pixel_height, "0.1")
    assert calibration.pixel_width.value() == 0.05
    type_into(bench, calibration.pixel_width, "0.1")
    np.testing.assert_allclose(layer.scale, (1, 0.1, 0.1))
    np.testing.assert_allclose(layer.translate, (0, 0.3, 1))
    np.testing.assert_allclose(layer.affine.affine_matrix[1], (0, 1, 0.25, 0.2))
    other = bench.viewer.add_image(stack, scale=(1, 2, 1), name="other")
    bench.widget.layer_chooser.value = other
    type_into(bench, calibration.pixel_width, "0.1")
    np.testing.assert_allclose(other.scale, (1, 0.2, 0.1))
