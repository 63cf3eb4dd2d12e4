"""Widgets that need not be as wide as the longest text in them."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox


def keep_narrow(chooser: QComboBox, letters: int = 8) -> None:
    """Let the names in a chooser be as long as they are without a wide dock."""
    policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    chooser.setSizeAdjustPolicy(policy)
    chooser.setMinimumContentsLength(letters)
