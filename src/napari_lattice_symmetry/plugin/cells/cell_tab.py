"""The tab that shows an averaged cell: picture, plane group, lattice, files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_lattice_symmetry.analysis.cell_windows import AveragedCell, average_windows
from napari_lattice_symmetry.analysis.steps import Progress, ShouldStop
from napari_lattice_symmetry.cells import CellMotif, PlaneGroup, UnitCell, plot_cell, write_cell
from napari_lattice_symmetry.cells.plots import PICTURES
from napari_lattice_symmetry.cells.writing import with_error
from napari_lattice_symmetry.plugin.background.task_bar import Task, TaskBar
from napari_lattice_symmetry.plugin.cells.layers import cell_layers
from napari_lattice_symmetry.plugin.cells.window_chooser import WindowChooser
from napari_lattice_symmetry.plugin.selection.selection import Selection
from napari_lattice_symmetry.plugin.widgets.export_dialog import export
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure
    from napari.layers import Image

_HINT = "Click on the image: the window around that place is averaged."
_BOTH = "mean beside symmetrized"
_MAX_ROWS = 4
_FILES = (
    "Image stack (*.tif);;Structure factors (*.csv);;Atoms (*.cif);;Table of atoms (*.atoms.csv)"
)


class CellTab(QWidget):
    """Averages the windows that are chosen, and shows the cell.

    Parameters
    ----------
    viewer : napari.Viewer
        Where layers go.
    selection : Selection
        Which image is meant.
    chooser : WindowChooser
        Which windows are meant.
    when_seen : callable
        Calls something once the dock is seen.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        selection: Selection,
        chooser: WindowChooser,
        when_seen: Callable[[Callable[[], object]], None],
    ) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import FigureCanvas

        super().__init__()
        self._viewer, self._selection, self._chooser = viewer, selection, chooser
        self._when_seen = when_seen
        self._looked_at: tuple[Any, int] | None = None
        self._image: Image | None = None  # of which it is
        self.averaged: AveragedCell | None = None
        self.bar = TaskBar(
            "&Average",
            "Average the unit cell over the windows that are chosen above.",
            self._prepare,
            notify=False,
        )
        self.picture = QComboBox()
        self.picture.addItems([*PICTURES, _BOTH])
        self.picture.setToolTip(
            "The mean cell, the same averaged over the operations of its plane group, or the "
            "standard error of each point; atoms and symmetry elements lie over it."
        )
        keep_narrow(self.picture)
        self.canvas = FigureCanvas(viewer, self._plot)
        self.canvas.setMinimumSize(200, 170)
        self.answer, self.details = _text(_HINT), _text("")
        self.layers_button = QPushButton("As layers")
        self.layers_button.setToolTip(
            "Add the mean cell, the symmetrized one, the standard error, and what the mean cell "
            "leaves of all windows as image layers, at their place in the image."
        )
        self.export_button = QPushButton("Export…")
        self.export_button.setToolTip(
            "Save the cell as TIFF, its structure factors as CSV, its atoms as CIF or as a table "
            "(a name that ends in atoms.csv), or the picture."
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(3)
        layout.addWidget(self.bar)
        layout.addWidget(self.answer)
        layout.addWidget(self.picture)
        layout.addWidget(self.canvas.pane, stretch=3)
        details = QScrollArea()
        details.setWidget(self.details)
        details.setWidgetResizable(True)
        details.setFrameShape(QScrollArea.Shape.NoFrame)
        details.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout.addWidget(details, stretch=2)
        buttons = QHBoxLayout()
        for button in (self.layers_button, self.export_button):
            button.setEnabled(False)
            buttons.addWidget(button)
        layout.addLayout(buttons)
        self.bar.done.connect(self._on_done)
        self.bar.refused.connect(self._on_refused)
        self.picture.currentTextChanged.connect(self.canvas.refresh)
        self.layers_button.clicked.connect(self._add_layers)
        self.export_button.clicked.connect(self._export)
        chooser.changed.connect(self._on_chosen)
        self._on_chosen()

    def release(self) -> None:
        """Stop, and let go of the viewer."""
        self.bar.release()
        self.canvas.release()

    def _on_chosen(self) -> None:
        """Average a frame at once; a whole movie when asked to."""
        if self._chooser.is_whole_movie:
            self.bar.cancel()
            self._show(None, "Press Average to read all frames.")
        else:
            self._when_seen(self.bar.start)

    def _prepare(self) -> Task:
        self._looked_at = None
        if self._selection.image != self._image:  # else the cell stays until there is another
            self._image = self._selection.image
            self._show(None, _HINT)
        request = self._chooser.request()

        def task(progress: Progress, should_stop: ShouldStop) -> AveragedCell:
            places, side = request.places()
            self._looked_at = places, side
            return average_windows(
                request.movie,
                places,
                side,
                request.parameters,
                progress=progress,
                should_stop=should_stop,
            )

        return task

    def _on_done(self, averaged: AveragedCell) -> None:
        answer, details = describe_cell(averaged)
        self._show(averaged, answer, details)

    def _on_refused(self, sentence: str) -> None:
        self._show(None, escape(sentence))
        self.bar.status.setText("")

    def _show(self, averaged: AveragedCell | None, answer: str, details: str = "") -> None:
        self.averaged = averaged
        self.answer.setText(answer)
        self.details.setText(details)
        self.canvas.refresh()
        for button in (self.layers_button, self.export_button):
            button.setEnabled(averaged is not None)
        if self._looked_at is None:
            self._chooser.outline.hide()
        else:
            self._chooser.show_outline(*self._looked_at)

    def _plot(self, figure: Figure) -> None:
        if self.averaged is not None:
            name = self.picture.currentText()
            pictures = PICTURES[:2] if name == _BOTH else (name,)
            plot_cell(self.averaged.cell, figure, pictures)

    def _add_layers(self) -> None:
        image = self._selection.image
        if self.averaged is not None and image is not None:
            source = self._selection.take_source(0)
            active = self._viewer.layers.selection.active
            for data, arguments, _kind in cell_layers(self.averaged, image, source):
                self._viewer.add_image(data, **arguments)
            self._viewer.layers.selection.active = active

    def _export(self) -> None:
        if self.averaged is None:
            return
        cell = self.averaged.cell
        export(self, "unit cell", partial(plot_cell, cell), partial(_write, cell), _FILES)


def _write(cell: UnitCell, path: Path) -> None:
    write_cell(cell, path, overwrite=True)  # the dialog has asked


def _text(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def describe_cell(averaged: AveragedCell) -> tuple[str, str]:
    """Say in HTML which plane group a cell has, and what else it is like."""
    cell, group = averaged.cell, averaged.cell.group
    a, b, gamma = cell.errors
    motif = cell.motif()
    told = [
        f"{len(averaged.places)} of {averaged.tried} windows, {cell.n_cells:.0f} cells",
        f"a = {cell.a:.5g} ± {a:.1g}, b = {cell.b:.5g} ± {b:.1g} {cell.unit}",
        f"gamma = {cell.gamma:.2f} ± {gamma:.1g}°",
    ]
    if averaged.sampled:
        told.insert(1, averaged.sampled)
    minded = [escape(each) for each in (*group.sentences[1:], group.lost) if each]
    minded += [
        escape(f"Atom {letter} {remark}.")
        for letter, remark in zip(motif.letters, motif.remarks, strict=True)
        if remark
    ]
    if cell.remarks:
        minded.append(escape(f"{cell.remarks[0].upper()}{cell.remarks[1:]}."))
    if group.table:
        minded += [escape(group.among)] if group.among else []
        minded.append(
            f"At least p2: {group.at_least('p2'):.2f}, at least p4: {group.at_least('p4'):.2f}"
        )
    parts = ("<br>".join(told), _list_atoms(motif), "<br>".join(minded), _list_groups(group))
    return f"<b>{escape(group.sentences[0])}</b>", "".join(parts)


def _list_groups(group: PlaneGroup) -> str:
    """List the most likely plane groups, and what breaks each."""
    if not group.table:
        return ""
    best = sorted(group.table, key=lambda name: -group.table[name].probability)[:_MAX_ROWS]
    rows = [
        f"<td>{name}</td><td>{row.probability:.3f}</td><td>{row.departure:.1%}</td>"
        f"<td>{row.phase_residual:.1f}°</td><td>{row.p_value:.1g}</td>"
        for name, row in ((name, group.table[name]) for name in best)
    ]
    heading = "<td>group</td><td>prob.</td><td>R</td><td>phases</td><td>p</td>"
    return _table(heading, *rows)


def _list_atoms(motif: CellMotif) -> str:
    """List the atoms that symmetry does not bring about: places in the cell, and heights."""
    if not len(motif):
        return ""
    rows = []
    for k, place in enumerate(motif.fractions):
        x, y = (with_error(*each) for each in zip(place, motif.errors[k], strict=True))
        height = with_error(motif.intensity[k], motif.intensity_error[k])
        site = f"{motif.multiplicity[k]}{motif.letters[k]} {motif.symmetries[k]}"
        rows.append("".join(f"<td>{each}</td>" for each in (site, x, y, height)))
    return _table("<td>atom</td><td>x</td><td>y</td><td>height</td>", *rows)


def _table(*rows: str) -> str:
    text = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table cellspacing=2 style='font-size: 8pt'>{text}</table>"
