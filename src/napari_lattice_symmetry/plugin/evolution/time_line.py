"""A line at one time in a figure, to be dragged with the mouse or moved with the keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from napari.components import ViewerModel

    from napari_lattice_symmetry.plugin.widgets.figure_canvas import FigureCanvas

_STEPS = {"left": -1, "right": 1, "pagedown": -10, "pageup": 10}


class TimeLine(QObject):
    """A line that snaps to the times of frames.

    Parameters
    ----------
    parent : QObject
        What this belongs to.

    Signals
    -------
    moved(time)
        Where a person has put it.
    """

    moved = Signal(float)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.time = 0.0
        self._times = np.zeros(1)
        self._lines: list[Line2D] = []
        self._dragged = False

    def make_canvas(
        self, viewer: ViewerModel, plot: Callable[[Figure], object], tooltip: str
    ) -> FigureCanvas:
        """Make the canvas of a figure, on which the line can be moved; `plot` draws both."""
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import FigureCanvas

        canvas = FigureCanvas(viewer, plot, tooltip)
        canvas.setMinimumHeight(220)
        canvas.mpl_connect("button_press_event", self._on_press)
        canvas.mpl_connect("motion_notify_event", self._on_motion)
        canvas.mpl_connect("button_release_event", self._on_release)
        canvas.mpl_connect("key_press_event", self._on_key)
        return canvas

    def draw(self, axes: list[Axes], times: NDArray[np.float64]) -> None:
        """Draw the line into axes, which have been cleared, over these times."""
        self._times = times
        self._lines = [
            each.axvline(self.time, color=each.xaxis.label.get_color(), linestyle="--")
            for each in axes
        ]

    def set(self, time: float) -> None:
        """Move the line."""
        self.time = time
        for line in self._lines:
            line.set_xdata([time, time])
        if self._lines:
            self._lines[0].figure.canvas.draw_idle()

    def _move(self, time: float) -> None:
        nearest = float(self._times[np.abs(self._times - time).argmin()])
        if nearest != self.time:
            self.set(nearest)
            self.moved.emit(nearest)

    def _on_press(self, event: Any) -> None:
        at_work = event.canvas.navigation.is_at_work
        self._dragged = event.button == 1 and event.inaxes is not None and not at_work
        self._on_motion(event)

    def _on_motion(self, event: Any) -> None:
        if self._dragged and event.xdata is not None and len(self._times):
            self._move(event.xdata)

    def _on_release(self, _event: Any) -> None:
        self._dragged = False

    def _on_key(self, event: Any) -> None:
        if event.key in _STEPS and len(self._times):
            place = int(np.abs(self._times - self.time).argmin()) + _STEPS[event.key]
            self._move(float(self._times[min(max(place, 0), len(self._times) - 1)]))
