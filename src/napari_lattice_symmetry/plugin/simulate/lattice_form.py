"""The form of a lattice of choice."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QTabWidget, QWidget

from napari_lattice_symmetry.lattice.image import (
    FREE_PARAMETERS,
    OF_THE_ATOMS,
    LatticeImage,
    allows,
)
from napari_lattice_symmetry.lattice.plane_groups import family_of
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm


class LatticeForm(ModelForm[LatticeImage]):
    """One tab for each group of settings; those that mean nothing for the others are gray."""

    def __init__(self) -> None:
        self.tabs = QTabWidget()
        super().__init__(LatticeImage(), remembered_as="simulate")
        self.widen("lattice")  # "centered rectangular" needs it; the tab is its title
        self._group = self["plane_group"].value
        self.changed.connect(self._agree)
        self.changed.connect(self._gray_out)
        self._gray_out()

    def place_page(self, heading: str, page: QWidget) -> None:
        """Make a tab of a page."""
        self.native.layout().addWidget(self.tabs)
        self.tabs.addTab(page, heading)
        self.pages[heading].setContentsMargins(4, 4, 4, 4)

    def _agree(self, _event: Any = None) -> None:
        """Let the lattice follow a group that it does not have, and the group another lattice."""
        lattice, group = self["lattice"], self["plane_group"]
        is_new, self._group = group.value != self._group, group.value
        if allows(lattice.value, group.value):
            return
        if is_new:
            lattice.value = family_of(group.value)
        else:
            group.value = OF_THE_ATOMS

    def _gray_out(self, _event: Any = None) -> None:
        free = FREE_PARAMETERS[self["lattice"].value]
        for name in ("a", "b", "gamma"):
            self[name].enabled = name in free
        for atom in (2, 3):
            for name in ("x", "y", "brightness"):
                self[f"{name}{atom}"].enabled = (
                    atom <= self["atoms"].value and self["plane_group"].value == OF_THE_ATOMS
                )
        self["misorientation"].enabled = self["second_grain"].value > 0
