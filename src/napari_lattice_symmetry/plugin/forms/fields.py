"""Widgets of magicgui for one setting each; `make_field` chooses by what the setting says."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from magicgui.backends._qtpy.widgets import QBaseRangedWidget, QBaseValueWidget
from magicgui.widgets import CheckBox, SpinBox, create_widget
from magicgui.widgets.bases import RangedWidget, ValueWidget
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFileDialog, QLabel, QSpinBox, QWidget

from napari_lattice_symmetry.lattice import describe_stretch
from napari_lattice_symmetry.plugin.forms.number_slider import NumberSlider
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow

_INT32_MAX = 2**31 - 1
_UNLIMITED = 1e9
_ASK = "file…"


def make_field(name: str, schema: dict[str, Any], annotation: Any) -> ValueWidget:
    """Return the widget of one setting, which shows its default.

    Parameters
    ----------
    name : str
        Of the setting.
    schema : dict
        What the JSON schema of its model says of it.
    annotation : type
        Of its values.
    """
    kinds = {kind.get("type"): kind for kind in schema.get("anyOf", [schema])}
    common = {"name": name, "label": schema["title"], "tooltip": schema["description"]}
    if schema.get("slider"):
        widget: ValueWidget = NativeField(lambda: NumberSlider(schema), **common)
    elif "files" in schema:
        files = schema["choices"], schema["files"]
        widget = NativeField(lambda: ChoiceOrFile(*files), **common)
    elif "array" in kinds:
        widget = NativeField(DistortionLine, **common, nullable=True)
    elif "integer" in kinds:
        widget = _make_integer(schema, kinds["integer"], "null" in kinds, common)
    elif "number" in kinds:
        widget = NumberBox(schema, kinds["number"], **common)
    else:
        widget = _make_plain(schema, annotation, common)
    widget.value = schema["default"]
    keep_narrow(widget.native)
    return widget


def _make_integer(
    schema: dict[str, Any], limits: dict[str, Any], optional: bool, common: dict[str, Any]
) -> ValueWidget:
    low = limits.get("minimum", 0)
    high = limits.get("maximum", limits.get("exclusiveMaximum", _INT32_MAX + 1) - 1)
    given = {**common, "min": low, "max": high, "step": schema.get("step", 1)}
    if optional:
        return OptionalIntegerBox(schema["none"], **given)
    if high <= _INT32_MAX:
        return IntegerBox(**given)
    box = SpinBox(**given)
    box.native.setKeyboardTracking(False)  # else it takes the focus when it is filled
    return box


def _make_plain(schema: dict[str, Any], annotation: Any, common: dict[str, Any]) -> ValueWidget:
    """Let magicgui choose the widget of a text, a choice or a yes and no."""
    options: dict[str, Any] = {"tooltip": common["tooltip"]}
    if "choices" in schema:
        options["choices"] = schema["choices"]
    widget: Any = create_widget(
        annotation=annotation, name=common["name"], label=common["label"], options=options
    )
    if isinstance(widget, CheckBox):
        widget.native.setText("")  # the label says it, as in every row
    return widget


class NativeField(ValueWidget):
    """A widget of magicgui around one of Qt that has ``value``, ``setValue`` and ``changed``.

    Parameters
    ----------
    make : callable
        Makes the Qt widget.
    **keywords
        As any widget of magicgui has them.
    """

    def __init__(self, make: Callable[[], QWidget], **keywords: Any) -> None:
        def make_native(parent: QWidget | None = None) -> QWidget:
            return make()

        backend = {"getter": "value", "setter": "setValue", "onchange": "changed"}
        super().__init__(
            widget_type=QBaseValueWidget,
            backend_kwargs={"qwidg": make_native, **backend},
            **keywords,
        )

    def _on_value_change(self, value: Any = None) -> None:
        self.changed.emit(self.value)


class _QtSpinBox(QBaseRangedWidget):
    def __init__(self, **keywords: Any) -> None:
        super().__init__(QSpinBox, **keywords)


class IntegerBox(RangedWidget):
    """A spin box of Qt's own; that of magicgui is for numbers beyond 32 bits.

    The latter raises what is typed to the minimum at every digit: "64" becomes 324 where 32 is
    the least.
    """

    def __init__(self, **keywords: Any) -> None:
        super().__init__(widget_type=_QtSpinBox, **keywords)


class OptionalIntegerBox(IntegerBox):
    """A spin box in which one step below the minimum means None.

    Parameters
    ----------
    none : str
        What it shows then.
    min : int
        The least number.
    **keywords
        As in `IntegerBox`.
    """

    def __init__(self, none: str, *, min: int, **keywords: Any) -> None:  # noqa: A002
        super().__init__(min=min - 1, nullable=True, **keywords)
        self.native.setSpecialValueText(none)
        self.value = None

    def get_value(self) -> Any:
        """Return the number, or None."""
        value = super().get_value()
        return None if value == self.min else value

    def set_value(self, value: Any) -> None:
        """Take a number, or None."""
        super().set_value(self.min if value is None else value)

    def _on_value_change(self, value: Any = None) -> None:
        self.changed.emit(self.value)


class _QtNumberBox(QBaseRangedWidget):
    def __init__(self, **keywords: Any) -> None:
        super().__init__(PlainNumberBox, **keywords)


class PlainNumberBox(QDoubleSpinBox):
    """A box that leaves out zeros which say nothing, and takes a number once it is typed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setKeyboardTracking(False)

    def textFromValue(self, value: float) -> str:  # noqa: N802
        """Write 0.25 rather than 0.2500."""
        text = super().textFromValue(value)
        return text.rstrip("0").rstrip(".,") if self.decimals() else text


