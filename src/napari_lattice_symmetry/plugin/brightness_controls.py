"""Measuring holes by their brightness, beside what the network says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QLabel, QWidget

from napari_lattice_symmetry.analysis.intensity import (
    Brightness,
    brightness_curve,
    measure_brightness,
)
from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.plugin.latest import LatestRequest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_lattice_symmetry.analysis import MovieResult
    from napari_lattice_symmetry.analysis.evolution import Curve
    from napari_lattice_symmetry.movie import Movie
    from napari_lattice_symmetry.plugin.evolution_source import EvolutionSource

    Region = NDArray[np.bool_]

_THRESHOLD = "Grey value that divides hole and film; the lowest stands for Otsu's threshold."


@dataclass(frozen=True, eq=False)
class Measured:
    """The brightness of the frames of a result, in a region of them."""

    result: MovieResult
    region: Region | None
    brightness: Brightness

    def is_of(self, result: MovieResult | None, region: Region | None) -> bool:
        """Tell whether this was measured on a result and a region."""
        same = region is self.region or np.array_equal(region, self.region)  # type: ignore[arg-type]
        return result is self.result and same


class BrightnessControls(QWidget):
    """A check box that has the brightness measured, and the threshold.

    Parameters
    ----------
    source : EvolutionSource
        Whose movie is measured.

    Signals
    -------
    changed()
        The curve is another one.
    told(sentence)
        What there is to say; empty when all is well.
    """

    changed = Signal()
    told = Signal(str)

    def __init__(self, source: EvolutionSource) -> None:
        super().__init__()
        self.measured: Measured | None = None
        self._source = source
        self._measure = LatestRequest(_measure, self)
        self._measure.done.connect(self._on_measured)
        self._measure.failed.connect(lambda error: self.told.emit(str(error)))
        source.changed.connect(self._on_source)

        self.shown = QCheckBox("holes by brightness")
        self.shown.setToolTip(
            "Count the pixels that are darker than a threshold, once the lattice is smoothed away: "
            "a check on the network."
        )
        self.threshold = QDoubleSpinBox()
        self.threshold.setSpecialValueText("Otsu")
        self.threshold.setToolTip(_THRESHOLD)
        self.threshold.setKeyboardTracking(False)
        self.bright = QCheckBox("bright")
        self.bright.setToolTip("Holes are brighter than the film, as in a bright-field image.")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.shown)
        layout.addWidget(QLabel("below"))
        layout.addWidget(self.threshold, stretch=1)
        layout.addWidget(self.bright)
        self.shown.toggled.connect(self._on_source)
        self.shown.toggled.connect(self.changed)
        self.threshold.valueChanged.connect(self.changed)
        self.bright.toggled.connect(self.changed)

    @property
    def is_busy(self) -> bool:
        """Whether the brightness is being measured."""
        return self._measure.is_busy

    def leave(self) -> None:
        """Measure no longer."""
        self._measure.drop()

    def curve(self) -> Callable[[], Curve] | None:
        """Give what makes the curve, in whichever thread; None if it is not measured."""
        measured = self.measured
        if measured is None or not self.shown.isChecked():
            return None
        chosen = self.threshold.value() > self.threshold.minimum()
        threshold = self.threshold.value() if chosen else None
        area = None if measured.region is None else float(measured.region.sum())
        bright = self.bright.isChecked()
        return lambda: brightness_curve(
            measured.result, measured.brightness, threshold, bright=bright, area=area
        )

    def _on_source(self, _checked: bool = False) -> None:
        """Measure what is not measured yet, if it is to be shown."""
        try:
            region = self._source.frame_region()
            if self.measured and not self.measured.is_of(self._source.result, region):
                self.measured = None
            if self._source.result is None or not self.shown.isChecked() or self.measured:
                self._measure.drop()
                self.told.emit("")
                return
            self._measure.ask((self._source.movie(), self._source.result, region))
        except LatticeSymmetryError as error:
            self._measure.drop()
            self.measured = None
            self.told.emit(str(error))
            return
        self.told.emit("Measuring the brightness…")

    def _on_measured(self, measured: Measured) -> None:
        self.measured = measured
        quantiles = measured.brightness.quantiles
        known = quantiles[np.isfinite(quantiles)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        step = max(high - low, 1e-9) / 100
        self.threshold.blockSignals(True)
        self.threshold.setDecimals(int(np.clip(1 - np.floor(np.log10(step)), 0, 6)))
        self.threshold.setRange(low - step, high)
        self.threshold.setSingleStep(step)
        self.threshold.setValue(low - step)
        self.threshold.setToolTip(f"{_THRESHOLD} Here that is {measured.brightness.otsu():.4g}.")
        self.threshold.blockSignals(False)
        self.told.emit("")
        self.changed.emit()


def _measure(
    request: tuple[Movie, MovieResult, Region | None], should_stop: Callable[[], bool]
) -> Measured | None:
    movie, result, region = request
    rows = []
    for row in measure_brightness(movie, result.frame_indices, region=region):
        rows.append(row)
        if should_stop():
            return None
    return Measured(result, region, Brightness(np.array(rows)))
