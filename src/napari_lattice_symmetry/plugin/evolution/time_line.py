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
        self._times = self._places = np.zeros(1)
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

    def draw(
        self,
        axes: list[Axes],
        times: NDArray[np.float64],
        places: NDArray[np.float64] | None = None,
    ) -> None:
        """Draw the line into axes, which have been cleared, over these times.

        Where the axis is not the time, `places` (T,) say where on it the times are.
        """
        self._times, self._places = times, times if places is None else places
        self._lines = [
            each.axvline(self._place, color=each.xaxis.label.get_color(), linestyle="--")
            for each in axes
        ]

    def set(self, time: float) -> None:
        """Move the line."""
        self.time = time
        for line in self._lines:
            line.set_xdata([self._place, self._place])
        if self._lines:
            self._lines[0].figure.canvas.draw_idle()

    @property
    def _place(self) -> float:
        """Where on the axis the line is; between frames only if that is the time."""
        if self._places is self._times or not len(self._times):
            return self.time
        return float(self._places[np.abs(self._times - self.time).argmin()])

    def _move_to_place(self, place: float) -> None:
        apart = np.abs(self._places - place)
        if np.isfinite(apart).any():
            self._move(float(self._times[np.nanargmin(apart)]))

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
            self._move_to_place(event.xdata)

    def _on_release(self, _event: Any) -> None:
        self._dragged = False

    def _on_key(self, event: Any) -> None:
        if event.key in _STEPS and len(self._times):
            place = int(np.abs(self._times - self.time).argmin()) + _STEPS[event.key]
            self._move(float(self._times[min(max(place, 0), len(self._times) - 1)]))
