"""The dock that simulates, driven with mouse and keys in a real window."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cut_off import texts_cut_off
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QSlider, QWidget

from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.lattice.image import OF_THE_ATOMS, LatticeImage
from napari_lattice_symmetry.plugin.forms.number_slider import NumberSlider
from napari_lattice_symmetry.plugin.simulate.widget import SIMULATION_KEY

LEFT = Qt.MouseButton.LeftButton


class Bench:
    def __init__(self, viewer, qtbot):
        self.viewer, self.qtbot = viewer, qtbot
        _, self.widget = viewer.window.add_plugin_dock_widget(
            "napari-lattice-symmetry", "Simulate a lattice"
        )
        self.parameters, self.sweep = self.widget.parameters, self.widget.sweep

    def wait(self, condition):
        self.qtbot.waitUntil(condition)

    def settle(self):
        """Wait until the verdict is of what is set."""
        image = self.parameters.values().draw()

        def is_shown():
            verdict = self.widget.verdict
            return verdict is not None and np.array_equal(verdict.pixels, image)

        self.wait(is_shown)


@pytest.fixture
def bench(viewer, network, qtbot):
    return Bench(viewer, qtbot)


@pytest.fixture
def shown(make_shown_viewer, network, qtbot):
    return Bench(make_shown_viewer(), qtbot)


def test_image_spectrum_and_verdict_follow_mouse_and_keys(shown):
    shown.settle()
    first = shown.widget.verdict
    slider = shown.parameters["a"].native.slider
    grip = QPoint(round(slider.width() * (12 - 3) / 57), slider.height() // 2)
    shown.qtbot.mousePress(slider, LEFT, pos=grip)
    for x in range(4):
        shown.qtbot.mouseMove(slider, grip + QPoint(x, 0))
    shown.qtbot.mouseRelease(slider, LEFT, pos=grip + QPoint(3, 0))
    assert 13 < shown.parameters.values().a < 22
    shown.settle()
    assert shown.widget.verdict.fit.a == pytest.approx(shown.parameters.values().a, rel=0.02)
    assert not np.array_equal(shown.widget.verdict.spectrum, first.spectrum)

    shown.parameters["lattice"].native.setFocus()
    shown.qtbot.keyClick(shown.parameters["lattice"].native, "s")  # square
    assert shown.parameters.values().lattice == "square"
    box = shown.parameters["a"].native.box
    box.setFocus()
    box.selectAll()
    shown.qtbot.keyClicks(box, "9.5")
    shown.qtbot.keyClick(box, Qt.Key.Key_Return)
    assert shown.parameters.values().a == 9.5
    shown.settle()
    text = shown.widget.verdict_text.text()
    assert "Fit: " in text
    assert "square" in text
    assert "13.5 periods" in shown.widget.truth_text.text()


def test_lattice_and_plane_group_agree_whichever_is_chosen(bench):
    form = bench.parameters
    form["plane_group"].value = "p4g"
    assert form.values().lattice == "square"
    assert not form["x2"].enabled
    form.set_values(form.values().model_copy(update={"a": 20.0, "size": 200, "width": 0.08}))
    bench.settle()
    assert "p4g, a = 20.00 px" in bench.widget.truth_text.text()
    assert "Plane group: p4g" in bench.widget.verdict_text.text()
    form["lattice"].value = "hexagonal"
    assert form.values().plane_group == OF_THE_ATOMS
    form["plane_group"].value = "cm"  # which a hexagonal lattice has, too
    assert form.values().lattice == "hexagonal"
    form["lattice"].value = "noise"
    assert form.values().plane_group == OF_THE_ATOMS


def test_only_what_the_newest_request_asks_for_is_drawn_in_the_end(bench, gate):
    """Many changes while the network is at work make one more image, that of the last."""
    judged = []
    bench.widget._requests.done.connect(lambda verdict: judged.append(len(verdict.pixels)))
    bench.wait(lambda: bench.widget._requests._worker is not None)
    for size in (64, 96, 160, 200):
        bench.parameters["size"].value = size
    gate.release(100)
    bench.settle()
    bench.wait(lambda: not bench.widget.is_busy)
    assert judged == [128, 200]


def test_numbers_that_mean_nothing_cannot_be_set(bench):
    def enabled():
        return {field.name for field in bench.parameters if field.enabled}

    assert not {"b", "gamma", "x2", "misorientation"} & enabled()
    bench.parameters["lattice"].value = "oblique"
    bench.parameters["atoms"].value = 2
    bench.parameters["second_grain"].value = 0.2
    assert {"b", "gamma", "x2", "y2", "brightness2", "misorientation"} <= enabled()
    assert "x3" not in enabled()


def test_controls_come_from_the_fields_and_can_be_reached_by_keys(bench):
    fields = LatticeImage.model_json_schema()["properties"]
    assert [field.name for field in bench.parameters] == list(fields)
    for name in (each for each in fields if "minimum" in fields[each]):
        number = bench.parameters[name].native
        assert number.box.toolTip() == fields[name]["description"]
        assert (number.box.minimum(), number.box.maximum()) == (
            fields[name]["minimum"],
            fields[name]["maximum"],
        )
    others = bench.widget.send_button, bench.sweep.form["steps"].native
    for widget in bench.widget.findChildren(QWidget):
        if isinstance(widget, QSlider) or widget in others:
            assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    bench.parameters["a"].value = 20
    bench.qtbot.mouseClick(bench.parameters.reset_button, LEFT)
    assert bench.parameters.values() == LatticeImage()


def test_a_slider_may_go_by_factors(qtbot):
    field = {"type": "number", "minimum": 0.01, "maximum": 10_000, "default": 10, "log": True}
    number = NumberSlider(field)
    qtbot.addWidget(number)
    assert number.slider.value() == 500
    number.slider.setValue(0)
    assert number.value() == 0.01
    number.slider.setValue(1000)
    assert number.value() == 10_000


def test_an_image_goes_to_the_viewer_with_the_truth(bench):
    bench.parameters["lattice"].value = "centered rectangular"
    bench.parameters["gamma"].value = 60
    bench.qtbot.mouseClick(bench.widget.send_button, LEFT)
    (layer,) = bench.viewer.layers
    about = layer.metadata[SIMULATION_KEY]
    assert json.loads(json.dumps(about)) == about
    assert about["truth"]["class"] == "hexagonal"
    assert about["truth"]["a"] == pytest.approx(12)
    image = LatticeImage(**about["parameters"])
    np.testing.assert_array_equal(layer.data, image.draw())
    _, analysis = bench.viewer.window.add_plugin_dock_widget(
        "napari-lattice-symmetry", "Lattice symmetry"
    )
    assert [each.name for each in analysis.layer_chooser.choices] == [layer.name]


def test_layers_may_come_and_go(bench, messages):
    bench.widget.send()
    bench.viewer.layers[0].name = "renamed"
    bench.viewer.layers[0].data = np.zeros((3, 3))
    bench.viewer.layers.clear()
    bench.parameters["a"].value = 14
    bench.settle()
    assert messages() == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_fits_a_small_screen_in_both_themes(shown, theme):
    shown.viewer.window.resize(1280, 780)
    shown.viewer.theme = theme
    shown.settle()
    assert shown.viewer.window._qt_window.height() <= 780
    colors = shown.widget.canvas.grab().toImage()
    background = colors.pixelColor(2, colors.height() - 3).lightness()
    assert background < 80 if theme == "dark" else background > 180
    for page in range(shown.parameters.tabs.count()):
        shown.parameters.tabs.setCurrentIndex(page)
        for number in shown.parameters.tabs.currentWidget().findChildren(NumberSlider):
            bottom = number.mapTo(shown.widget, QPoint(0, number.height())).y()
            assert bottom <= shown.widget.height()


def test_a_failing_network_is_one_sentence(bench, network, monkeypatch, messages):
    bench.settle()

    def failing(*_, **__):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(network, "classify_blocks", failing, raising=False)
        bench.parameters["a"].value = 14
        bench.wait(lambda: len(messages()) == 1)
    assert "out of memory" in messages()[0]
    bench.parameters["a"].value = 15
    bench.settle()


def sweep(bench, *, first=0.0, last=0.2, steps=3, images=2):
    bench.widget.tabs.setCurrentWidget(bench.sweep)
    bench.sweep.form.update(parameter="disorder")
    bench.sweep.form.update(first=first, last=last, steps=steps, images=images)
    bench.qtbot.mouseClick(bench.sweep.run_button, LEFT)


def test_a_sweep_is_plotted_with_progress(shown):
    sweep(shown)
    assert shown.sweep.run_button.text() == "Cancel"
    shown.wait(lambda: not shown.sweep.is_running)
    assert [point.value for point in shown.sweep.points] == pytest.approx([0, 0.1, 0.2])
    assert shown.sweep.status.text() == "Finished: 3 values."
    assert shown.sweep.progress.value() == 3
    top, bottom = shown.sweep.canvas.figure.axes
    assert [line.get_label() for line in top.lines] == list(CLASSES)
    assert bottom.get_xlabel() == "Disorder"


def test_a_sweep_can_be_cancelled_and_begun_again(bench, gate):
    gate.release()  # for the verdict
    bench.settle()
    sweep(bench, steps=10)
    gate.release()
    bench.wait(lambda: len(bench.sweep.points) == 1)
    bench.qtbot.mouseClick(bench.sweep.run_button, LEFT)
    assert bench.sweep.run_button.text() == "Cancelling…"
    gate.release()
    bench.wait(lambda: not bench.sweep.is_running)
    assert bench.sweep.status.text().startswith("Stopped: ")
    gate.release(100)
    sweep(bench, steps=2)
    bench.wait(lambda: bench.sweep.status.text() == "Finished: 2 values.")


def test_a_sweep_of_nothing_is_one_sentence(bench, messages):
    sweep(bench, first=0.1, last=0.1)
    assert len(messages()) == 1
    assert "there is nothing to vary" in messages()[0]
    assert not bench.sweep.is_running


def test_what_can_be_swept_follows_the_class(bench):
    form = bench.sweep.form
    assert "gamma" not in form["parameter"].choices
    assert form["parameter"].value == "disorder"
    bench.parameters["lattice"].value = "centered rectangular"
    form["parameter"].value = "gamma"
    assert (form["first"].value, form["last"].value) == (30, 120)
    bench.parameters["lattice"].value = "square"
    assert form["parameter"].value == "disorder"
    assert (form["first"].value, form["last"].value) == (0, 0.5)


def test_a_closed_dock_stops(bench, gate):
    sweep(bench, steps=10)
    bench.viewer.window.remove_dock_widget(bench.widget)
    gate.release(1000)
    bench.wait(lambda: not bench.sweep.is_running)
    bench.qtbot.wait(50)
    bench.viewer.theme = "light"


def test_the_longest_class_is_not_cut_off(shown):
    shown.viewer.window.resize(1280, 800)
    shown.parameters["lattice"].value = "centered rectangular"
    shown.settle()
    shown.wait(lambda: shown.widget.width() <= 275 and texts_cut_off(shown.widget) == [])
