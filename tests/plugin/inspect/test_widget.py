"""The inspector in real windows: mouse and keys choose a window, and layers come and go."""

from __future__ import annotations

import itertools
import shutil
import subprocess

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog
from waiting import PATIENCE

from napari_lattice_symmetry.lattice import LABELS

FRAME = (80, 112)


class Inspecting:
    """A shown window with the dock in it."""

    def __init__(self, viewer, qtbot):
        self.viewer, self.qtbot = viewer, qtbot
        _, self.widget = viewer.window.add_plugin_dock_widget(
            "napari-lattice-symmetry", "Inspect a window"
        )
        self.widget.parameters["window"].value = 32
        self.widget.parameters["samples"].value = 5
        viewer.window.resize(1400, 900)
        self.settle()
        QTest.qWait(200)
        viewer.reset_view()

    # napari looks for what keeps its widgets alive after a test, so nothing here does.
    @property
    def main(self):
        return self.viewer.window._qt_window

    @property
    def canvas(self):
        return self.viewer.window._qt_viewer.canvas.native

    @property
    def camera(self):
        return getattr(self.viewer, "scene", self.viewer).camera  # since napari 0.9 in the scene

    def settle(self):
        self.qtbot.waitUntil(lambda: not self.widget.requests.is_busy)
        QTest.qWait(50)

    def point_of(self, y, x):
        """Find a place of the image on the canvas, in pixels of the screen from its corner."""
        layer = self.viewer.layers[0]
        world = layer.data_to_world((0,) * (layer.ndim - 2) + (y, x))[-2:]
        camera = self.camera
        middle = np.array([self.canvas.height(), self.canvas.width()]) / 2
        down, right = middle + (np.array(world) - camera.center[-2:]) * camera.zoom
        return QPoint(round(right), round(down))

    def click(self, y, x):
        point = self.point_of(y, x)
        QTest.mouseMove(self.canvas, point)
        QTest.qWait(50)
        QTest.mouseClick(self.canvas, Qt.MouseButton.LeftButton, pos=point)
        self.settle()

    def drag_to(self, point):
        """Move the mouse with its left button down, which `QTest` cannot."""
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(point),
            QPointF(self.canvas.mapToGlobal(point)),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(self.canvas, event)

    def press(self, key, modifier=Qt.KeyboardModifier.NoModifier):
        self.canvas.setFocus()
        QTest.keyClick(self.canvas, key, modifier)
        self.settle()

    @property
    def corner(self):
        return self.widget.inspection.corner


@pytest.fixture
def inspecting(make_shown_viewer, network, qtbot, stack):
    viewer = make_shown_viewer()
    viewer.add_image(stack, name="edge", scale=(2, 0.5, 0.5), units=("s", "nm", "nm"))
    viewer.dims.set_current_step(0, 0)
    return Inspecting(viewer, qtbot)


@pytest.fixture
def analyzed(inspecting):
    """The same with a result of the image: windows of 32 px, a stride of 8."""
    _, analysis = inspecting.viewer.window.add_plugin_dock_widget(
        "napari-lattice-symmetry", "Lattice symmetry"
    )
    for name, value in {"window": 32, "stride": 8, "samples": 5}.items():
        analysis.parameters[name].value = value
    analysis.run_button.click()
    inspecting.qtbot.waitUntil(lambda: analysis.run.is_over)
    inspecting.settle()
    inspecting.run = analysis.run
    return inspecting


def test_it_starts_in_the_middle_of_the_image(inspecting):
    assert inspecting.corner == (24, 40)
    assert inspecting.widget.inspection.label == LABELS["square"]
    outline = inspecting.widget.outline.layer
    np.testing.assert_allclose(outline.data[0].min(axis=0), (23.5, 39.5))
    np.testing.assert_allclose(outline.data[0].max(axis=0), (55.5, 71.5))
    np.testing.assert_allclose(outline.scale, (0.5, 0.5))
    assert inspecting.viewer.layers.selection.active is inspecting.viewer.layers["edge"]


