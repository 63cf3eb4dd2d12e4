"""One run of the analysis: its worker, and the layers that it fills."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Layer
from qtpy.QtCore import QTimer, Signal  # type: ignore[attr-defined]

from napari_lattice_symmetry.analysis import Step, stream
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.plugin.analyze.summary import count_frames, describe_duration
from napari_lattice_symmetry.plugin.layers.origin import list_images, source_layer_of
from napari_lattice_symmetry.plugin.layers.result_group import fold_results, remove_layers
from napari_lattice_symmetry.plugin.layers.result_layers import (
    copy_frames,
    count_labels,
    result_layers,
)
from napari_lattice_symmetry.plugin.runs.base import Run
from napari_lattice_symmetry.plugin.runs.speed import Speed, Stopwatch
from napari_lattice_symmetry.plugin.selection.source import Source
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.results.result import Maps
from napari_lattice_symmetry.spectrum import WindowGrid

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.types import LayerData


class AnalysisRun(Run):
    """Analyzes a source in the background, and shows what is finished.

    The source was taken when the run began, so whatever happens to its layer, the result is
    that source's. When all layers of the result are removed, the run stops.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the layers go, once the first frame is done.
    source : Source
        What to analyze.
    parameters : AnalysisParameters
        How.
    show_probabilities, show_uncertainty, follow
        As in `Run`.
    output, scheduler
        As in `analysis.analyze`.

    Signals
    -------
    progressed(done, total)
        Windows done, and windows in all.
    frame_done(shares)
        Area share of each class in all frames so far.
    finished()
        When the worker is gone, whatever the reason, and all layers are there.
    """

    progressed = Signal(int, int)
    frame_done = Signal(object)

    def __init__(
        self,
        viewer: ViewerModel,
        source: Source,
        parameters: AnalysisParameters,
        *,
        show_probabilities: bool = False,
        show_uncertainty: bool = False,
        follow: bool = True,
        output: Path | None = None,
        scheduler: str | None = None,
    ) -> None:
        # Tells a window that does not fit here and now, not in the worker.
        WindowGrid(source.movie.shape[1:], parameters.window, parameters.stride)
        name, n_frames = source.movie.name, len(parameters.frame_indices(len(source.movie)))
        super().__init__(
            viewer,
            f"{name}: the analysis failed",
            follow=follow,
            progress={"total": n_frames, "desc": name},
            show_probabilities=show_probabilities,
            show_uncertainty=show_uncertainty,
        )
        self.n_frames = n_frames
        self.source, self.parameters = source, parameters.answerable()
        self.stopwatch = Stopwatch()
        self._output, self._scheduler = output, scheduler
        self._layers_to_come: list[LayerData] = []
        self._layers_to_go: list[Layer] = []
        self._seen = np.zeros(n_frames, dtype=bool)  # frames that layers and legend know
        self._worker_is_gone = False
        self.progressed.connect(self._on_progress)

    def start(self) -> None:
        """Start the worker."""
        self._started = time.perf_counter()
        super().start()

    @property
    def speed(self) -> Speed | None:
        """How fast it goes; None before the second block of windows."""
        seconds, settings = self.stopwatch.seconds_per_window, self.parameters
        if seconds is None:
            return None
        named = settings.network, settings.window, settings.samples, settings.answer
        return Speed(seconds, *named)

    def describe_progress(self, done: int, total: int) -> str:
        """Say which frame is at work, and how long the rest will take."""
        frame = min(done * self.n_frames // total + 1, self.n_frames)
        text = f"Frame {frame} of {self.n_frames}"
        if self.speed is None:
            return text
        left = describe_duration(self.speed.seconds_per_window * (total - done))
        return f"{text}, about {left} left"

    def describe_end(self) -> str:
        """Say how it ended."""
        unread = f", {len(self.failures)} could not be read" if self.failures else ""
        kept = f"{self.n_done} of {count_frames(self.n_frames)} kept{unread}"
        if self.error is not None:
            return f"Stopped by an error: {kept}."
        if removal := self._tell_removal():
            return removal
        if self.cancelled and self.n_done + len(self.failures) < self.n_frames:
            return f"Cancelled: {kept}."
        taken = describe_duration(time.perf_counter() - self._started)
        return f"Finished: {count_frames(self.n_done)} in {taken}{unread}."

    def _steps(self, should_stop: Callable[[], bool]) -> Iterator[Step]:
        steps = stream(
            self.source.movie,
            self.parameters,
            output=self._output,
            scheduler=self._scheduler,
            progress=self._report,
            should_stop=should_stop,
        )
        first = next(steps)
        if first.result.done.any():  # it is continued; no other frame is in it yet
            self._seen = first.result.done.copy()
            self._label_counts += count_labels(first.result.labels)
            yield first
        yield from steps

    def _report(self, done: int, total: int) -> None:
        """Pass progress on from the worker's thread; it keeps this object alive meanwhile."""
        self.progressed.emit(done, total)

    def _on_progress(self, done: int, _total: int) -> None:
        self.stopwatch.tick(time.perf_counter(), done)

    def _on_step(self, step: Step) -> None:
        self.result = step.result
        if step.frame is None:
            self._add_layers(step.result)
            return
        step.insert()
        if step.frame.failure:  # there is nothing to see, nor for the viewer to go to
            self._on_failure(step.frame.failure)
        else:
            self._show(step.result, step.frame.position, step.frame.labels)

    def _show(self, result: MovieResult, position: int, labels: Maps) -> None:
        """Bring the layers up to date with a frame that was inserted."""
        if not self.layers:
            self._add_layers(result)
        present = self._present_layers()
        if not present:
            self.cancel()
            return
        self._seen[position] = True
        self._label_counts += count_labels(labels)
        maps, dims = self.source.geometry.of_maps(result), self._viewer.dims
        start, step = maps.translate[maps.time_axis], maps.scale[maps.time_axis]
        axis = dims.ndim - len(maps.scale) + maps.time_axis
        self._go_to(axis, start + position * step)
        shares = self._tell_shares(present)
        for layer in present:
            copy_frames(layer, result, position)
            layer.refresh(extent=False, highlight=False)
        self.frame_done.emit(shares)

    def _add_layers(self, result: MovieResult) -> None:
        """Add the layers on top, and fold earlier results of the same source.

        The classes come at once. Napari takes a tenth of a second for every layer, so the
        others follow one by one, below them, when it has drawn and listened in between; then
        those of earlier results go.
        """
        self._layers_to_go = fold_results(self._viewer, self.source.layer_id)
        self._layers_to_come = result_layers(
            result, self.source.geometry, origin=self.source.origin, **self._visible
        )
        active = self._viewer.layers.selection.active
        self.layers.append(self._viewer.add_layer(Layer.create(*self._layers_to_come.pop())))
        if active is not None and self._is_elsewhere(active):
            self._viewer.layers.selection.active = active  # what the user looks at by now
        QTimer.singleShot(0, self._add_next_layer)

    def _is_elsewhere(self, layer: Layer) -> bool:
        """Return whether a layer is another image than the source, or was made from one."""
        images = list_images(self._viewer)
        image = layer if layer in images else source_layer_of(self._viewer, layer)
        return image is not None and str(image.unique_id) != self.source.layer_id

    def _add_next_layer(self) -> None:
        present = self._present_layers()
        if self._abandoned or not present:
            self._layers_to_come.clear()
        if self._abandoned:
            self._layers_to_go.clear()
        if self._layers_to_come:
            layers = self._viewer.layers
            active = layers.selection.active
            layer = Layer.create(*self._layers_to_come.pop())
            if self.result is not None:  # which may hold more frames by now
                copy_frames(layer, self.result)
            layers.insert(min(map(layers.index, present)), layer)
            self.layers.append(layer)
            layers.selection.active = active
        else:
            remove_layers(self._viewer.layers, self._layers_to_go)
            self._layers_to_go.clear()
        if self._is_arranging:
            QTimer.singleShot(0, self._add_next_layer)
        elif self._worker_is_gone:
            super()._on_finished()

    def _on_finished(self) -> None:
        if self.speed is not None:
            self.speed.remember()
        self._worker_is_gone = True
        if self.result is not None and not self._abandoned:
            for position in np.flatnonzero(self.result.done & ~self._seen).tolist():
                # It was written to the disk while the worker was told to stop.
                self._show(self.result, position, self.result.labels[position])
        if not self._is_arranging:
            super()._on_finished()

    @property
    def _is_arranging(self) -> bool:
        return bool(self._layers_to_come or self._layers_to_go)
