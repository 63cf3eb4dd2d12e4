"""A slider with a box beside it, for one number."""

from __future__ import annotations

import math
from typing import Any

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QWidget

_STEPS = 1000
_BOX = 72  # pixels: the slider has what is left


class NumberSlider(QWidget):
    """Sets a number by slider or by box, as its field in a JSON schema describes it.

    Parameters
    ----------
    field : dict
        ``type``, ``minimum``, ``maximum``, ``default``; and ``log`` if equal ways of the slider
        are to be equal factors.

    Signals
    -------
    changed
        Whenever the number changes.
    """

    changed = Signal()

    def __init__(self, field: dict[str, Any]) -> None:
        super().__init__()
        self._low, self._high = field["minimum"], field["maximum"]
        self._log, self._whole = field.get("log", False), field["type"] == "integer"
        few = self._whole and self._high - self._low <= 10
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, self._high - self._low if few else _STEPS)
        self.slider.setSingleStep(1 if few else _STEPS // 100)
        self.box = QDoubleSpinBox()
        self.box.setRange(self._low, self._high)
        self.box.setMaximumWidth(_BOX)
        self.box.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)  # the slider steps
        self.box.setDecimals(0 if self._whole else 2 if self._high - self._low > 1 else 3)
        self.box.setSingleStep(1 if self._whole else (self._high - self._low) / 100)
        if self._log:
            self.box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.box.setKeyboardTracking(False)  # half a number is none
        self.setFocusProxy(self.box)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider, stretch=1)
        layout.addWidget(self.box)
        self.slider.valueChanged.connect(self._on_slider)
        self.box.valueChanged.connect(self._on_box)
        self.setValue(field["default"])

    def value(self) -> float | int:
        """Return the number."""
        return int(self.box.value()) if self._whole else self.box.value()

    def setValue(self, value: float) -> None:  # noqa: N802
        """Set the number; one out of range becomes the nearest in range."""
        self.box.setValue(value)

    def _on_slider(self, position: int) -> None:
        share = position / self.slider.maximum()
        if self._log:
            self.box.setValue(self._low * (self._high / self._low) ** share)
        else:
            self.box.setValue(self._low + share * (self._high - self._low))

    def _on_box(self, value: float) -> None:
        if self._log:
            share = math.log(value / self._low) / math.log(self._high / self._low)
        else:
            share = (value - self._low) / (self._high - self._low)
        self.slider.blockSignals(True)
        self.slider.setValue(round(share * self.slider.maximum()))
        self.slider.blockSignals(False)
        self.changed.emit()