def test_a_click_chooses_a_window_round_it(inspecting):
    inspecting.click(40, 95)
    assert inspecting.corner == pytest.approx((24, 79), abs=1)
    assert inspecting.widget.inspection.label == LABELS["hexagonal"]
    assert "hexagonal" in inspecting.widget.details.text()
    assert inspecting.widget.title.text() == "edge, frame 0"


def test_a_drag_moves_the_view_alone(inspecting):
    before, corner = inspecting.camera.center, inspecting.corner
    start = inspecting.point_of(40, 95)
    QTest.mousePress(inspecting.canvas, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 5):
        inspecting.drag_to(start + QPoint(0, 10 * step))
    QTest.mouseRelease(inspecting.canvas, Qt.MouseButton.LeftButton, pos=start + QPoint(0, 40))
    inspecting.settle()
    assert inspecting.camera.center != before
    assert inspecting.corner == corner


def test_a_click_outside_the_image_changes_nothing(inspecting):
    inspecting.widget.picking.clicked.emit((0.0, -5.0, 10.0))
    inspecting.settle()
    assert inspecting.corner == (24, 40)


def test_arrow_keys_on_the_canvas_move_by_a_stride_and_stop_at_the_edge(inspecting):
    y, x = inspecting.corner
    inspecting.press(Qt.Key.Key_Right)
    assert inspecting.corner == (y, x + 16)
    inspecting.press(Qt.Key.Key_Down)
    assert inspecting.corner == (y + 16, x + 16)
    inspecting.press(Qt.Key.Key_Left)
    inspecting.press(Qt.Key.Key_Up)
    assert inspecting.corner == (y, x)
    for _ in range(5):
        inspecting.press(Qt.Key.Key_Right)
    assert inspecting.corner == (y, FRAME[1] - 32)
    assert inspecting.viewer.dims.current_step[0] == 0


