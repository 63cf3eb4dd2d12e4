"""What an analysis and a watch have in common: a worker, and the layers of what it finds."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_error, show_warning
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.plugin.layers.origin import result_of
from napari_lattice_symmetry.plugin.layers.result_group import layers_of_result, shows
from napari_lattice_symmetry.plugin.layers.result_layers import (
    LABEL_MAP,
    class_features,
)
from napari_lattice_symmetry.plugin.runs.worker import create_step_worker
from napari_lattice_symmetry.results import MovieResult

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

logger = logging.getLogger(__name__)


class Run(QObject):
    """Fills a result in the background, and shows what is finished.

    When all layers of the result are removed, it stops.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the layers go, once the first frame is done.
    failing : str
        How the sentence begins if anything goes wrong.
    follow : bool
        Whether the viewer goes to each frame as it is finished, until the user goes elsewhere.
    progress : dict, optional
        As in `create_step_worker`.
    **visible : bool
        Which layers are visible, as in `result_layers`.

    Signals
    -------
    left_newest()
        When the user went to another frame than the newest.
    finished()
        When the worker is gone, whatever the reason.
    """

    left_newest = Signal()
    finished = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        failing: str,
        *,
        follow: bool,
        progress: dict[str, Any] | None = None,
        **visible: bool,
    ) -> None:
        super().__init__()
        self.result: MovieResult | None = None
        self.layers: list[Layer] = []
        self.error: Exception | None = None
        self.failures: list[str] = []
        self.follow = follow
        self.cancelled = self.is_over = self._abandoned = False
        self._viewer, self._failing = viewer, failing
        self._visible: dict[str, Any] = dict(visible)
        self._label_counts = np.zeros(len(CLASSES), dtype=np.int64)
        self._followed_to: float | None = None
        self._worker = create_step_worker(self._steps, failing, progress)
        self._worker.yielded.connect(self._on_yielded)
        self._worker.errored.connect(self._on_error)
        self._worker.finished.connect(self._on_finished)  # type: ignore[arg-type]

    def start(self) -> None:
        """Start the worker."""
        self._worker.start()

    def cancel(self) -> None:
        """Ask the worker to stop; finished frames stay."""
        self.cancelled = True
        self._worker.quit()

    def abandon(self) -> None:
        """Stop, and touch the viewer no more."""
        self._abandoned = True
        self.cancel()

    @property
    def n_done(self) -> int:
        """Number of finished frames."""
        return 0 if self.result is None else int(self.result.done.sum())

    def _steps(self, should_stop: Callable[[], bool]) -> Iterator[Any]:
        """Return the steps; called in the worker's thread."""
        raise NotImplementedError

    def _on_step(self, step: Any) -> None:
        """Take a step."""
        raise NotImplementedError

    def _on_yielded(self, step: Any) -> None:
        if not self._abandoned:
            self._on_step(step)

    def _on_failure(self, sentence: str) -> None:
        """Tell of the first frame that could not be read; the status tells how many."""
        if not self.failures:
            show_warning(sentence)
        self.failures.append(sentence)

    def _on_error(self, error: Exception) -> None:
        self.error = error
        logger.info(self._failing, exc_info=error)
        if not self._abandoned:
            show_error(str(error))

    def _on_finished(self) -> None:
        self.is_over = True
        self.finished.emit()

    def _present_layers(self) -> list[Layer]:
        """List what the viewer shows of the result: also maps that were asked for meanwhile.

        What was made of these maps, as of strain, is not filled by a run.
        """
        group = layers_of_result(self._viewer.layers, self.layers[0]) if self.layers else []
        return [layer for layer in group if result_of(layer) is not None]

    def _tell_removal(self) -> str:
        """Say that it stopped, if all its layers were removed; else nothing."""
        if self.layers and not self._present_layers():
            return "Stopped, since all layers of the result were removed."
        return ""

    def _tell_shares(self, layers: Sequence[Layer]) -> Sequence[float]:
        """Write the area share of each class so far into class maps, and give them."""
        features = class_features(self._label_counts)
        for layer in layers:
            if shows(layer, LABEL_MAP):
                layer.features = features
        shares: Sequence[float] = features["area share"]
        return shares

    def _go_to(self, axis: int, point: float) -> None:
        """Show a finished frame, unless the user went elsewhere meanwhile."""
        dims = self._viewer.dims
        if self._followed_to is not None and not np.isclose(dims.point[axis], self._followed_to):
            self.follow, self._followed_to = False, None
            self.left_newest.emit()
        if self.follow:
            dims.set_point(axis, point)
            self._followed_to = dims.point[axis]
