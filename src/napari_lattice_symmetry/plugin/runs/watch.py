"""One watch: its worker, and the layers that get longer with every frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Layer
from qtpy.QtCore import QTimer, Signal  # type: ignore[attr-defined]

from napari_lattice_symmetry.analysis.watch import WatchStep, iter_watch
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.growing import GrowingMovie
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.plugin.layers.origin import FRAME_NAMES
from napari_lattice_symmetry.plugin.layers.result_layers import (
    count_labels,
    layer_maps,
    own,
    result_layers,
)
from napari_lattice_symmetry.plugin.readers import movie_layer
from napari_lattice_symmetry.plugin.runs.base import Run
from napari_lattice_symmetry.plugin.runs.loading import PREPARING
from napari_lattice_symmetry.results.growing import Growing

if TYPE_CHECKING:
    from napari.components import ViewerModel

_REFRESH = 300  # ms between two looks at the layers, however fast frames come


class WatchRun(Run):
    """Analyzes the frames of a movie in the background as they land, and shows them.

    When all layers of the result are removed, the run stops. The layer of the movie may go.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the layers go, once the first frame is done.
    movie : GrowingMovie
        What is watched.
    parameters : AnalysisParameters
        How frames are analyzed.
    output : pathlib.Path, optional
        Zarr folder to write to.
    show_probabilities, show_uncertainty : bool
        Whether these layers are visible.

    Signals
    -------
    changed()
        Whenever there is something else to tell.
    grown()
        When the layers have got longer.
    left_newest(), finished()
        As in `Run`.
    """

    changed = Signal()
    grown = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        movie: GrowingMovie,
        parameters: AnalysisParameters,
        *,
        output: Path | None = None,
        show_probabilities: bool = False,
        show_uncertainty: bool = False,
    ) -> None:
        super().__init__(
            viewer,
            f"{movie.name}: the watch failed",
            follow=True,
            show_probabilities=show_probabilities,
            show_uncertainty=show_uncertainty,
        )
        self.movie, self.parameters = movie, parameters.answerable()
        self.result: Growing | None = None
        self.movie_layer: Layer | None = None
        self.backlog, self.message, self.newest = 0, PREPARING, ""
        self._output = output
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH)
        self._timer.timeout.connect(self._refresh)

    def abandon(self) -> None:
        """Stop, and touch the viewer no more."""
        self._timer.stop()
        super().abandon()

    def describe(self) -> str:
        """Say how far it is."""
        counts = f"{self.n_done} analyzed"
        if self.failures:
            counts += f", {len(self.failures)} skipped"
        counts += f", {self.backlog} waiting"
        if self.error is not None:
            return f"Stopped by an error: {counts}."
        if removal := self._tell_removal():
            return removal
        if self.is_over:
            return f"Stopped: {counts}."
        newest = f"{self.newest}: " if self.newest else ""
        return " ".join(part for part in (f"{newest}{counts}.", self.message) if part)

    # ------------------------------------------------------------------ steps

    def _steps(self, should_stop: Callable[[], bool]) -> Iterator[WatchStep]:
        steps = iter_watch(
            self.movie, self.parameters, output=self._output, should_stop=should_stop
        )
        first = next(steps, None)
        if first is None:
            return
        if first.result is not None and first.landed is None:  # it is continued
            self._label_counts += count_labels(first.result.labels)
        yield first
        yield from steps

    def _on_step(self, step: WatchStep) -> None:
        self.backlog, self.message = step.backlog, step.message
        if step.result is not None:
            self.result = step.result
        if step.frame is not None and step.landed is not None:
            step.insert()
            self.newest = step.landed.name
            self._label_counts += count_labels(step.frame.labels)
            if step.frame.failure:
                self._on_failure(step.frame.failure)
        self._refresh_soon()
        self.changed.emit()

    def _refresh_soon(self, _event: Any = None) -> None:
        if not (self._timer.isActive() or self._abandoned or self.is_over):
            self._timer.start()

    def _on_finished(self) -> None:
        self._timer.stop()
        self.is_over = True
        if not self._abandoned:
            self._refresh()
        super()._on_finished()

    # ------------------------------------------------------------------ layers

    def _refresh(self) -> None:
        """Bring the layers up to date with the result."""
        result = self.result
        if result is None or not len(result.state):
            return
        if self.layers and not self._present_layers():
            self.cancel()
            return
        names = tuple(result.names)
        movie = self.movie.movie(names)
        if not self.layers:
            self._add_layers(result, movie)
        else:
            self._lengthen(result, movie)
        if movie is not None and self.movie_layer is not None:
            self.movie_layer.metadata[FRAME_NAMES] = names
        present = self._present_layers()
        self._tell_shares(present)
        if present:
            axis, layer = self._viewer.dims.ndim - 3, present[0]
            self._go_to(axis, layer.translate[-3] + (len(names) - 1) * layer.scale[-3])
        self.grown.emit()

    def _add_layers(self, result: Growing, movie: Movie | None) -> None:
        origin: dict[str, Any] = {"source_layer": result.name, "channel": None}
        if movie is not None:
            self.movie_layer = self._viewer.add_layer(Layer.create(*movie_layer(movie)))
            origin["source_id"] = str(self.movie_layer.unique_id)
            origin["source_layer"] = self.movie_layer.name
        geometry = LayerGeometry.of_calibration(result)
        for layer_data in result_layers(result, geometry, origin=origin, **self._visible):
            self.layers.append(self._viewer.add_layer(Layer.create(*layer_data)))

    def _lengthen(self, result: Growing, movie: Movie | None) -> None:
        """Give the layers the arrays as they are now; a layer that was removed stays away.

        That takes napari a while for each, so hidden ones follow when they are shown.
        """
        image = self.movie_layer
        if movie is not None and image is not None and image in self._viewer.layers:
            image.data = movie.frames
        for layer in self._present_layers():
            layer.events.visible.connect(self._refresh_soon)  # once; also of maps asked for later
            if layer.visible or self.is_over:
                layer.data = own(layer_maps(layer, result))
