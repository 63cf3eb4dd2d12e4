"""The tab that shows how many defects there are over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_lattice_symmetry.evolution.plots import plot_defect_counts
from napari_lattice_symmetry.evolution.tables import write_defect_counts
from napari_lattice_symmetry.plugin.atoms.layers import image_of
from napari_lattice_symmetry.plugin.atoms.measures.marks import LIVES_KEY, ShownLives
from napari_lattice_symmetry.plugin.evolution.follower import ResultFollower
from napari_lattice_symmetry.plugin.evolution.time_line import TimeLine
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.widgets.export_dialog import export

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HINT = (
    "Find the atoms of all frames in the dock Atoms, and press Find defects there: this shows how "
    "many are missing over time."
)


class LivesTab(Releasing, QWidget):
    """Draws how many atoms are missing over time, with a line at the frame that is shown.

    Parameters
    ----------
    follower : ResultFollower
        Whose viewer and selection are meant.

    Signals
    -------
    told(sentence)
        What there is to say.
    """

    told = Signal(str)

    def __init__(self, follower: ResultFollower) -> None:
        super().__init__()
        self._follower = follower
        self.shown: ShownLives | None = None
        self.line = TimeLine(self)
        self.line.moved.connect(self._go_to)
        tooltip = "Drag the line, or use the arrow keys."
        self.canvas = self.keep(self.line.make_canvas(follower.viewer, self._plot, tooltip))
        self.export_button = QPushButton("Export…")
        self.export_button.setToolTip("Save the counts as a table (CSV) or a figure (PNG, SVG).")
        self.export_button.clicked.connect(self._export)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.canvas.pane, stretch=1)
        layout.addWidget(self.export_button)
        events = follower.viewer.layers.events
        for event in (events.inserted, events.removed, follower.selection.changed):
            self.listen(event, self._look)
        self.listen(follower.viewer.dims.events.current_step, self._on_frame)
        self.export_button.setEnabled(False)
        self._look()

    def _look(self, _event: Any = None) -> None:
        """Find the topmost defects of the selected image that were followed."""
        image = self._follower.selection.image
        wanted = None if image is None else str(image.unique_id)
        found = [
            layer.metadata[LIVES_KEY]
            for layer in self._follower.viewer.layers
            if LIVES_KEY in layer.metadata and image_of(layer) == wanted
        ]
        shown = found[-1] if found else None
        if shown is not self.shown:
            self.shown = shown
            self.export_button.setEnabled(shown is not None)
            self._on_frame()
            self.canvas.refresh()

    @property
    def _frame_time(self) -> float | None:
        return None if self.shown is None else self.shown.found.source.geometry.frame_time

    def _on_frame(self, _event: Any = None) -> None:
        """Put the line at the frame that the viewer shows."""
        if self.shown is not None:
            geometry, frames = self.shown.found.source.geometry, self.shown.lives.frames
            frame = geometry.frame_at(self._follower.viewer.dims.point, int(frames.max()) + 1)
            self.line.set(float(frame * (self._frame_time or 1)))

    def _go_to(self, time: float) -> None:
        if self.shown is not None:
            frame = round(time / (self._frame_time or 1))
            self.shown.found.source.geometry.show_frame(self._follower.viewer.dims, frame)

    def _plot(self, figure: Figure) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import write_hint

        if self.shown is None:
            write_hint(figure, _HINT)
            self.line.draw([], np.zeros(0))
            return
        plot_defect_counts(self.shown.lives, self._frame_time, figure=figure)
        times = self.shown.lives.frames.astype(np.float64) * (self._frame_time or 1.0)
        self.line.draw(figure.axes, times)

    def _export(self) -> None:
        shown, time = self.shown, self._frame_time
        if shown is not None:
            name = shown.found.source.movie.name
            export(
                self,
                f"{name} missing atoms",
                lambda: plot_defect_counts(shown.lives, time, name),
                lambda path: write_defect_counts(shown.lives, path, time),
            )