def test_alt_with_an_arrow_goes_through_time(inspecting):
    inspecting.press(Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert inspecting.viewer.dims.current_step[0] == 1
    assert inspecting.widget.inspection.frame == 1
    inspecting.press(Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert inspecting.widget.inspection.frame == 0


def test_napari_gets_its_keys_and_clicks_back(inspecting):
    QTest.mouseClick(inspecting.widget.pick, Qt.MouseButton.LeftButton)
    assert not inspecting.widget.pick.isChecked()
    corner = inspecting.corner
    inspecting.press(Qt.Key.Key_Right)
    assert inspecting.viewer.dims.current_step[0] == 1
    inspecting.click(60, 20)
    assert inspecting.corner == corner

    QTest.keyClick(inspecting.widget.pick, Qt.Key.Key_Space)  # without a mouse
    assert inspecting.widget.pick.isChecked()
    inspecting.press(Qt.Key.Key_Right)
    assert inspecting.corner[1] == corner[1] + 16
    assert inspecting.viewer.dims.current_step[0] == 1


def test_closing_the_dock_gives_everything_back(inspecting):
    inspecting.viewer.window.remove_dock_widget(inspecting.widget.parent())
    assert "inspected window" not in inspecting.viewer.layers
    inspecting.canvas.setFocus()
    QTest.keyClick(inspecting.canvas, Qt.Key.Key_Right)
    assert inspecting.viewer.dims.current_step[0] == 1
    assert inspecting.widget.picking._on_press not in inspecting.viewer.mouse_drag_callbacks
    inspecting.viewer.layers.clear()
    inspecting.viewer.theme = "light"


def test_arrow_keys_on_the_figure_move_the_window_too(inspecting):
    y, x = inspecting.corner
    QTest.keyClick(inspecting.widget.canvas, Qt.Key.Key_Left)
    inspecting.settle()
    assert inspecting.corner == (y, x - 16)


def test_it_follows_the_time_slider(inspecting):
    frames = inspecting.viewer.layers["edge"].data.copy()
    frames[2] = 25
    inspecting.viewer.layers["edge"].data = frames + np.random.default_rng(0).normal(
        0, 1, (80, 112)
    )
    inspecting.settle()
    inspecting.viewer.dims.set_current_step(0, 2)
    inspecting.settle()
    assert inspecting.widget.inspection.frame == 2
    assert inspecting.widget.inspection.label == LABELS["centered rectangular"]
    assert inspecting.widget.title.text() == "edge, frame 2"


def test_window_samples_and_network_can_be_changed(inspecting):
    form = inspecting.widget.parameters
    form["window"].value = 48
    form["samples"].value = 5000
    inspecting.settle()
    inspection = inspecting.widget.inspection
    assert inspection.pixels.shape == (48, 48)
    assert inspection.parameters.samples == 5000
    form["window"].value = 81
    inspecting.settle()
    assert "81 px does not fit into frames of 80 x 112 px" in inspecting.widget.message.text()
    assert not inspecting.widget.outline.layer.visible
    form["window"].value = 32
    inspecting.settle()
    assert inspecting.widget.inspection.pixels.shape == (32, 32)
    assert not inspecting.widget.message.isVisible()


def test_on_a_class_map_it_shows_the_windows_of_the_map(analyzed):
    labels = next(layer for layer in analyzed.run.layers if layer.name.startswith("classes"))
    analyzed.viewer.layers.selection.active = labels
    analyzed.settle()
    settings = analyzed.widget.inspection.parameters
    assert (settings.window, settings.stride, settings.samples) == (32, 8, 5)
    for place in ((30, 30), (51, 93)):
        analyzed.click(*place)
        row, column = np.array(analyzed.corner) // 8
        assert tuple(np.array(analyzed.corner) % 8) == (0, 0)
        inspection, frame = analyzed.widget.inspection, analyzed.widget.inspection.frame
        np.testing.assert_array_equal(
            inspection.mean, analyzed.run.result.mean[:, frame, row, column]
        )
        assert inspection.entropy == analyzed.run.result.entropy[frame, row, column]
    row, column = np.array(analyzed.corner) // 8
    analyzed.press(Qt.Key.Key_Left)
    assert tuple(np.array(analyzed.corner) // 8) == (row, column - 1)


def test_an_image_stands_for_its_result_and_is_free_of_its_grid(analyzed):
    analyzed.widget.parameters["window"].value = 64
    analyzed.viewer.layers.selection.active = analyzed.run.layers[0]
    analyzed.viewer.layers.selection.active = analyzed.viewer.layers["edge"]
    analyzed.settle()
    assert analyzed.widget._settings == analyzed.run.parameters
    analyzed.widget.parameters["window"].value = 32
    analyzed.click(43, 50)
    assert analyzed.corner == pytest.approx((27, 34), abs=1)
    y, x = analyzed.corner
    analyzed.press(Qt.Key.Key_Right)
    assert analyzed.corner == (y, x + 8)


def test_copied_and_saved(inspecting, tmp_path, monkeypatch, messages):
    QTest.mouseClick(inspecting.widget.copy_button, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == inspecting.widget.inspection.text()
    for typed, chosen, ending in (
        ("one.png", "Image (*.png)", ""),
        ("two.svg", "Image (*.png)", ""),
        ("three", "Drawing (*.svg)", ".svg"),
        ("frame 1.5", "Image (*.png)", ".png"),
    ):
        answer = str(tmp_path / typed), chosen
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, answer=answer: answer)
        QTest.mouseClick(inspecting.widget.save_button, Qt.MouseButton.LeftButton)
        path = tmp_path / f"{typed}{ending}"
        assert path.stat().st_size > 10_000
        assert messages()[-1] == f"Wrote {path}."
    answer = str(tmp_path / "one.png" / "window.png"), "Image (*.png)"  # no folder
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: answer)
    inspecting.widget.save_button.click()
    assert "window.png cannot be written" in messages()[-1]


def test_the_image_of_a_map_can_be_removed_and_renamed(analyzed, messages):
    analyzed.viewer.layers["edge"].name = "renamed"
    analyzed.click(30, 30)
    assert analyzed.widget.title.text().startswith("renamed, frame")

    analyzed.viewer.layers.remove("renamed")
    analyzed.settle()
    assert "was made from is not open" in analyzed.widget.message.text()
    assert not analyzed.widget.outline.layer.visible
    analyzed.press(Qt.Key.Key_Right)
    analyzed.viewer.dims.set_current_step(0, 1)
    analyzed.viewer.layers.clear()
    analyzed.settle()
    assert analyzed.widget.message.text() == "Open an image or a movie to inspect."
    assert not messages()


def test_an_image_that_is_removed_at_work_leaves_a_sentence(inspecting, gate, messages):
    inspecting.widget.move_by(0, 1)
    inspecting.viewer.layers.remove("edge")
    gate.release(100)
    inspecting.settle()
    assert inspecting.widget.message.text() == "Open an image or a movie to inspect."
    assert not inspecting.widget.outline.layer.visible
    assert not messages()


def test_an_image_that_shrinks_moves_the_window_inside(inspecting):
    inspecting.click(60, 95)
    inspecting.viewer.layers["edge"].data = np.full((2, 40, 60), 5.0) + np.arange(60) % 2
    inspecting.settle()
    assert inspecting.corner == (8, 28)
    inspecting.viewer.layers["edge"].data = np.zeros((2, 20, 20))
    inspecting.settle()
    assert "does not fit into frames of 20 x 20 px" in inspecting.widget.message.text()


def test_an_outline_that_is_removed_comes_back_with_the_next_window(inspecting):
    inspecting.viewer.layers.remove("inspected window")
    inspecting.press(Qt.Key.Key_Left)
    assert "inspected window" in inspecting.viewer.layers


def test_a_single_image_and_colors_can_be_inspected(inspecting):
    gray = np.full((60, 70), 15.0) + np.arange(70) % 2
    inspecting.viewer.layers.clear()
    inspecting.viewer.add_image(gray, name="single")
    inspecting.settle()
    assert inspecting.widget.inspection.label == LABELS["rectangular"]
    colors = np.repeat(gray.astype(np.uint8)[..., np.newaxis], 3, axis=2)
    inspecting.viewer.add_image(colors, name="colors", rgb=True)
    inspecting.settle()
    inspecting.widget.picking.clicked.emit((55.0, 65.0))
    inspecting.settle()
    assert inspecting.widget.title.text() == "colors, frame 0"
    assert inspecting.corner == (28, 38)


def test_older_requests_are_dropped(inspecting, gate):
    shown = []
    inspecting.widget.requests.done.connect(lambda inspection: shown.append(inspection.corner))
    _, x = inspecting.corner
    inspecting.widget.move_by(0, -1)
    inspecting.qtbot.waitUntil(lambda: inspecting.widget.requests._worker is not None)
    inspecting.widget.move_by(0, -1)
    inspecting.widget.move_by(-1, 0)
    gate.release(100)
    inspecting.settle()
    assert shown == [(8, x - 32)]


def names_collide(figure):
    """Tell whether the names of two classes under the bars touch."""
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in figure.axes[2].get_xticklabels()]
    return any(left.x1 >= right.x0 for left, right in itertools.pairwise(boxes))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_fits_a_small_screen_in_both_themes(inspecting, theme):
    inspecting.viewer.theme = theme
    inspecting.viewer.window.resize(1280, 780)
    inspecting.viewer.window.add_plugin_dock_widget("napari-lattice-symmetry", "Lattice symmetry")
    QTest.qWait(300)
    assert inspecting.main.height() <= 780
    assert inspecting.main.width() <= 1280
    figure = inspecting.widget.canvas.figure
    background, ink = figure.get_facecolor()[:3], figure.axes[2].yaxis.label.get_color()
    assert not names_collide(figure)
    assert (np.mean(background) < 0.5) == (theme == "dark")
    assert (int(ink[1:3], 16) > 128) == (theme == "dark")


def test_every_control_is_reached_by_the_keyboard(inspecting):
    widget = inspecting.widget
    reached, focus = set(), widget.nextInFocusChain()
    while focus is not widget:
        if focus.focusPolicy() & Qt.FocusPolicy.TabFocus:
            reached.add(focus)
        focus = focus.nextInFocusChain()
    controls = [field.native for field in widget.parameters]
    buttons = [widget.pick, widget.copy_button, widget.save_button, widget.canvas]
    assert reached.issuperset([*controls, *buttons])
    assert all(control.toolTip() for control in [*controls, *buttons])


def test_a_person_at_the_screen_clicks_and_presses_keys(inspecting):
    if shutil.which("xdotool") is None:
        pytest.skip("xdotool is not installed")

    def xdotool(*words):
        subprocess.run(["xdotool", *map(str, words)], check=True, timeout=PATIENCE)
        QTest.qWait(300)
        inspecting.settle()

    inspecting.main.move(0, 0)
    inspecting.main.activateWindow()
    QTest.qWait(300)
    place = inspecting.canvas.mapToGlobal(inspecting.point_of(40, 95))
    xdotool("mousemove", place.x(), place.y())
    xdotool("click", 1)
    assert inspecting.corner == pytest.approx((24, 79), abs=1)
    y, x = inspecting.corner
    xdotool("key", "Left")
    assert inspecting.corner == (y, x - 16)
    xdotool("key", "alt+Right")
    assert inspecting.widget.inspection.frame == 1
    button = inspecting.widget.copy_button
    place = button.mapToGlobal(button.rect().center())
    xdotool("mousemove", place.x(), place.y(), "click", 1)
    assert QApplication.clipboard().text() == inspecting.widget.inspection.text()


def test_planes_that_are_no_frames_are_not_inspected(inspecting):
    inspecting.viewer.dims.roll()
    inspecting.qtbot.waitUntil(inspecting.widget.message.isVisible)
    assert "'edge' is seen along other axes than its last two" in inspecting.widget.message.text()


def test_the_window_follows_a_region_that_is_drawn_and_moved(inspecting):
    widget, viewer = inspecting.widget, inspecting.viewer
    box = np.array([[10, 60], [10, 99], [45, 99], [45, 60]])  # rows and columns, of 0.5 nm
    region = viewer.add_shapes([box * 0.5], shape_type="rectangle", name="grain")
    viewer.layers.selection.active = viewer.layers["edge"]
    widget.region_chooser.value = region
    inspecting.settle()
    assert widget.inspection.parameters.window == 40
    assert inspecting.corner == pytest.approx((8, 60), abs=1)
    assert not widget.parameters["window"].enabled

    region.data = [(box - [0, 50]) * 0.5]  # as a drag does
    inspecting.settle()
    assert inspecting.corner == pytest.approx((8, 10), abs=1)
    assert widget.inspection.label == LABELS["square"]
    viewer.dims.set_current_step(0, 1)
    inspecting.settle()
    assert widget.inspection.frame == 1
    assert inspecting.corner == pytest.approx((8, 10), abs=1)

    region.data = [box + 500]
    assert "'grain' holds no part of 'edge'" in widget.message.text()
    region.data = [box * 0.5]
    inspecting.settle()
    assert inspecting.corner == pytest.approx((8, 60), abs=1)
    inspecting.click(40, 30)
    assert widget.region_chooser.value is None
    assert widget.parameters["window"].enabled
    assert inspecting.corner == pytest.approx((20, 10), abs=1)


def test_a_region_that_is_removed_is_followed_no_longer(inspecting):
    widget, viewer = inspecting.widget, inspecting.viewer
    region = viewer.add_shapes([np.array([[5, 5], [5, 25], [25, 25], [25, 5]])])
    viewer.layers.selection.active = viewer.layers["edge"]
    assert widget.outline.layer not in widget.region_chooser.choices
    widget.region_chooser.value = region
    inspecting.settle()
    corner = inspecting.corner
    viewer.layers.remove(region)
    assert widget.region_chooser.value is None
    inspecting.settle()
    assert inspecting.corner == corner
