"""A control for every field of `AnalysisParameters`, made from what the field says of itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QSpinBox,
    QWidget,
)
from superqt import QLargeIntSpinBox

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters, parse_parameters
from napari_lattice_symmetry.bravais.registry import REGISTRY
from napari_lattice_symmetry.lattice import describe_stretch

_INT32_MAX = 2**31 - 1


@dataclass(frozen=True)
class Control:
    """A widget, and how to ask and tell it a value."""

    widget: QWidget
    get: Callable[[], Any]
    set: Callable[[Any], object]
    changed: Any  # a Qt signal


class DistortionLine(QLabel):
    """Tells which distortion is undone.

    Signals
    -------
    changed
        Whenever it is another one.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._value: Any = None
        self._tell()

    def value(self) -> Any:
        """Give the rows of the matrix, or None."""
        return self._value

    def set_value(self, value: Any) -> None:
        """Take the rows of a matrix, or None."""
        if value != self._value:
            self._value = value
            self._tell()
            self.changed.emit()

    def _tell(self) -> None:
        if self._value is None:
            self.setText("none")
            return
        stretch, direction = describe_stretch(np.array(self._value))
        self.setText(f"{stretch:.3f} : 1 along {direction:.0f}°")


class ParameterControls(QObject):
    """Rows of a form for `AnalysisParameters`.

    Parameters
    ----------
    form : QFormLayout
        Where the rows go.
    parent : QObject
        What this belongs to.
    names : sequence of str, optional
        Which fields; all if not given.

    Signals
    -------
    changed
        Whenever a value changes.
    """

    changed = Signal()

    def __init__(
        self,
        form: QFormLayout,
        parent: QObject | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(parent)
        fields = AnalysisParameters.model_json_schema()["properties"]
        self.controls = {name: _make_control(fields[name]) for name in names or fields}
        for name, control in self.controls.items():
            field = fields[name]
            control.widget.setObjectName(name)
            control.widget.setToolTip(field["description"])
            title = QLabel(field["title"])
            title.setToolTip(field["description"])
            title.setBuddy(control.widget)
            form.addRow(title, control.widget)
            control.changed.connect(self._on_change)

    def values(self) -> AnalysisParameters:
        """Read the controls.

        Raises
        ------
        InputError
            If a value is out of its range.
        """
        return parse_parameters(**{name: c.get() for name, c in self.controls.items()})

    def set_values(self, parameters: AnalysisParameters) -> None:
        """Fill the controls."""
        for name, control in self.controls.items():
            control.set(getattr(parameters, name))

    def set_enabled(self, enabled: bool) -> None:
        """Let the controls be used, or not."""
        for control in self.controls.values():
            control.widget.setEnabled(enabled)

    def _on_change(self, *_: Any) -> None:
        self.changed.emit()


def _make_control(field: dict[str, Any]) -> Control:
    """Choose a control for a field by its JSON schema."""
    kinds = {kind["type"]: kind for kind in field.get("anyOf", [field])}
    if "array" in kinds:
        return _make_distortion_control()
    if "boolean" in kinds:
        check_box = QCheckBox()
        check_box.setChecked(field["default"])
        return Control(check_box, check_box.isChecked, check_box.setChecked, check_box.toggled)
    if "number" in kinds:
        return _make_fraction_box(kinds["number"], field["default"])
    if "integer" not in kinds:
        return _make_network_chooser(field)
    limits = kinds["integer"]
    minimum = limits.get("minimum", 0)
    maximum = limits.get("maximum", limits.get("exclusiveMaximum", _INT32_MAX + 1) - 1)
    if "null" in kinds:
        return _make_optional_spin_box(minimum, maximum, field["default"])
    box = QLargeIntSpinBox() if maximum > _INT32_MAX else QSpinBox()
    box.setRange(minimum, maximum)
    box.setValue(field["default"])
    return Control(box, box.value, box.setValue, box.valueChanged)


def _make_optional_spin_box(minimum: int, maximum: int, default: int | None) -> Control:
    """Make a spin box in which one step below the minimum means None, shown as "end"."""
    box = QSpinBox()
    none = minimum - 1
    box.setRange(none, maximum)
    box.setSpecialValueText("end")

    def get() -> int | None:
        return None if box.value() == none else box.value()

    def set_value(value: int | None) -> None:
        box.setValue(none if value is None else value)

    set_value(default)
    return Control(box, get, set_value, box.valueChanged)


def _make_fraction_box(limits: dict[str, Any], default: float) -> Control:
    box = QDoubleSpinBox()
    box.setDecimals(3)
    box.setSingleStep(0.005)
    box.setRange(limits["exclusiveMinimum"] + 0.001, limits["maximum"])
    box.setValue(default)
    return Control(box, box.value, box.setValue, box.valueChanged)


def _make_distortion_control() -> Control:
    line = DistortionLine()
    return Control(line, line.value, line.set_value, line.changed)


def _make_network_chooser(field: dict[str, Any]) -> Control:
    """Make a list of the shipped networks, with a last entry that asks for a file."""
    box = QComboBox()
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    for name in REGISTRY.entries:
        box.addItem(name, name)
    ask = "file…"
    box.addItem(ask, ask)

    def set_value(value: str) -> None:
        if box.findData(value) < 0:
            box.insertItem(box.count() - 1, Path(value).name, value)
            box.setItemData(box.findData(value), value, Qt.ItemDataRole.ToolTipRole)
        box.setCurrentIndex(box.findData(value))

    current = field["default"]

    def on_activated(_index: int) -> None:
        nonlocal current
        if box.currentData() == ask:
            path, _ = QFileDialog.getOpenFileName(
                box, "Open a network", "", "Keras networks (*.keras)"
            )
            set_value(path or current)
        current = box.currentData()

    box.activated.connect(on_activated)
    set_value(field["default"])
    return Control(box, box.currentData, set_value, box.currentIndexChanged)
