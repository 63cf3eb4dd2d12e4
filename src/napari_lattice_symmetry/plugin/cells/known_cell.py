"""A lattice that is known: a material, or a cell that is typed."""

from __future__ import annotations

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QWidget

from napari_lattice_symmetry.cells import KNOWN_CELLS
from napari_lattice_symmetry.cells.strain import Cell
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow

_TYPED = "typed cell"


class KnownCell(QWidget):
    """Offers the materials that are listed, and boxes for a, b and gamma of any other.

    Signals
    -------
    changed()
        Another lattice is meant.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.material = QComboBox()
        self.material.addItems([*KNOWN_CELLS, _TYPED])
        self.material.setToolTip(
            "A material whose lattice is listed, or a cell that is typed below."
        )
        keep_narrow(self.material)
        self.a, self.b = _box(" nm", 1e-3, 1e3, 4), _box(" nm", 1e-3, 1e3, 4)
        self.gamma = _box("°", 1, 179, 2)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(3)
        for title, widget in (
            ("Lattice", self.material),
            ("a", self.a),
            ("b", self.b),
            ("gamma", self.gamma),
        ):
            form.addRow(title, widget)
        self.material.currentTextChanged.connect(self._on_material)
        for box in (self.a, self.b, self.gamma):
            box.valueChanged.connect(lambda _value: self.changed.emit())
        self._on_material()

    def value(self) -> str | Cell:
        """Give the name of a material, or a, b and gamma."""
        name = self.material.currentText()
        return name if name != _TYPED else self._typed()

    def _typed(self) -> Cell:
        return self.a.value(), self.b.value(), self.gamma.value()

    def _on_material(self) -> None:
        """Show the cell of a material; what is typed begins with it."""
        cell = KNOWN_CELLS.get(self.material.currentText())
        for box, value in zip((self.a, self.b, self.gamma), cell or self._typed(), strict=True):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
            box.setEnabled(cell is None)
        self.changed.emit()


def _box(suffix: str, low: float, high: float, decimals: int) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(decimals)
    box.setRange(low, high)
    box.setSuffix(suffix)
    box.setSingleStep(10.0**-decimals)
    box.setKeyboardTracking(False)
    keep_narrow(box)
    return box
