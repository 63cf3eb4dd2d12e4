"""Measuring holes by their brightness, beside what the network says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.evolution.brightness import (
    NOT_MEASURED,
    Brightness,
    brightness_curve,
    measure_brightness,
    movie_smoothing,
)
from napari_lattice_symmetry.evolution.curves import BRIGHTNESS, Curve
from napari_lattice_symmetry.evolution.parameters import BrightnessParameters
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.results.result import FAILED

if TYPE_CHECKING:
    from napari_lattice_symmetry.plugin.evolution.follower import FrameKey, ResultFollower

Float32 = NDArray[np.float32]
Region = NDArray[np.bool_]


@dataclass(eq=False)
class MeasuredBrightness:
    """The brightness of frames of a result, in a region of them.

    Attributes
    ----------
    rows : dict of FrameKey to numpy.ndarray, shape (N_QUANTILES,), float32
        What was measured so far; a thread adds to it.
    smoothing : float or None
        With which all frames are smoothed, once it is known.
    is_shown : bool
        Whether all frames that there were have been measured once.
    """

    result: MovieResult
    region: Region | None
    rows: dict[FrameKey, Float32] = field(default_factory=dict)
    smoothing: float | None = None
    is_shown: bool = False

    def is_of(self, result: MovieResult | None, region: Region | None) -> bool:
        """Return whether this was measured on a result and a region."""
        same = region is self.region or np.array_equal(region, self.region)  # type: ignore[arg-type]
        return result is self.result and same

    def brightness(self, keys: list[FrameKey]) -> Brightness:
        """Return the brightness of these frames, NaN where it was not measured."""
        return Brightness(np.array([self.rows.get(key, NOT_MEASURED) for key in keys]))


@dataclass(frozen=True, eq=False)
class _Request:
    measured: MeasuredBrightness
    movie: Movie
    places: dict[FrameKey, int]
    """The frames to measure, and where in the movie they are."""


class BrightnessControls(Releasing, QWidget):
    """A check box that has the brightness measured, and the threshold.

    Parameters
    ----------
    follower : ResultFollower
        Whose movie is measured.

    Signals
    -------
    changed()
        The curve is another one.
    grown()
        It holds more frames.
    told(sentence)
        What there is to say; empty when all is well.
    """

    changed = Signal()
    grown = Signal()
    told = Signal(str)

    def __init__(self, follower: ResultFollower) -> None:
        super().__init__()
        self.measured: MeasuredBrightness | None = None
        self._follower = follower
        self._measure = self.keep(LatestRequest(_measure, self))
        self._measure.done.connect(self._on_measured)
        self._measure.failed.connect(lambda error: self.told.emit(str(error)))
        follower.changed.connect(self._on_result)
        follower.grown.connect(partial(self._on_result, in_turn=True))

        self.form = ModelForm(BrightnessParameters())
        self.form.reset_button.hide()
        self.form["shown"].native.setText(BRIGHTNESS)
        self.form.widen("shown")
        self.form["bright"].native.setText("bright")
        self.form.join("threshold", "bright")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.form.native)
        self.form["shown"].changed.connect(self._on_result)
        self.form.changed.connect(lambda _=None: self.changed.emit())

    @property
    def is_busy(self) -> bool:
        """Whether the brightness is being measured."""
        return self._measure.is_busy

    @property
    def why_not(self) -> str:
        """Why there is no curve; empty where this widget itself has said it."""
        unasked = "Tick 'holes, by brightness' in the tab Evolution first."
        return "" if self.form["shown"].value else unasked

    def curve(self) -> Callable[..., Curve] | None:
        """Return what makes the curve, in whichever thread; None if it is not measured.

        Its keyword `should_stop` is that of `brightness_curve`.
        """
        measured, result = self.measured, self._follower.snapshot()
        asked = self.form.values()
        if measured is None or result is None or not asked.shown:
            return None
        if not measured.is_shown:
            return None
        brightness = measured.brightness(self._follower.keys[: len(result.state)])
        area = None if measured.region is None else float(measured.region.sum())
        given = result, brightness, asked.threshold
        return partial(brightness_curve, *given, bright=asked.bright, area=area)

    def _on_result(self, _checked: bool = False, *, in_turn: bool = False) -> None:
        """Measure what is not measured yet, if it is to be shown."""
        if self._follower.result is None or not self.form["shown"].value:
            self._measure.drop()
            self.told.emit("")
            return
        try:
            request = self._request()
        except LatticeSymmetryError as error:
            self._measure.drop()
            self.measured = None
            self.told.emit(str(error))
            return
        if request is None:
            self.told.emit("")
            return
        self._measure.ask(request, in_turn=in_turn)
        if not request.measured.is_shown:
            self.told.emit("Measuring the brightness…")

    def _request(self) -> _Request | None:
        """Tell what is to be measured; None if all that is shown is.

        Raises
        ------
        InputError
            If the region holds nothing, or the movie is not there.
        """
        follower = self._follower
        result, region = follower.result, follower.frame_region()
        assert result is not None
        if self.measured is None or not self.measured.is_of(result, region):
            self.measured = MeasuredBrightness(result, region)
        measured, readable = self.measured, result.state != FAILED
        new = {
            key
            for key, is_readable in zip(follower.keys, readable, strict=False)
            if is_readable and key not in measured.rows
        }
        if not new:
            return None
        places = {key: place for key, place in follower.places().items() if key in new}
        return _Request(measured, follower.movie(), places) if places else None

    def _on_measured(self, measured: MeasuredBrightness) -> None:
        brightness = measured.brightness(list(measured.rows))
        self._set_range(brightness, keep=measured.is_shown)
        measured.is_shown = True
        self.told.emit("")
        self.grown.emit()

    def _set_range(self, brightness: Brightness, *, keep: bool) -> None:
        """Let the threshold be any gray value that there is, and Otsu's unless it is to be kept."""
        known = brightness.quantiles[np.isfinite(brightness.quantiles)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        step = max(high - low, 1e-9) / 100
        box: Any = self.form["threshold"]
        chosen = box.value if keep else None
        with self.form.changed.blocked(), box.changed.blocked():
            box.set_range(low, high, step, int(np.clip(1 - np.floor(np.log10(step)), 0, 6)))
            box.value = chosen
        box.native.setToolTip(f"{box.tooltip} Here that is {brightness.otsu():.4g}.")


def _measure(request: _Request, should_stop: Callable[[], bool]) -> MeasuredBrightness:
    """Measure frames one by one; those that are finished are kept when this is stopped."""
    measured, movie = request.measured, request.movie
    places = {key: at for key, at in request.places.items() if key not in measured.rows}
    indices = np.array(list(places.values()), dtype=np.int64)
    if measured.smoothing is None:
        measured.smoothing = movie_smoothing(movie, indices)
    rows = measure_brightness(movie, indices, smoothing=measured.smoothing, region=measured.region)
    for key, row in zip(places, rows, strict=True):
        measured.rows[key] = row
        if should_stop():
            break
    return measured
