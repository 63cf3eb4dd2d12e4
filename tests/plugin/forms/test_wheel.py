"""The mouse wheel in the docks: it scrolls, and changes what has the focus alone."""

from __future__ import annotations

import pytest
from npe2 import PluginManifest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QScrollBar,
)
from superqt import QCollapsible

SETTINGS = (QAbstractSlider, QAbstractSpinBox, QComboBox)
PLUGIN = "napari-lattice-symmetry"
CONTRIBUTED = PluginManifest.from_distribution(PLUGIN).contributions.widgets
DOCKS = [widget.display_name for widget in CONTRIBUTED]


def turn(widget, steps=-1):
    """Turn the wheel over a widget; tell whether that took it."""
    middle = widget.rect().center()
    event = QWheelEvent(
        QPointF(middle),
        QPointF(widget.mapToGlobal(middle)),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def settings_in(widget):
    """Give what each setting is set to."""
    parts = [part for kind in SETTINGS for part in widget.findChildren(kind)]
    return {
        part: part.currentIndex() if isinstance(part, QComboBox) else part.value()
        for part in parts
        if not isinstance(part, QScrollBar)
    }


@pytest.fixture
def show(make_shown_viewer, network):
    def show_dock(title):
        viewer = make_shown_viewer()
        return viewer.window.add_plugin_dock_widget(PLUGIN, title)[1]

    return show_dock


@pytest.mark.parametrize("title", DOCKS)
def test_the_wheel_over_a_dock_changes_nothing(show, title):
    widget = show(title)
    for folded in widget.findChildren(QCollapsible):
        folded.expand(animate=False)
    QTest.qWait(50)
    before = settings_in(widget)
    assert before
    for part in before:
        part.clearFocus()
        turn(part)
        assert part.focusPolicy() == Qt.FocusPolicy.StrongFocus
    assert settings_in(widget) == before


def test_it_is_left_to_the_form_but_turns_what_has_the_focus(show, qtbot):
    """That the form then scrolls is seen with a real mouse, in ``tests/e2e``."""
    parameters = show("Lattice symmetry").parameters
    network, stride = parameters["network"], parameters["stride"]
    assert not turn(network.native)
    assert network.value == "compact"
    stride.native.window().activateWindow()
    stride.native.setFocus()
    qtbot.waitUntil(stride.native.hasFocus)
    assert turn(stride.native)
    assert stride.value == 15
