"""Docks on a small screen: the image keeps more than half of it, and no text is cut off."""

import pytest
from npe2 import PluginManifest
from qtpy.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLabel,
    QLineEdit,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QTabWidget,
    QToolButton,
    QWidget,
)

PLUGIN = "napari-lattice-symmetry"
WIDTH, HEIGHT = 1280, 800
CONTRIBUTED = PluginManifest.from_distribution(PLUGIN).contributions.widgets
TITLES = [widget.display_name for widget in CONTRIBUTED]


def is_cut_off(widget):
    """Tell whether a widget has less room than its text needs."""
    if isinstance(widget, QLabel):
        wrapped = widget.wordWrap()
        needed = widget.heightForWidth(widget.width()) if wrapped else widget.sizeHint().height()
        return widget.height() < needed or (
            not wrapped and widget.width() < widget.minimumSizeHint().width()
        )
    if isinstance(widget, QComboBox):
        option = QStyleOptionComboBox()
        widget.initStyleOption(option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        room = widget.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, part, widget
        )
        return widget.fontMetrics().horizontalAdvance(widget.currentText()) > room.width()
    if isinstance(widget, QLineEdit):
        text = widget.text() or widget.placeholderText()
        return widget.fontMetrics().horizontalAdvance(text) > widget.contentsRect().width()
    hint = widget.sizeHint() if isinstance(widget, QTabBar) else widget.minimumSizeHint()
    return widget.width() < hint.width()


def texts_cut_off(dock):
    kinds = (QLabel, QComboBox, QLineEdit, QAbstractButton, QTabBar)
    return [
        (type(widget).__name__, widget.objectName(), getattr(widget, "text", str)())
        for widget in dock.findChildren(QWidget)
        if isinstance(widget, kinds) and not isinstance(widget, QToolButton)
        if widget.isVisible() and is_cut_off(widget)
    ]


@pytest.mark.parametrize("title", TITLES)
def test_a_dock_leaves_the_image_its_room_and_its_texts_theirs(title, make_shown_viewer, qtbot):
    viewer = make_shown_viewer()
    window = viewer.window._qt_window
    window.resize(WIDTH, HEIGHT)
    viewer.open_sample(PLUGIN, "two-grains")
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, title)
    canvas = viewer.window._qt_viewer.canvas.native
    fits = lambda: dock.width() <= 275 and canvas.width() > WIDTH / 2  # noqa: E731
    qtbot.waitUntil(fits, timeout=60_000)
    assert window.width() == WIDTH
    tabs = widget.findChildren(QTabWidget)
    pages = [(tab, i) for tab in tabs for i in range(tab.count())] or [(None, 0)]
    for tab, page in pages:
        if tab is not None:
            tab.setCurrentIndex(page)
        qtbot.wait(50)  # until it is laid out
        assert fits()
        assert texts_cut_off(widget) == []
