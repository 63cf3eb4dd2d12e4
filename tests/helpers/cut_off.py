"""Which texts of a dock are cut off."""

from qtpy.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLabel,
    QLineEdit,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QToolButton,
    QWidget,
)


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
        (type(widget).__name__, getattr(widget, "currentText", getattr(widget, "text", str))())
        for widget in dock.findChildren(QWidget)
        if isinstance(widget, kinds) and not isinstance(widget, QToolButton)
        if widget.isVisible() and is_cut_off(widget)
    ]
