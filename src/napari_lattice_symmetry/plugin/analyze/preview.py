"""The frame that is shown, analyzed again whenever a setting changes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Layer
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_lattice_symmetry.analysis import stream
from napari_lattice_symmetry.bravais.classifier import BLOCK
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.errors import AnalysisError, LatticeSymmetryError
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.layers.result_layers import METADATA_KEY, preview_layer
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.selection.source import Source
from napari_lattice_symmetry.spectrum import WindowGrid

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.types import LayerData

_DELAY = 80
"""Milliseconds without another change before a frame is analyzed."""

_AT_ONCE = 2 * BLOCK
"""Windows that come quickly; of a frame with more, a coarser map is shown first."""


@dataclass(frozen=True, eq=False)
class _Request:
    source: Source
    parameters: AnalysisParameters
    """Those of a single frame."""
    every: int = 1
    """Of the windows, every how many along each side."""
    asked: float = field(default_factory=time.perf_counter)

    def is_as(self, other: _Request | None) -> bool:
        """Return whether this asks for the map that `other` has asked for."""
        return (
            other is not None
            and self.source.movie.frames is other.source.movie.frames
            and self.source.movie.name == other.source.movie.name
            and self.source.geometry == other.source.geometry
            and self.parameters == other.parameters
        )

    def coarse(self) -> _Request:
        """Return what asks for as many of these windows as come quickly."""
        settings = self.parameters
        grid = WindowGrid(self.source.movie.shape[1:], settings.window, settings.stride)
        return replace(self, every=math.ceil(math.sqrt(grid.size / _AT_ONCE)))


class LivePreview(Releasing, QObject):
    """A box to tick, and the layer that then follows the settings and the time slider.

    While a run is under way, and until a setting changes after it, there is no preview.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the layer goes.
    take : callable
        Gives the source and the settings as they are now, or raises a `LatticeSymmetryError`.
    parent : QWidget
        What this belongs to.

    Signals
    -------
    told(sentence)
        What there is to say of the preview.
    """

    told = Signal(str)

    def __init__(
        self,
        viewer: ViewerModel,
        take: Callable[[], tuple[Source, AnalysisParameters]],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._take = viewer, take
        self.layer: Labels | None = None
        self._asked: _Request | None = None
        self._running = self._dormant = False
        self.box = QCheckBox("Live preview")
        self.box.setToolTip(
            "Analyze the frame that is shown again whenever a setting or the frame changes, "
            "into a layer of its own."
        )
        self.box.toggled.connect(self._on_toggled)
        self._requests = self.keep(LatestRequest(_analyze_frame, self, delay=_DELAY))
        self._requests.done.connect(self._on_done)
        self._requests.failed.connect(self._on_failed)
        self.listen(viewer.dims.events.current_step, self._on_step)
        self.listen(viewer.layers.events.removed, self._on_removed)

    def change(self) -> None:
        """Take note that a setting has changed."""
        self._dormant = False
        self._ask()

    def follow(self) -> None:
        """Take note that the image has changed; a preview that is hidden stays as it is."""
        if not self._dormant and (self.layer is None or self.layer.visible):
            self._ask()

    def set_running(self, running: bool) -> None:
        """Make way for a run, whose layers show the same frames."""
        self._running = running
        if running:
            self._forget()
            self._dormant = True
            if self.layer is not None:
                self.layer.visible = False

    def _on_toggled(self, ticked: bool) -> None:
        if ticked:
            self.change()
            return
        self._forget()
        layer, self.layer = self.layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _on_step(self, _event: Any = None) -> None:
        try:
            source, _ = self._take()
        except LatticeSymmetryError:
            return
        if self._asked is None or self._frame_shown(source) != self._asked.parameters.first_frame:
            self.follow()

    def _on_removed(self, event: Any) -> None:
        if event.value is self.layer:
            self.layer = None
            self.box.setChecked(False)
            self.told.emit("Live preview is off, since its layer was removed.")

    def _frame_shown(self, source: Source) -> int:
        return source.geometry.frame_at(self._viewer.dims.point, len(source.movie))

    def _ask(self) -> None:
        if not self.box.isChecked() or self._running:
            return
        try:
            source, parameters = self._take()
        except LatticeSymmetryError as error:
            self._requests.drop()
            self._on_failed(error)
            return
        frame = self._frame_shown(source)
        this = {"first_frame": frame, "last_frame": frame, "frame_step": 1}
        # A lattice fit would take longer than the network: the preview waits for no verdict.
        request = _Request(source, parameters.of_network().model_copy(update=this))
        if request.is_as(self._asked):
            return
        try:
            coarse = request.coarse()
        except LatticeSymmetryError as error:
            self._requests.drop()
            self._on_failed(error)
            return
        self._asked = request
        self._requests.ask(coarse)

    def _forget(self) -> None:
        self._asked = None
        self._requests.drop()

    def _on_done(self, done: tuple[_Request, LayerData]) -> None:
        request, (data, arguments, _) = done
        if self.layer is not None and self.layer.ndim == data.ndim:
            _replace(self.layer, data, arguments)
        else:
            old, self.layer = self.layer, Labels(data, **arguments)
            if old is not None:
                self._viewer.layers.remove(old)
            self._viewer.add_layer(self.layer)
        taken = time.perf_counter() - request.asked
        told = f"Preview of frame {request.parameters.first_frame} in {taken:.2f} s"
        if request.every == 1:
            self.told.emit(f"{told}, by the network alone.")
        else:
            self.told.emit(f"{told}, coarse: 1 of {request.every**2} windows; the rest follows.")
            self._requests.ask(replace(request, every=1), in_turn=True)

    def _on_failed(self, error: Exception) -> None:
        self._asked = None
        if self.layer is not None:
            self.layer.data = np.zeros_like(self.layer.data)
        self.told.emit(str(error))


def _analyze_frame(
    request: _Request, should_stop: Callable[[], bool]
) -> tuple[_Request, LayerData]:
    source, stride = request.source, request.every * request.parameters.stride
    parameters = request.parameters.model_copy(update={"stride": stride})
    for step in stream(source.movie, parameters, should_stop=should_stop):
        if step.frame is not None and step.frame.failure:
            raise AnalysisError(step.frame.failure)
        step.insert()
    data, arguments, kind = preview_layer(step.result, source.geometry, source.origin)
    asked = request.parameters.model_dump(mode="json")  # also of a coarse map, to be loaded again
    arguments["metadata"][METADATA_KEY]["parameters"] = asked
    return request, (data, arguments, kind)


def _replace(layer: Layer, data: Any, arguments: dict[str, Any]) -> None:
    """Put another frame, or the same one on another grid, into the layer."""
    layer.data = data
    place = {"affine": np.eye(layer.ndim + 1), **arguments}
    for name in ("scale", "translate", "affine", "units", "axis_labels"):
        setattr(layer, name, place[name])
    for name in ("features", "metadata", "name"):
        setattr(layer, name, arguments[name])
    layer.visible = True
