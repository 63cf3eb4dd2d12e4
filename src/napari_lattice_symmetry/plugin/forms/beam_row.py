"""What the beam can do to the atoms."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.evolution.beam import maximum_energy_transfer


class BeamRow(QWidget):
    """Asks for a formula and a voltage, and tells the greatest energy that each element takes."""

    def __init__(self) -> None:
        super().__init__()
        self.formula = QLineEdit("WS2")
        self.formula.setMaximumWidth(64)
        self.formula.setToolTip("Chemical formula, such as WS2 or Mo0.1W0.9S2.")
        self.voltage = QDoubleSpinBox()
        self.voltage.setRange(1, 3000)
        self.voltage.setValue(100)
        self.voltage.setDecimals(0)
        self.voltage.setSuffix(" kV")
        self.voltage.setToolTip("Acceleration voltage of the microscope.")
        self.energies = QLabel()
        self.energies.setWordWrap(True)
        self.energies.setToolTip(
            "Maximum energy transfer 2 (E + 2 E0) E / (M c²) of an electron to each nucleus."
        )
        row = QHBoxLayout()
        row.addWidget(QLabel("Beam on"))
        row.addWidget(self.formula)
        row.addWidget(self.voltage)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addWidget(self.energies)
        self.formula.textChanged.connect(self._update)
        self.voltage.valueChanged.connect(self._update)
        self._update()

    def _update(self, _: Any = None) -> None:
        try:
            energies = maximum_energy_transfer(self.formula.text(), self.voltage.value())
        except InputError as error:
            self.energies.setText(str(error))
        else:
            parts = (f"{name} {energy:.1f} eV" for name, energy in energies.items())
            self.energies.setText(", ".join(parts))
