"""The tab that measures how the frames of a movie drift, and undoes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.evolution.drift import (
    Drift,
    correct_drift,
    measure_drift,
    plot_drift,
    write_drift,
)
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.evolution.follower import ResultFollower
from napari_lattice_symmetry.plugin.evolution.time_line import TimeLine
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.widgets.export_dialog import export
from napari_lattice_symmetry.results import MovieResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from napari.layers import Image

_HINT = "Measure how the frames of the selected movie drift: each is compared with earlier ones."


@dataclass(frozen=True, eq=False)
class _Request:
    image: Image
    movie: Movie
    geometry: LayerGeometry
    result: MovieResult | None


@dataclass(frozen=True, eq=False)
class _Found:
    request: _Request
    drift: Drift


class DriftTab(Releasing, QWidget):
    """Shows the shift of every frame, and adds the movie without it.

    Parameters
    ----------
    follower : ResultFollower
        Knows the movie and its result.

    Signals
    -------
    told(sentence)
        What there is to say; empty when all is well.
    """

    told = Signal(str)

    def __init__(self, follower: ResultFollower) -> None:
        super().__init__()
        self._follower = follower
        self._found: _Found | None = None
        self._request = self.keep(LatestRequest(_measure, self))
        self._request.done.connect(self._on_found)
        self._request.failed.connect(self._on_failure)
        self.line = TimeLine(self)
        self.line.moved.connect(self._go_to)
        tooltip = "How far each frame lies from the first."
        self.canvas = self.keep(self.line.make_canvas(follower.viewer, self._plot, tooltip))
        self._build()
        self.listen(follower.viewer.dims.events.current_step, self._on_frame)
        self.listen(follower.selection.changed, self._on_selection)

    @property
    def drift(self) -> Drift | None:
        """What was measured on the selected movie."""
        return None if self._found is None else self._found.drift

    @property
    def is_busy(self) -> bool:
        """Whether drift is being measured."""
        return self._request.is_busy

    def _build(self) -> None:
        self.by_lattice = QCheckBox("stretch and turn, by the lattice")
        self.by_lattice.setToolTip(
            "Read stretch, shear and rotation of every frame from the lattices of its windows, and "
            "undo them too; the result has to have been made with the lattice fit."
        )
        self.measure_button = QPushButton("Measure drift")
        self.measure_button.setToolTip(
            "Where frames show nothing but a lattice, shifts are known up to a lattice vector, and "
            "the smallest from frame to frame is taken."
        )
        self.measure_button.clicked.connect(self.measure)
        self.correct_button = QPushButton("Add movie without drift")
        self.correct_button.setToolTip("As a layer, whose frames are made when they are shown.")
        self.correct_button.clicked.connect(self._correct)
        self.export_button = QPushButton("Export…")
        self.export_button.setToolTip("Save the shifts as a table (CSV) or a figure (PNG, SVG).")
        self.export_button.clicked.connect(self._export)
        buttons = QHBoxLayout()
        for button in (self.correct_button, self.export_button):
            button.setEnabled(False)
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.by_lattice)
        layout.addWidget(self.measure_button)
        layout.addWidget(self.canvas.pane, stretch=1)
        layout.addLayout(buttons)

    def measure(self) -> None:
        """Have the drift of the selected movie measured."""
        selection = self._follower.selection
        try:
            source = selection.take_source()
            result = selection.require_result()[0] if self.by_lattice.isChecked() else None
        except LatticeSymmetryError as error:
            self._on_failure(error)
            return
        assert selection.image is not None  # of which the source was taken
        self._show(None)
        self.told.emit("Comparing frames…")
        self._request.ask(_Request(selection.image, source.movie, source.geometry, result))

    def _on_selection(self) -> None:
        """Forget what was measured on another movie."""
        image = self._follower.selection.image
        if self._found is not None and image is not None and self._found.request.image != image:
            self._request.drop()
            self._show(None)
            self.told.emit("")

    def _on_found(self, found: _Found) -> None:
        self._show(found)
        self.told.emit(found.drift.remark)

    def _on_failure(self, error: Exception) -> None:
        self._show(None)
        self.told.emit(str(error))

    def _show(self, found: _Found | None) -> None:
        self._found = found
        for button in (self.correct_button, self.export_button):
            button.setEnabled(found is not None)
        self._on_frame()
        self.canvas.refresh()

    def _on_frame(self, _event: Any = None) -> None:
        """Put the line at the frame that the viewer shows."""
        if self._found is not None:
            request, drift = self._found.request, self._found.drift
            shown = request.geometry.frame_at(self._follower.viewer.dims.point, len(request.movie))
            nearest = np.abs(drift.frame_indices - shown).argmin()
            self.line.set(float(drift.times[nearest]))

    def _go_to(self, time: float) -> None:
        """Let the viewer show the frame of a time."""
        if self._found is not None:
            drift = self._found.drift
            frame = int(drift.frame_indices[np.abs(drift.times - time).argmin()])
            self._found.request.geometry.show_frame(self._follower.viewer.dims, frame)

    def _plot(self, figure: Figure) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import write_hint

        if self._found is None:
            write_hint(figure, _HINT)
            self.line.draw([], np.zeros(0))
        else:
            plot_drift(self._found.drift, figure=figure)
            self.line.draw(figure.axes, self._found.drift.times)

    def _correct(self) -> None:
        """Add the movie without drift, which looks as the movie does."""
        if self._found is None:
            return
        request, drift = self._found.request, self._found.drift
        corrected = correct_drift(request.movie, drift)
        geometry = LayerGeometry.of_calibration(corrected)
        image = request.image
        self._follower.viewer.add_image(
            corrected.frames,
            name=corrected.name,
            scale=geometry.scale,
            translate=geometry.translate,
            units=geometry.units,
            axis_labels=geometry.axis_labels,
            colormap=image.colormap,
            contrast_limits=image.contrast_limits,
        )

    def _export(self) -> None:
        drift = self.drift
        if drift is not None:
            name = "" if self._found is None else self._found.request.movie.name
            export(
                self,
                f"{name} drift",
                lambda: plot_drift(drift, name),
                lambda path: write_drift(drift, path),
            )


def _measure(request: _Request, should_stop: Callable[[], bool]) -> Any:
    drift = measure_drift(request.movie, request.result, should_stop=should_stop)
    return _Found(request, drift)
