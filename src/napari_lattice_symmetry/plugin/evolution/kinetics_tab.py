"""The tab that fits growth laws to a curve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QHeaderView,
    QLabel,
    QPushButton,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lattice_symmetry.analysis.steps import ShouldStop
from napari_lattice_symmetry.errors import InputError, LatticeSymmetryError
from napari_lattice_symmetry.evolution.curves import BRIGHTNESS, HOLES, Curve, class_curves
from napari_lattice_symmetry.evolution.growth import Estimate, GrowthFit, akaike_weights, remark
from napari_lattice_symmetry.evolution.holes import hole_curve, smallest_hole
from napari_lattice_symmetry.evolution.kinetics import compare_laws
from napari_lattice_symmetry.evolution.parameters import CLASS_CURVES, KineticsParameters
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.evolution.brightness_controls import BrightnessControls
from napari_lattice_symmetry.plugin.evolution.follower import ResultFollower
from napari_lattice_symmetry.plugin.evolution.time_line import TimeLine
from napari_lattice_symmetry.plugin.forms.beam_row import BeamRow
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.widgets.export_dialog import export
from napari_lattice_symmetry.results import MovieResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MakeCurve: TypeAlias = Callable[..., Curve]  # called with the keyword `should_stop`

_ROW_HEIGHT = 18  # px


@dataclass(frozen=True, eq=False)
class _Request:
    make_curve: MakeCurve
    initial_end: float


class KineticsTab(Releasing, QWidget):
    """Fits a curve with its level in an initial interval; shows fit, residuals and numbers.

    Parameters
    ----------
    follower : ResultFollower
        What is fitted.
    brightness : BrightnessControls
        Whose curve can be fitted.

    Signals
    -------
    told(sentence)
        What there is to say; empty when all is well.
    """

    told = Signal(str)

    def __init__(self, follower: ResultFollower, brightness: BrightnessControls) -> None:
        super().__init__()
        self.fits: list[GrowthFit] = []
        self._follower, self._brightness = follower, brightness
        self._timed_result: MovieResult | None = None  # whose times the interval is set for
        self._interval_chosen = False
        self._request = self.keep(LatestRequest(_fit, self, delay=300))
        self._request.done.connect(self._on_fits)
        self._request.failed.connect(self._on_failure)
        self._why_not = ""
        self.line = TimeLine(self)
        self.form = ModelForm(KineticsParameters(), remembered_as="kinetics")
        self.form.put_beside("law", self.form.shorten_reset())
        tooltip = "Drag the line to where growth begins, or move it with the arrow keys."
        self.canvas = self.keep(self.line.make_canvas(follower.viewer, self._plot, tooltip))
        self._build()
        for name, follow in (
            ("curve", self.ask),
            ("after", self._on_interval),
            ("law", self._on_law),
        ):
            self.form[name].changed.connect(follow)
        self.line.moved.connect(self._set_end)
        for part in (follower, brightness):
            part.changed.connect(self.ask)
            part.grown.connect(partial(self.ask, in_turn=True))

    @property
    def is_busy(self) -> bool:
        """Whether a fit is under way."""
        return self._request.is_busy

    @property
    def fit(self) -> GrowthFit | None:
        """The fit of the chosen law."""
        name = self.form["law"].value
        return next((fit for fit in self.fits if fit.law.name == name), None)

    def _build(self) -> None:
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels(["", "value", "95 % interval"])
        rows, columns = self.table.verticalHeader(), self.table.horizontalHeader()
        assert rows is not None  # as Qt's types would allow
        assert columns is not None
        rows.setVisible(False)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        columns.setStretchLastSection(True)
        columns.setFixedHeight(_ROW_HEIGHT + 2)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        frame = 2 * self.table.frameWidth()
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        small = self.table.font()
        small.setPointSizeF(0.8 * small.pointSizeF())
        self.table.setFont(small)  # so that intervals fit beside values in the narrowest dock
        columns.setFont(small)
        self.table.setMinimumHeight(columns.height() + 4 * _ROW_HEIGHT + frame)
        self.table.setMaximumHeight(columns.height() + 9 * _ROW_HEIGHT + frame)
        self.table.setMinimumWidth(0)
        self.laws_text = QLabel()
        self.laws_text.setWordWrap(True)
        self.laws_text.setToolTip(
            "Akaike's information criterion, corrected for few frames, above that of the best law, "
            "and the weight of evidence."
        )
        self.beam = BeamRow()
        self.export_button = QPushButton("Export…")
        self.export_button.setToolTip("Save the numbers (CSV) or the figure (PNG, SVG).")
        self.export_button.clicked.connect(self._export)
        self.form.put_beside("after", self.export_button)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.addWidget(self.canvas.pane)
        parts.addWidget(self.table)
        parts.setChildrenCollapsible(False)
        parts.setStretchFactor(0, 1)
        parts.setStretchFactor(1, 0)
        parts.setSizes([400, columns.height() + 7 * _ROW_HEIGHT + frame])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addWidget(self.form.native)
        layout.addWidget(parts, stretch=1)
        layout.addWidget(self.laws_text)
        layout.addWidget(self.beam)
        self._show()

    def ask(self, _: Any = None, *, in_turn: bool = False) -> None:
        """Have the curve fitted, if the tab is seen; `in_turn`, after the fit under way.

        A fit that is asked for again while frames come in stays to be seen meanwhile.
        """
        result = self._follower.snapshot()
        if result is None:
            self._request.drop()
            self._on_fits([])
            return
        if not self.isVisible():
            return
        self._set_interval(result)
        try:
            curve = self._choose_curve(result)
        except LatticeSymmetryError as error:
            self._request.drop()
            self._on_failure(error)
            return
        if not (in_turn and self.fits):
            self.told.emit("Fitting…")
        self._request.ask(_Request(curve, self.form["after"].value), in_turn=in_turn)

    def _choose_curve(self, result: MovieResult) -> MakeCurve:
        name = self.form["curve"].value
        region = self._follower.map_region()
        if name == HOLES:
            return partial(hole_curve, result, region)
        if name == BRIGHTNESS:
            curve = self._brightness.curve()
            if curve is None:
                raise InputError(self._brightness.why_not)
            return curve
        of, areas = CLASS_CURVES[name]
        return lambda should_stop: class_curves(result, region, areas=areas)[of]

    def _set_interval(self, result: MovieResult) -> None:
        """Let the interval end within the times that there are: in the middle, unless chosen."""
        if self._follower.result is not self._timed_result:
            self._timed_result, self._interval_chosen = self._follower.result, False
        first, last = float(result.times[0]), float(result.times[-1])
        box: Any = self.form["after"]
        end = box.value if self._interval_chosen else (first + last) / 2
        with self.form.changed.blocked(), box.changed.blocked():
            box.set_range(first, last, result.frame_time or 1.0, decimals=2)
            box.native.setSuffix(" s" if result.frame_time else "")
            box.value = end

    def _set_end(self, time: float) -> None:
        self.form["after"].value = time

    def _on_interval(self, time: float) -> None:
        self._interval_chosen = True
        self.line.set(time)
        self.ask()

    def _on_law(self) -> None:
        self._show()
        if self.fits:
            self.told.emit(self._remark())

    def _on_fits(self, fits: list[GrowthFit]) -> None:
        self.fits = fits
        self._why_not = "" if fits else self._follower.selection.describe()
        self._show()
        self.told.emit(self._remark() if fits else "")

    def _on_failure(self, error: Exception) -> None:
        self.fits, self._why_not = [], str(error)
        self._show()
        self.told.emit("")

    def _remark(self) -> str:
        """Say what is to be doubted in the fit, and in what is fitted."""
        doubts = "" if self.fit is None else remark(self.fits, self.fit)
        return " ".join(filter(None, (doubts, self._unseen())))

    def _unseen(self) -> str:
        """Say what windows cannot see, where that is what is fitted."""
        result, name = self._follower.result, self.fits[0].curve.name
        if result is None or name == BRIGHTNESS or name not in (HOLES, "noise"):
            return ""
        size, unit = smallest_hole(result), "px"
        if result.unit == "nm":
            size, unit = size * float(np.mean(result.pixel_size)), "nm"
        return f"Holes less than some {size:.3g} {unit} across escape windows of this size."

    def _show(self, _: Any = None) -> None:
        """Show the fit of the chosen law."""
        fit = self.fit
        estimates = {} if fit is None else fit.estimates
        self.table.setRowCount(len(estimates))
        for row, (name, estimate) in enumerate(estimates.items()):
            for column, text in enumerate((name, *_words(estimate))):
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignVCenter)
                item.setToolTip(text)
                self.table.setItem(row, column, item)
            self.table.setRowHeight(row, _ROW_HEIGHT)
        self.laws_text.setText(_compare(self.fits))
        self.export_button.setEnabled(fit is not None)
        self.line.time = self.form["after"].value
        self.canvas.refresh()

    def _plot(self, figure: Figure) -> None:
        from napari_lattice_symmetry.evolution.plots import plot_growth
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import write_hint

        fit = self.fit
        if fit is None:
            write_hint(figure, self._why_not)
        else:
            plot_growth(fit, figure=figure)
        self.line.draw(figure.axes, np.zeros(0) if fit is None else fit.curve.times)

    def _export(self) -> None:
        from napari_lattice_symmetry.evolution.plots import plot_growth
        from napari_lattice_symmetry.evolution.tables import write_fits

        fit, fits, result = self.fit, self.fits, self._follower.result
        if fit is not None:
            name = "" if result is None else result.name
            export(
                self,
                f"{name} kinetics",
                lambda: plot_growth(fit, name),
                lambda path: write_fits(fits, path),
            )


def _fit(request: _Request, should_stop: ShouldStop) -> list[GrowthFit]:
    curve = request.make_curve(should_stop=should_stop)
    return compare_laws(curve, request.initial_end, should_stop=should_stop)


def _words(estimate: Estimate) -> tuple[str, str]:
    value, low, high = (
        format(number, f".{digits}g").replace("e-0", "e-")
        for number, digits in ((estimate.value, 3), (estimate.low, 2), (estimate.high, 2))
    )
    interval = f"{low}\N{EN DASH}{high}" if estimate.low >= 0 else f"{low} to {high}"
    return f"{value} {estimate.unit}".strip(), interval + " (bound)" * estimate.at_bound


def _compare(fits: list[GrowthFit]) -> str:
    if not fits:
        return ""
    least = min(fit.aic for fit in fits)
    parts = [
        f"{fit.law.name} +{fit.aic - least:.0f} ({weight:.0%})"
        if np.isfinite(fit.aic)
        else f"too few frames for {fit.law.name}"
        for fit, weight in zip(fits, akaike_weights(fits), strict=True)
    ]
    return "AICc: " + ", ".join(parts)
