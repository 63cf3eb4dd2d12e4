"""The main job as a user does it: a real window, a real network, a click on Run."""

import shutil
import subprocess

import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QScrollArea
from superqt import QCollapsible
from waiting import PATIENCE

from napari_lattice_symmetry.lattice import LABELS

PLUGIN = "napari-lattice-symmetry"


@pytest.fixture
def docked(make_shown_viewer):
    """A shown napari, and the dock in it."""
    viewer = make_shown_viewer()
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")
    return viewer, widget


@pytest.fixture
def window(docked, qtbot):
    """The viewer, and a way to click Run and wait."""
    viewer, widget = docked

    def run(**parameters):
        for name, value in parameters.items():
            widget.parameters[name].value = value
        qtbot.mouseClick(widget.run_button, Qt.MouseButton.LeftButton)
        assert widget.run_button.text() == "Cancel"
        qtbot.waitUntil(lambda: widget.run.is_over)
        assert widget.run.error is None
        return next(layer for layer in widget.run.layers if layer.name.startswith("classes"))

    return viewer, run


def test_a_click_maps_the_grains_of_the_sample(window):
    viewer, run = window
    _image, truth = viewer.open_sample(PLUGIN, "two-grains")
    classes = run(window=128, stride=32, samples=20)

    found, true = [], []
    for index in np.ndindex(classes.data.shape):
        center = classes.data_to_world(index)
        found.append(classes.data[index])
        true.append(truth.data[tuple(np.round(truth.world_to_data(center)).astype(int))])
    found, true = np.array(found), np.array(true)
    for name in ("square", "hexagonal"):
        assert (found[true == LABELS[name]] == LABELS[name]).mean() > 0.85
    # Where a window says a lattice far from the strip, it is the right one.
    assert not np.any((found == LABELS["square"]) & (true == LABELS["hexagonal"]))


def test_a_click_maps_a_real_movie(window, shared_data):
    viewer, run = window
    (image,) = viewer.open(
        str(shared_data / "movies" / "graphene_hrtem_Dyna1_all.tif"), plugin=PLUGIN
    )
    classes = run(window=96, stride=32, samples=20)
    assert image.data.shape == (5, 256, 256)
    assert classes.data.shape == (5, 6, 6)
    assert (classes.data > 0).all()
    # The crystal shows through the contamination that the network alone takes for noise.
    assert (classes.data == LABELS["hexagonal"]).mean() > 0.9
    np.testing.assert_allclose(classes.scale[1:], 32 * np.asarray(image.scale[1:]))
    np.testing.assert_allclose(classes.translate[1:], 47.5 * np.asarray(image.scale[1:]))


@pytest.fixture
def xdotool(docked):
    """Use the mouse and the keys of the screen, at the middle of a widget."""
    if shutil.which("xdotool") is None:
        pytest.skip("xdotool is not installed")
    viewer, _ = docked
    main = viewer.window._qt_window
    main.move(0, 0)
    main.activateWindow()
    QTest.qWait(300)

    def use(widget, *words):
        place = widget.mapToGlobal(widget.rect().center())
        command = ["xdotool", "mousemove", place.x(), place.y(), *words]
        subprocess.run([str(word) for word in command], check=True, timeout=PATIENCE)
        QTest.qWait(300)

    return use


def test_a_person_at_the_screen_sets_a_window_runs_and_sees_the_map(docked, xdotool, qtbot):
    viewer, widget = docked
    viewer.open_sample(PLUGIN, "two-grains")
    qtbot.waitUntil(lambda: widget.summary.period is not None)
    QTest.qWait(500)  # the dock is laid out anew
    stride, samples = (widget.parameters[name].native for name in ("stride", "samples"))
    xdotool(stride, "click", "--repeat", 2, 1, "key", "ctrl+a", "type", "64")
    xdotool(samples, "click", "--repeat", 2, 1, "key", "ctrl+a", "type", "5")
    assert widget.parameters.values().stride == 64
    xdotool(widget.run_button, "click", 1)
    assert widget.run_button.text() == "Cancel"
    qtbot.waitUntil(lambda: widget.run.is_over)

    assert widget.selection.result.parameters.stride == 64
    assert widget.selection.result.parameters.samples == 5
    (classes,) = (layer for layer in viewer.layers if layer.name.startswith("classes"))
    assert isinstance(classes, Labels)
    assert classes.visible
    for name in ("square", "hexagonal"):
        assert (classes.data == LABELS[name]).sum() > 3


def test_the_wheel_over_the_form_scrolls_it_and_changes_nothing(docked, xdotool, qtbot):
    viewer, widget = docked
    widget.findChild(QCollapsible).expand(animate=False)
    viewer.window.resize(1100, 700)
    area = widget.findChild(QScrollArea)
    bar = area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    QTest.qWait(300)
    before = widget.parameters.values()
    for field in widget.parameters:
        area.ensureWidgetVisible(field.native)
        xdotool(field.native, "click", 5)
    assert widget.parameters.values() == before
    bar.setValue(0)
    network = widget.parameters["network"].native
    xdotool(network, "click", 5)
    assert bar.value() > 0
    assert not network.hasFocus()
