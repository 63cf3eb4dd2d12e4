"""What the beam can do to the atoms."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.evolution.beam import maximum_energy_transfer
from napari_lattice_symmetry.evolution.parameters import BeamParameters
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm


class BeamRow(QWidget):
    """Asks for a formula and a voltage, and tells the greatest energy that each element takes."""

    def __init__(self) -> None:
        super().__init__()
        self.form = ModelForm(BeamParameters(), remembered_as="beam")
        self.form.join("formula", "voltage")
        self.form["formula"].native.setMinimumWidth(48)
        self.form["voltage"].native.setMaximumWidth(122)
        self.energies = QLabel()
        self.energies.setWordWrap(True)
        self.energies.setToolTip(
            "Maximum energy transfer 2 (E + 2 E0) E / (M c²) of an electron to each nucleus."
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.form.native)
        line = QHBoxLayout()
        line.addWidget(self.energies, stretch=1)
        line.addWidget(self.form.shorten_reset())
        layout.addLayout(line)
        self.form.changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        try:
            asked = self.form.values()
            energies = maximum_energy_transfer(asked.formula, asked.voltage)
        except InputError as error:
            self.energies.setText(str(error))
        else:
            parts = (f"{name} {energy:.1f} eV" for name, energy in energies.items())
            self.energies.setText(", ".join(parts))
