"""The sweep in the dock that simulates: one parameter varies, the others stay as they are set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import GeneratorWorker, QSignalThrottler

from napari_lattice_symmetry import bravais
from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.lattice.image import LatticeImage
from napari_lattice_symmetry.plugin.background.run_bar import RunBar
from napari_lattice_symmetry.plugin.runs.loading import PREPARING
from napari_lattice_symmetry.plugin.runs.worker import create_step_worker

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure

    from napari_lattice_symmetry.inspection.simulation import SweepPoint

_REDRAW = 500  # ms from one drawing of the figure to the next

_FIELDS = LatticeImage.model_json_schema()["properties"]


class SweepPanel(QWidget):
    """Plots the answers against one parameter of a simulated image.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme the figure follows.
    image : callable
        Gives the image of which one parameter is varied.

    Signals
    -------
    finished()
        When a sweep has ended, whatever the reason.
    """

    finished = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, image: Callable[[], LatticeImage]) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import FigureCanvas

        super().__init__()
        self._image = image
        self._worker: GeneratorWorker | None = None
        self._swept = ""
        self.points: list[SweepPoint] = []
        self.canvas = FigureCanvas(viewer, self._plot)
        self._redraw = QSignalThrottler(parent=self)
        self._redraw.setTimeout(_REDRAW)
        self._redraw.triggered.connect(self.canvas.refresh)
        self._build()

    @property
    def is_running(self) -> bool:
        """Whether a sweep is under way."""
        return self._worker is not None

    def follow(self, image: LatticeImage) -> None:
        """Offer the parameters that the class of an image has."""
        from napari_lattice_symmetry.inspection.simulation import sweepable

        names = sweepable(image.lattice)
        if names == [self.parameter.itemData(i) for i in range(self.parameter.count())]:
            return
        before = self.parameter.currentData()
        self.parameter.blockSignals(True)
        self.parameter.clear()
        for name in names:
            self.parameter.addItem(_FIELDS[name]["title"], name)
        self.parameter.setCurrentIndex(names.index(before if before in names else "disorder"))
        self.parameter.blockSignals(False)
        if self.parameter.currentData() != before:
            self._on_parameter_chosen()

    def start(self) -> None:
        """Sweep with the settings as they are now; a wrong one becomes a notification."""
        from napari_lattice_symmetry.inspection.simulation import iter_sweep, sweep_values

        name = self.parameter.currentData()
        try:
            values = sweep_values(name, self.first.value(), self.last.value(), self.steps.value())
        except LatticeSymmetryError as error:
            show_error(str(error))
            return
        image, images = self._image(), self.images.value()

        def sweep(should_stop: Callable[[], bool]) -> Iterator[SweepPoint]:
            model = bravais.load_model()
            return iter_sweep(image, name, values, model, images=images, should_stop=should_stop)

        worker = create_step_worker(sweep, "The sweep failed")
        worker.yielded.connect(self._on_point)
        worker.errored.connect(self._on_error)
        worker.finished.connect(self._on_finished)  # type: ignore[arg-type]
        self.points, self._swept, self._worker = [], name, worker
        self.bar.show_progress(0, len(values))
        self.bar.set_running(True)
        self.status.setText(PREPARING)
        worker.start()

    def cancel(self) -> None:
        """Stop before the next image; what is plotted stays."""
        if self._worker is not None:
            self._worker.quit()
            self.bar.show_ending()

    def release(self) -> None:
        """Stop, and let go of the viewer."""
        self.cancel()
        self.canvas.release()

    def _build(self) -> None:
        self.parameter = QComboBox()
        self.parameter.setToolTip("Which parameter varies; all others stay as they are set.")
        self.parameter.currentIndexChanged.connect(self._on_parameter_chosen)
        self.first, self.last = QDoubleSpinBox(), QDoubleSpinBox()
        self.first.setToolTip("The first value.")
        self.last.setToolTip("The last value.")
        self.steps, self.images = QSpinBox(), QSpinBox()
        self.steps.setRange(2, 200)
        self.steps.setValue(21)
        self.steps.setToolTip("How many values, evenly spaced; for the dose by equal factors.")
        self.images.setRange(1, 1000)
        self.images.setValue(16)
        self.images.setToolTip("How many images at each value, with other random numbers.")
        self.bar = RunBar("Sweep", "Draw and judge all these images.", self.start, self.cancel)
        self.run_button, self.progress = self.bar.button, self.bar.progress
        self.status = self.bar.status
        form = QFormLayout()
        form.setVerticalSpacing(2)
        form.addRow("Vary", self.parameter)
        form.addRow("From", self.first)
        form.addRow("To", self.last)
        form.addRow("Values", self.steps)
        form.addRow("Images each", self.images)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(3)
        layout.addLayout(form)
        layout.addWidget(self.bar)
        layout.addWidget(self.canvas.pane, stretch=1)

    def _on_parameter_chosen(self, _index: int = 0) -> None:
        field = _FIELDS[self.parameter.currentData()]
        low, high = field["minimum"], field["maximum"]
        whole = field["type"] == "integer"
        for box, value in ((self.first, low), (self.last, high)):
            box.setDecimals(0 if whole else 2 if high - low > 1 else 3)
            box.setSingleStep(1 if whole else (high - low) / 50)
            box.setRange(low, high)
            box.setValue(value)

    def _on_point(self, point: SweepPoint) -> None:
        self.points.append(point)
        self.progress.setValue(len(self.points))
        self.status.setText(f"{len(self.points)} of {self.progress.maximum()} values")
        self._redraw.throttle()

    def _on_error(self, error: Exception) -> None:
        show_error(str(error))

    def _on_finished(self) -> None:
        self._worker = None
        self.canvas.refresh()
        self.bar.set_running(False)
        done, total = len(self.points), self.progress.maximum()
        self.status.setText(
            f"Finished: {total} values."
            if done == total
            else f"Stopped: {done} of {total} values kept."
        )
        self.finished.emit()

    def _plot(self, figure: Figure) -> None:
        from napari_lattice_symmetry.inspection.simulation_plot import plot_sweep

        if self.points:
            plot_sweep(self._swept, self.points, figure)
