"""A form that asks for a lattice which is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from napari_lattice_symmetry.cells import KNOWN_CELLS
from napari_lattice_symmetry.cells.parameters import TYPED, KnownLattice
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm

_SIDES = ("a", "b", "gamma")

Known = TypeVar("Known", bound=KnownLattice)


class KnownLatticeForm(ModelForm[Known]):
    """Lattices by name, and the cell of the one that is chosen, which can be typed.

    Parameters
    ----------
    defaults : KnownLattice
        What it begins with, of this class or one made from it.
    names : sequence of str, optional
        The order of the rows.
    lattices : sequence of str, optional
        Which names it offers; the materials that are listed, if not given.
    """

    def __init__(
        self, defaults: Known, names: Sequence[str] | None = None, lattices: Sequence[str] = ()
    ) -> None:
        super().__init__(defaults, names)
        self.reset_button.hide()  # few rows are soon set back
        self._is_asked = True
        if lattices:
            self.offer("lattice", (*lattices, TYPED))
        self["lattice"].changed.connect(self._show_cell)
        self._show_cell()

    def ask(self, asked: bool) -> None:
        """Show the rows of the lattice, or hide them."""
        self._is_asked = asked
        self._show_cell()

    def _show_cell(self) -> None:
        """Show the cell of a material; what is typed begins with it."""
        name = self["lattice"].value
        cell = KNOWN_CELLS.get(name)
        if cell is not None:
            with self.changed.blocked():
                self.update(dict(zip(_SIDES, cell, strict=True)))
        for side in _SIDES:
            self[side].enabled = cell is None
        self.show_rows(["lattice"], self._is_asked)
        self.show_rows(_SIDES, self._is_asked and (cell is not None or name == TYPED))
