"""Controls for every field of `LatticeImage`, made from what the field says of itself."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QTabWidget, QWidget

from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.lattice.image import FREE_PARAMETERS, LatticeImage
from napari_lattice_symmetry.plugin.forms.number_slider import NumberSlider


class LatticeControls(QTabWidget):
    """One tab for each group of fields.

    Signals
    -------
    changed
        Whenever a value changes; once, if `set_values` changes several.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.lattice = QComboBox()
        self.lattice.addItems(CLASSES)
        self.numbers: dict[str, NumberSlider] = {}
        self._forms: dict[str, QFormLayout] = {}
        for name, field in LatticeImage.model_json_schema()["properties"].items():
            self._add(name, field)
        self.set_values(LatticeImage())
        self.lattice.currentTextChanged.connect(self._on_change)
        for number in self.numbers.values():
            number.changed.connect(self._on_change)

    def values(self) -> LatticeImage:
        """Read the controls."""
        numbers = {name: number.get() for name, number in self.numbers.items()}
        return LatticeImage.model_validate({"lattice": self.lattice.currentText(), **numbers})

    def set_values(self, image: LatticeImage) -> None:
        """Fill the controls."""
        self.blockSignals(True)
        self.lattice.setCurrentText(image.lattice)
        for name, number in self.numbers.items():
            number.set(getattr(image, name))
        self.blockSignals(False)
        self._on_change()

    def _add(self, name: str, field: dict[str, Any]) -> None:
        widget: QWidget = self.lattice
        if name != "lattice":
            widget = self.numbers[name] = NumberSlider(field)
        widget.setObjectName(name)
        for each in (widget, *widget.findChildren(QWidget)):
            each.setToolTip(field["description"])
            each.setAccessibleName(field["title"])
        title = QLabel(field["title"])
        title.setToolTip(field["description"])
        title.setBuddy(widget)
        self._form(field["group"]).addRow(title, widget)

    def _form(self, group: str) -> QFormLayout:
        if group not in self._forms:
            page = QWidget()
            form = self._forms[group] = QFormLayout(page)
            form.setVerticalSpacing(2)
            form.setContentsMargins(4, 4, 4, 4)
            self.addTab(page, group)
        return self._forms[group]

    def _on_change(self) -> None:
        """Let only those numbers be set that mean something for the others."""
        free = FREE_PARAMETERS[self.lattice.currentText()]
        for name in ("a", "b", "gamma"):
            self.numbers[name].setEnabled(name in free)
        atoms = self.numbers["atoms"].get()
        for atom in (2, 3):
            for name in ("x", "y", "brightness"):
                self.numbers[f"{name}{atom}"].setEnabled(atom <= atoms)
        self.numbers["misorientation"].setEnabled(self.numbers["second_grain"].get() > 0)
        self.changed.emit()