class NumberBox(RangedWidget):
    """A box for a number with its unit; one step below the minimum means None, if that may be.

    Parameters
    ----------
    schema : dict
        Of the setting: ``step``, ``decimals``, ``unit``, ``none``.
    limits : dict
        The range, as JSON schemas have it.
    **keywords
        As any widget of magicgui has them.
    """

    def __init__(self, schema: dict[str, Any], limits: dict[str, Any], **keywords: Any) -> None:
        super().__init__(widget_type=_QtNumberBox, nullable="none" in schema, **keywords)
        self.native.setSuffix(schema.get("unit", ""))
        if "none" in schema:
            self.native.setSpecialValueText(schema["none"])
        low = limits.get("minimum", limits.get("exclusiveMinimum", -_UNLIMITED))
        high = limits.get("maximum", limits.get("exclusiveMaximum", _UNLIMITED))
        self.set_range(low, high, schema["step"], schema.get("decimals"))

    def set_range(self, low: float, high: float, step: float, decimals: int | None = None) -> None:
        """Let the number be from `low` to `high`; what it is stays, or comes as near as can be."""
        is_none, box = self.value is None, self.native
        box.setDecimals(max(0, -math.floor(math.log10(step))) if decimals is None else decimals)
        box.setSingleStep(step)
        box.setRange(low - step if self._nullable else low, high)
        if is_none:
            self.value = None

    def get_value(self) -> Any:
        """Return the number, or None."""
        value = super().get_value()
        return None if self._nullable and value == self.native.minimum() else value

    def set_value(self, value: Any) -> None:
        """Take a number, or the nearest that may be, or None."""
        self.native.setValue(self.native.minimum() if value is None else value)

    def _on_value_change(self, value: Any = None) -> None:
        self.changed.emit(self.value)


class ChoiceOrFile(QComboBox):
    """A list of names, with a last entry that asks for a file.

    Parameters
    ----------
    choices : sequence of str
        The names.
    files : str
        Which files can be chosen, as file dialogs of Qt have it.

    Signals
    -------
    changed
        Whenever another one is chosen.
    """

    changed = Signal()

    def __init__(self, choices: list[str], files: str) -> None:
        super().__init__()
        for name in (*choices, _ASK):
            self.addItem(name, name)
        self._files, self._current = files, choices[0]
        self.activated.connect(self._on_activated)

    def value(self) -> str:
        """Return the name, or the path of the file."""
        return self._current

    def setValue(self, value: str) -> None:  # noqa: N802
        """Choose a name, or the path of a file, which is listed from then on."""
        if self.findData(value) < 0:
            self.insertItem(self.count() - 1, Path(value).name, value)
            self.setItemData(self.findData(value), value, Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(self.findData(value))
        if value != self._current:
            self._current = value
            self.changed.emit()

    def _on_activated(self, _index: int) -> None:
        chosen = self.currentData()
        if chosen == _ASK:
            chosen, _ = QFileDialog.getOpenFileName(self, "Open", "", self._files)
        self.setValue(chosen or self._current)


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
        """Return the rows of the matrix, or None."""
        return self._value

    def setValue(self, value: Any) -> None:  # noqa: N802
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
