"""Docks on a small screen: the image keeps more than half of it, and no text is cut off."""

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


def test_docks_leave_the_image_its_room_and_texts_theirs(make_shown_viewer, qtbot):
    viewer = make_shown_viewer()
    viewer.window.resize(WIDTH, HEIGHT)
    viewer.open_sample(PLUGIN, "two-grains")
    canvas = viewer.window._qt_viewer.canvas.native
    for title in TITLES:
        dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, title)
        qtbot.waitUntil(lambda dock=dock: has_room(dock, canvas), timeout=60_000)
        pages = [(tab, i) for tab in widget.findChildren(QTabWidget) for i in range(tab.count())]
        for tab, page in pages or [(None, 0)]:
            if tab is not None:
                tab.setCurrentIndex(page)
            qtbot.wait(50)  # until it is laid out
            assert has_room(dock, canvas), title
            assert texts_cut_off(widget) == [], title
        viewer.window.remove_dock_widget(dock)


def has_room(dock, canvas):
    """Tell whether a dock is narrow, and the image wider than half of the window."""
    return dock.window().width() == WIDTH and dock.width() <= 275 and canvas.width() > WIDTH / 2
