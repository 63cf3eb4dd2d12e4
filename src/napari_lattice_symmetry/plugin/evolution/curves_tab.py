"""The tab that shows how the classes evolve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QPushButton, QVBoxLayout, QWidget

from napari_lattice_symmetry.crystals import CrystalMatch
from napari_lattice_symmetry.errors import InputError, LatticeSymmetryError
from napari_lattice_symmetry.evolution.curves import HOLES, Curve, class_curves, phase_curves
from napari_lattice_symmetry.evolution.holes import hole_curve
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.evolution.along_row import AlongRow
from napari_lattice_symmetry.plugin.evolution.brightness_controls import BrightnessControls
from napari_lattice_symmetry.plugin.evolution.follower import ResultFollower
from napari_lattice_symmetry.plugin.evolution.time_line import TimeLine
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.widgets.export_dialog import export
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.results.column import Column

if TYPE_CHECKING:
    from matplotlib.figure import Figure


MEAN_PROBABILITY, AREA_FRACTION = "mean probability", "area fraction"
CRYSTAL_FRACTION = "fraction of crystals"
_QUANTITIES = (MEAN_PROBABILITY, AREA_FRACTION, CRYSTAL_FRACTION)
_NO_CRYSTALS = "This result has no map of crystals yet: match some in the dock Crystal."


@dataclass(frozen=True, eq=False)
class _Request:
    result: MovieResult
    region: NDArray[np.bool_] | None
    areas: bool
    crystals: CrystalMatch | None
    holes: bool
    brightness: Callable[..., Curve] | None


class CurvesTab(Releasing, QWidget):
    """Draws the evolution of a result, with a line at the frame that the viewer shows.

    Parameters
    ----------
    follower : ResultFollower
        What is drawn.
    brightness : BrightnessControls
        Whose curve is drawn beside the classes.

    Signals
    -------
    told(sentence)
        What there is to say; empty when all is well.
    """

    told = Signal(str)

    def __init__(self, follower: ResultFollower, brightness: BrightnessControls) -> None:
        super().__init__()
        self.curves: list[Curve] = []
        self._follower, self._brightness = follower, brightness
        self._request = self.keep(LatestRequest(_make_curves, self, delay=100))
        self._request.done.connect(self._on_curves)
        self._request.failed.connect(self._on_failure)
        self.along = AlongRow()
        self.along.changed.connect(self._on_along)
        self.line = TimeLine(self)
        self.line.moved.connect(follower.go_to)
        tooltip = "Drag the line, or use the arrow keys, to go to another frame."
        self.canvas = self.keep(self.line.make_canvas(follower.viewer, self._plot, tooltip))
        self._build()
        follower.frame_changed.connect(self.line.set)
        for part in (follower, brightness):
            part.changed.connect(self.ask)
            part.grown.connect(partial(self.ask, in_turn=True))
        self.ask()

    @property
    def is_busy(self) -> bool:
        """Whether curves are being made."""
        return self._request.is_busy

    def _build(self) -> None:
        self.quantity = QComboBox()
        self.quantity.addItems(_QUANTITIES)
        keep_narrow(self.quantity)
        self.quantity.setToolTip(
            "Mean probability of each class, with the spread over judges or thinned networks; the "
            "share of the frame that a class covers, with an interval that holds it; or the "
            "share of each crystal that the dock Crystal has found."
        )
        self.quantity.currentIndexChanged.connect(self.ask)
        self.holes = QCheckBox(HOLES)
        self.holes.setToolTip(
            "The area without a lattice: a window says noise only well inside a hole, so the "
            "hole reaches farther than the centers of such windows."
        )
        self.holes.toggled.connect(self.ask)
        self.export_button = QPushButton("Export…")
        self.export_button.setToolTip("Save the curves as a table (CSV) or a figure (PNG, SVG).")
        self.export_button.clicked.connect(self._export)
        form = QFormLayout()
        form.setVerticalSpacing(3)
        form.addRow("Show", self.quantity)
        form.addRow("Along", self.along)
        form.addRow(self.holes)
        form.addRow(self._brightness)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addLayout(form)
        layout.addWidget(self.canvas.pane, stretch=1)
        layout.addWidget(self.export_button)

    def ask(self, _: Any = None, *, in_turn: bool = False) -> None:
        """Have the curves made; `in_turn`, after those under way."""
        result = self._follower.snapshot()
        if result is None:
            self._request.drop()
            self._on_curves([])
            return
        try:
            region = self._follower.map_region()
        except LatticeSymmetryError as error:
            self._request.drop()
            self._on_failure(error)
            return
        quantity = self.quantity.currentText()
        crystals = None
        if quantity == CRYSTAL_FRACTION:
            crystals = self._follower.crystals
            if crystals is None:
                self._request.drop()
                self._on_failure(InputError(_NO_CRYSTALS))
                return
        request = _Request(
            result,
            region,
            quantity == AREA_FRACTION,
            crystals,
            self.holes.isChecked(),
            self._brightness.curve(),
        )
        self._request.ask(request, in_turn=in_turn)

    def _on_curves(self, curves: list[Curve]) -> None:
        self.curves = curves
        self.line.time = self._follower.time
        self.export_button.setEnabled(bool(curves))
        self.told.emit("")
        self.canvas.refresh()

    def _on_failure(self, error: Exception) -> None:
        self._on_curves([])
        self.told.emit(str(error))

    def _plot(self, figure: Figure) -> None:
        from napari_lattice_symmetry.evolution.plots import plot_evolution

        along = self._usable_column()
        plot_evolution(self.curves, figure=figure, along=along)
        if not self.curves:
            self.line.draw([], np.zeros(0))
            return
        first = self.curves[0]
        places = None if along is None else along.at(first, timed=first.timed)
        self.line.draw(figure.axes, first.times, places)

    def _usable_column(self) -> Column | None:
        """Return the column that was chosen, if it says something of these frames."""
        column = self.along.column
        if column is None or not self.curves:
            return None
        try:
            column.at(self.curves[0], timed=self.curves[0].timed)
        except LatticeSymmetryError as error:
            self.told.emit(str(error))
            return None
        return column

    def _on_along(self) -> None:
        self.told.emit("")
        self.canvas.refresh()

    def _export(self) -> None:
        from napari_lattice_symmetry.evolution.plots import plot_evolution
        from napari_lattice_symmetry.evolution.tables import write_curves

        name = "" if self._follower.result is None else self._follower.result.name
        curves, along = self.curves, self._usable_column()
        export(
            self,
            f"{name} evolution",
            lambda: plot_evolution(curves, name, along=along),
            lambda path: write_curves(curves, path, along=along),
        )


def _make_curves(request: _Request, should_stop: Callable[[], bool]) -> list[Curve]:
    result, region = request.result, request.region
    if request.crystals is not None:
        curves = phase_curves(result, request.crystals.labels, request.crystals.values, region)
    else:
        curves = list(class_curves(result, region, areas=request.areas).values())
    if request.holes:
        curves.append(hole_curve(result, region, should_stop=should_stop))
    if request.brightness is not None:
        curves.append(request.brightness(should_stop=should_stop))
    return curves
