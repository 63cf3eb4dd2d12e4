"""The tab that shows the space group of a crystal over tolerances, and its cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_lattice_symmetry.crystals import Crystal
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.crystal.structures import Source, load_structure

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure

HINT = "Add a crystal: this shows its space group over the distances that count as none."


class SymmetryTab(QWidget):
    """Draws the space group of a crystal over tolerances.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme is followed.
    choose : callable
        Gives the source of the crystal that is meant; None where there is none.
    """

    def __init__(self, viewer: napari.viewer.Viewer, choose: Callable[[], Source | None]) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import FigureCanvas

        super().__init__()
        self._choose = choose
        self.crystal: Crystal | None = None
        self._request = LatestRequest(_look, self)
        self._request.done.connect(self._on_done)
        self._request.failed.connect(self._on_failure)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.canvas = FigureCanvas(viewer, self._plot)
        self.canvas.setMinimumHeight(150)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.text)
        layout.addWidget(self.canvas.pane, stretch=1)

    @property
    def is_busy(self) -> bool:
        """Whether symmetry is being looked for."""
        return self._request.is_busy

    def release(self) -> None:
        """Let go of the viewer."""
        self._request.drop()
        self.canvas.release()

    def ask(self) -> None:
        """Look at the crystal that is meant now."""
        source = self._choose()
        if source is None:
            self._request.drop()
            self._show(None, "")
        else:
            self._request.ask(source)

    def _on_done(self, crystal: Crystal) -> None:
        self._show(crystal, _describe(crystal))

    def _on_failure(self, error: Exception) -> None:
        self._show(None, str(error))

    def _show(self, crystal: Crystal | None, sentence: str) -> None:
        self.crystal = crystal
        self.text.setText(sentence)
        self.canvas.refresh()

    def _plot(self, figure: Figure) -> None:
        from napari_lattice_symmetry.crystals.plots import draw_symmetry
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import write_hint

        if self.crystal is None:
            write_hint(figure, HINT)
            return
        draw_symmetry(figure.subplots(), self.crystal)


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
