"""The sweep in the dock that simulates: one parameter varies, the others stay as they are set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error
from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QVBoxLayout, QWidget
from superqt.utils import GeneratorWorker, QSignalThrottler

from napari_lattice_symmetry import bravais
from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.inspection.parameters import SweepParameters
from napari_lattice_symmetry.lattice.image import LatticeImage
from napari_lattice_symmetry.plugin.background.run_bar import RunBar
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.runs.loading import PREPARING
from napari_lattice_symmetry.plugin.runs.worker import create_step_worker

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure

    from napari_lattice_symmetry.inspection.simulation import SweepPoint

_REDRAW = 500  # ms from one drawing of the figure to the next

_FIELDS = LatticeImage.model_json_schema()["properties"]


class SweepPanel(Releasing, QWidget):
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
        self.canvas = self.keep(FigureCanvas(viewer, self._plot))
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
        box: Any = self.form["parameter"]
        if tuple(names) == box.choices:
            return
        before = box.value
        self.form.offer("parameter", [(_FIELDS[name]["title"], name) for name in names])
        if before not in names:
            box.value = "disorder"
            self._on_parameter_chosen()

    def start(self) -> None:
        """Sweep with the settings as they are now; a wrong one becomes a notification."""
        from napari_lattice_symmetry.inspection.simulation import iter_sweep, sweep_values

        try:
            asked = self.form.values()
            values = sweep_values(asked.parameter, asked.first, asked.last, asked.steps)
        except LatticeSymmetryError as error:
            show_error(str(error))
            return
        image, name, images = self._image(), asked.parameter, asked.images

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
        super().release()

    def _build(self) -> None:
        self.form = ModelForm(SweepParameters())
        self.form.reset_button.hide()
        self.form["parameter"].changed.connect(self._on_parameter_chosen)
        self._on_parameter_chosen()
        self.bar = RunBar(
            "Sweep", "Draw all these images, and ask what they show.", self.start, self.cancel
        )
        self.run_button, self.progress = self.bar.button, self.bar.progress
        self.status = self.bar.status
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(3)
        layout.addWidget(self.form.native)
        layout.addWidget(self.bar)
        layout.addWidget(self.canvas.pane, stretch=1)

    def _on_parameter_chosen(self) -> None:
        """Let it vary over all of its range."""
        field = _FIELDS[self.form["parameter"].value]
        low, high = field["minimum"], field["maximum"]
        whole = field["type"] == "integer"
        for name, value in (("first", low), ("last", high)):
            box: Any = self.form[name]
            decimals = 0 if whole else 2 if high - low > 1 else 3
            box.set_range(low, high, 1 if whole else (high - low) / 50, decimals)
            box.value = value

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
