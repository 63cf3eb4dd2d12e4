"""Widgets that need not be as wide as the longest text in them."""

from __future__ import annotations

from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QTabWidget, QWidget

_NARROW = 90  # pixels: a number of five digits between two buttons


def keep_narrow(widget: QWidget, letters: int = 8) -> None:
    """Let names in a list, numbers in a box and titles of tabs have room in a narrow dock."""
    if isinstance(widget, QComboBox):
        policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        widget.setSizeAdjustPolicy(policy)
        widget.setMinimumContentsLength(letters)
    elif isinstance(widget, QAbstractSpinBox):
        widget.setMinimumWidth(_NARROW)
    elif isinstance(widget, QTabWidget):
        widget.setStyleSheet("QTabBar::tab { padding-left: 3px; padding-right: 3px; }")
