"""The tab in which crystals are matched to the lattices of the selected result."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_lattice_symmetry.analysis.steps import Progress, ShouldStop
from napari_lattice_symmetry.crystals import (
    CommonLattice,
    CrystalMatch,
    MatchParameters,
    Projection,
    common_lattice,
    match,
    suggest_prototypes,
)
from napari_lattice_symmetry.errors import InputError, LatticeSymmetryError
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.background.task_bar import Task, TaskBar
from napari_lattice_symmetry.plugin.crystal.match_layer import CRYSTALS, match_layers
from napari_lattice_symmetry.plugin.crystal.structures import Source, load_structure
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm
from napari_lattice_symmetry.plugin.layers.result_group import add_made_of_result
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.selection.selection import Selection
from napari_lattice_symmetry.plugin.widgets.selection_line import SelectionLine
from napari_lattice_symmetry.results import MovieResult

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure
    from napari.layers import Layer

HINT = (
    "Add structure files or listed crystals, and match them to the lattice maps of a result; "
    "without a pixel size, by shape alone."
)

_SUGGESTED = 5
_LINE = 200  # pixels of text that the narrowest dock has room for


class MatchTab(Releasing, QWidget):
    """Matches crystals to the lattices of the selected result.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the phase map goes.
    selection : Selection
        Says which result.
    sources : callable
        Gives the crystals.

    Signals
    -------
    suggested(names)
        Tabulated crystals that may be there.
    """

    suggested = Signal(object)

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        selection: Selection,
        sources: Callable[[], list[Source]],
    ) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import FigureCanvas

        super().__init__()
        self.viewer, self.selection, self._sources = viewer, selection, sources
        self.result_text = self.keep(SelectionLine(selection))
        self.matched: tuple[CrystalMatch, MovieResult, Layer] | None = None
        self.parameters = ModelForm(MatchParameters(), remembered_as="crystals")
        self.task = self.keep(
            TaskBar("&Match", "Match the crystals to all windows.", self._prepare)
        )
        self.task.done.connect(self._on_done)
        self.suggest_button = QPushButton("Suggest")
        self.suggest_button.setToolTip(
            f"Add up to {_SUGGESTED} tabulated crystals that have a lattice like the most "
            "frequent one of the result along some axis."
        )
        self.suggest_button.clicked.connect(self._suggest)
        self._suggestion = self.keep(LatestRequest(_look_up, self))
        self._suggestion.done.connect(self._on_suggestion)
        self._suggestion.failed.connect(self._tell)
        self.canvas = self.keep(FigureCanvas(viewer, self._plot))
        self.canvas.setMinimumHeight(150)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.result_text)
        layout.addWidget(self.parameters.native)
        layout.addWidget(self.suggest_button)
        layout.addWidget(self.task)
        layout.addWidget(self.canvas.pane, stretch=1)
        self.listen(selection.changed, self._show)

    @property
    def is_busy(self) -> bool:
        """Whether crystals are being looked up or matched."""
        return self._suggestion.is_busy or self.task.is_running

    def _suggest(self) -> None:
        try:
            result, _ = self.selection.require_result()
        except LatticeSymmetryError as error:
            self._tell(error)
            return
        self._say("Looking up tabulated crystals …")
        self._suggestion.ask((result, self.parameters.values()))

    def _on_suggestion(
        self, suggested: tuple[CommonLattice, list[tuple[Projection, float]]]
    ) -> None:
        common, found = suggested
        told = [f"{seen.name} {strain:.1%}" for seen, strain in found[:_SUGGESTED]]
        listed = ", ".join(told) or "no tabulated crystal has such a lattice"
        self._say(f"Most frequent lattice, {common}: {listed}.")
        self.suggested.emit([seen.crystal for seen, _ in found[:_SUGGESTED]])

    def _say(self, sentence: str) -> None:
        """Show a sentence, with room for all of its lines in the narrowest dock."""
        status = self.task.status
        status.setText(sentence)
        metrics = status.fontMetrics()
        lines = -(-metrics.horizontalAdvance(sentence) // _LINE)
        status.setMinimumHeight(lines * metrics.lineSpacing())

    def _tell(self, error: Exception) -> None:
        self._say(str(error))

    def _prepare(self) -> Task:
        result, layer = self.selection.require_result()
        asked = self.parameters.values()
        sources = self._sources()
        if not sources:
            raise InputError("There is no crystal to match; add a structure file or a listed one.")

        def task(
            progress: Progress, should_stop: ShouldStop
        ) -> tuple[CrystalMatch, MovieResult, Layer]:
            crystals = [load_structure(source) for source in sources]
            found = match(
                result,
                crystals,
                asked.zones,
                asked.tolerance,
                progress=progress,
                should_stop=should_stop,
            )
            return found, result, layer

        return task

    def _on_done(self, matched: tuple[CrystalMatch, MovieResult, Layer]) -> None:
        self.matched = found, _, layer = matched
        self._show()
        add_made_of_result(self.viewer.layers, layer, CRYSTALS, match_layers(found, layer))

    def _show(self) -> None:
        """Draw the match and tell of it, unless another result is selected."""
        self.canvas.refresh()
        if self.matched is not None and not self.task.is_running:
            found, result, _ = self.matched
            self._say(_describe(found) if result is self.selection.result else "")

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


def _look_up(
    request: tuple[MovieResult, MatchParameters], _should_stop: ShouldStop
) -> tuple[CommonLattice, list[tuple[Projection, float]]]:
    result, parameters = request
    common = common_lattice(result, parameters.tolerance)
    return common, suggest_prototypes(result, parameters.zones, parameters.tolerance)


def _describe(found: CrystalMatch) -> str:
    """Say which phases there are, and in which share of the windows with a lattice."""
    counts = [int((found.labels == value).sum()) for value in found.values]
    total = sum(counts)
    if not total:
        return "No window has a lattice alone."
    phases = zip(found.names, counts, strict=True)
    told = "; ".join(f"{name}: {count / total:.0%}" for name, count in phases if count)
    return f"{told}. {found.remark}".rstrip()
