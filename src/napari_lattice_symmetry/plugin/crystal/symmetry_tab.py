"""The tab that shows the space group of a crystal over tolerances, and its cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari_lattice_symmetry.crystals import Crystal
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.crystal.crystal_tab import CrystalTab
from napari_lattice_symmetry.plugin.crystal.structures import Source, load_structure

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure


class SymmetryTab(CrystalTab):
    """Draws the space group of a crystal over tolerances."""

    hint = "Add a crystal: this shows its space group over the distances that count as none."
    found: Crystal | None

    def __init__(self, viewer: napari.viewer.Viewer, choose: Callable[[], Source | None]) -> None:
        super().__init__(viewer, choose)
        self.answer_by(_look, self._on_crystal)

    def draw(self, figure: Figure, found: Crystal) -> None:
        """Draw the curve."""
        from napari_lattice_symmetry.crystals.plots import draw_symmetry

        draw_symmetry(figure.subplots(), found)

    def _on_crystal(self, crystal: Crystal) -> None:
        self.show_found(crystal, _describe(crystal))


def _look(source: Source, _should_stop: Callable[[], bool]) -> Crystal:
    crystal = load_structure(source)
    if not crystal.has_cell:
        raise InputError(f"{crystal.name} is a cluster without a cell: it has no space group.")
    assert len(crystal.symmetry.number), "it is looked at here, off the GUI thread"
    return crystal


def _describe(crystal: Crystal) -> str:
    number, symbol = crystal.space_group
    remarks = " ".join(filter(None, ("", crystal.symmetry_remark, crystal.remark)))
    a, b, c, alpha, beta, gamma = crystal.conventional.atoms.cell.cellpar()
    return (
        f"{crystal.name}, {crystal.formula}: {f'{symbol} ({number})' if number else 'no group'}; "
        f"a, b, c = {a / 10:.4f}, {b / 10:.4f}, {c / 10:.4f} nm; "
        f"angles {alpha:.1f}, {beta:.1f}, {gamma:.1f}°.{remarks and f' {remarks}'}"
    )
