"""The dock "Crystal": which of some structures, along which axis, the selected result shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QListWidget,
    QListWidgetItem,
    QPushButton,
)

from napari_lattice_symmetry.analysis.steps import Progress, ShouldStop
from napari_lattice_symmetry.crystals import (
    Crystal,
    CrystalMatch,
    MatchParameters,
    match,
    prototype,
    prototypes,
    read_structure,
)
from napari_lattice_symmetry.crystals.structure import FORMATS, VASP_NAMES
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.background.task_bar import Task, TaskBar
from napari_lattice_symmetry.plugin.crystal.match_layer import CRYSTALS, match_layer
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm
from napari_lattice_symmetry.plugin.layers.result_group import add_made_of_result
from napari_lattice_symmetry.plugin.selection.selection import selection_of
from napari_lattice_symmetry.plugin.widgets.dock import Dock
from napari_lattice_symmetry.plugin.widgets.selection_line import SelectionLine
from napari_lattice_symmetry.results import MovieResult

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure
    from napari.layers import Layer

HINT = (
    "Add structure files or listed crystals, and match them to the lattice maps of a result "
    "with a pixel size."
)
_ROWS = 4  # of the list that are seen
_FILES = " ".join((*(f"*{ending}" for ending in FORMATS), *(f"{name}*" for name in VASP_NAMES)))
_LISTED = Qt.ItemDataRole.UserRole


class CrystalWidget(Dock):
    """Matches crystals to the lattices of the selected result.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers these are.
    """

    page = "crystals.md"

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import FigureCanvas

        super().__init__()
        self.viewer, self.selection = viewer, selection_of(viewer)
        self.matched: tuple[CrystalMatch, MovieResult, Layer] | None = None
        self.result_text = SelectionLine(self.selection)
        self._build_list()
        self.parameters = ModelForm(MatchParameters(), remembered_as="crystals")
        self.task = TaskBar("&Match", "Match the crystals to all windows.", self._prepare)
        self.task.done.connect(self._on_done)
        self.canvas = FigureCanvas(viewer, self._plot)
        self.canvas.setMinimumHeight(150)
        layout = self.column
        layout.addWidget(self.result_text)
        layout.addWidget(self.crystals)
        layout.addLayout(self._buttons)
        layout.addWidget(self.parameters.native)
        layout.addWidget(self.task)
        layout.addWidget(self.canvas.pane, stretch=1)
        self.selection.changed.connect(self._show)

    def release(self) -> None:
        """Stop, and let go of the viewer."""
        self.selection.changed.disconnect(self._show)
        self.result_text.release()
        self.task.release()
        self.canvas.release()

    def _build_list(self) -> None:
        self.crystals = QListWidget()
        self.crystals.setToolTip("The crystals that the image may show.")
        self.crystals.setAccessibleName("Crystals")
        self.crystals.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.crystals.setMinimumWidth(120)
        self.crystals.setFixedHeight(_ROWS * self.fontMetrics().lineSpacing() + 14)
        self._buttons = QHBoxLayout()
        self.add_button = QPushButton("Files…")
        self.add_button.setToolTip("Add structure files: CIF, POSCAR, xyz or FHI-aims.")
        self.add_button.clicked.connect(self._ask_for_files)
        self.listed_button = QPushButton("Listed…")
        self.listed_button.setToolTip("Add one of the crystals that are tabulated here.")
        self.listed_button.clicked.connect(self._ask_for_listed)
        self.remove_button = QPushButton("Remove")
        self.remove_button.setToolTip("Remove the selected crystals, or all if none is selected.")
        self.remove_button.clicked.connect(self._remove)
        for button in (self.add_button, self.listed_button, self.remove_button):
            button.setMinimumWidth(40)
            self._buttons.addWidget(button)

    # ------------------------------------------------------------------ which crystals

    def add_files(self, paths: list[str]) -> None:
        """List structure files, each once; they are read when they are matched."""
        for path in paths:
            self._add(Path(path).name, path, listed=False)

    def add_listed(self, name: str) -> None:
        """List a tabulated crystal."""
        self._add(name, name, listed=True)

    def _add(self, title: str, source: str, *, listed: bool) -> None:
        known = [self.crystals.item(row) for row in range(self.crystals.count())]
        if (source, listed) in [item.data(_LISTED) for item in known if item is not None]:
            return
        item = QListWidgetItem(title)
        item.setToolTip("tabulated" if listed else source)
        item.setData(_LISTED, (source, listed))
        self.crystals.addItem(item)

    def _ask_for_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Structures", "", f"Structures ({_FILES})")
        self.add_files(paths)

    def _ask_for_listed(self) -> None:
        names = list(prototypes())
        name, chosen = QInputDialog.getItem(self, "Crystals", "Add", names, 0, False)
        if chosen:
            self.add_listed(name)

    def _remove(self) -> None:
        selected = self.crystals.selectedItems()
        for item in selected:
            self.crystals.takeItem(self.crystals.row(item))
        if not selected:
            self.crystals.clear()

    # ------------------------------------------------------------------ matching

    def _prepare(self) -> Task:
        result, layer = self.selection.require_result()
        asked = self.parameters.values()
        rows = [self.crystals.item(row) for row in range(self.crystals.count())]
        sources = [item.data(_LISTED) for item in rows if item is not None]
        if not sources:
            raise InputError("There is no crystal to match; add a structure file or a listed one.")

        def task(
            _progress: Progress, _should_stop: ShouldStop
        ) -> tuple[CrystalMatch, MovieResult, Layer]:
            crystals = [_load(source, listed) for source, listed in sources]
            return match(result, crystals, asked.zones, asked.tolerance), result, layer

        return task

    def _on_done(self, matched: tuple[CrystalMatch, MovieResult, Layer]) -> None:
        self.matched = found, _, layer = matched
        self._show()
        add_made_of_result(self.viewer.layers, layer, CRYSTALS, [match_layer(found, layer)])

    def _show(self) -> None:
        """Draw the match and tell of it, unless another result is selected."""
        self.canvas.refresh()
        if self.matched is not None and not self.task.is_running:
            found, result, _ = self.matched
            self.task.status.setText(_describe(found) if result is self.selection.result else "")

    def _plot(self, figure: Figure) -> None:
        from napari_lattice_symmetry.crystals.plots import draw_fractions
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import write_hint

        if self.matched is None or self.matched[1] is not self.selection.result:
            write_hint(figure, HINT)
            return
        found, result, _ = self.matched
        axes = figure.subplots()
        label = "Frame" if result.frame_time is None else "Time (s)"
        draw_fractions(axes, found, result.times, label)


def _load(source: str, listed: bool) -> Crystal:
    return prototype(source) if listed else read_structure(source)


def _describe(found: CrystalMatch) -> str:
    """Say which phases there are, and in which share of the windows with a lattice."""
    counts = [int((found.labels == value).sum()) for value in found.values]
    total = sum(counts)
    if not total:
        return "No window has a lattice."
    phases = zip(found.names, counts, strict=True)
    return "; ".join(f"{name}: {count / total:.0%}" for name, count in phases if count) + "."
