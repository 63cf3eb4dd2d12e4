"""The tab that finds the pixel size from a lattice that is known."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_lattice_symmetry.analysis.cell_windows import average_pixel_size
from napari_lattice_symmetry.analysis.steps import Progress, ShouldStop
from napari_lattice_symmetry.cells import PixelSize
from napari_lattice_symmetry.cells.parameters import PixelParameters
from napari_lattice_symmetry.plugin.background.task_bar import Task, TaskBar
from napari_lattice_symmetry.plugin.cells.window_chooser import WindowChooser
from napari_lattice_symmetry.plugin.forms.calibration import set_pixel_size
from napari_lattice_symmetry.plugin.forms.known_lattice import KnownLatticeForm
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.selection.selection import Selection

_HINT = "The windows that are chosen above show a known lattice: what is the size of a pixel?"


class PixelTab(Releasing, QWidget):
    """Finds the size of a pixel along x and y, and writes it to the layer.

    Parameters
    ----------
    selection : Selection
        Which image is meant.
    chooser : WindowChooser
        Which windows are meant.
    """

    def __init__(self, selection: Selection, chooser: WindowChooser) -> None:
        super().__init__()
        self._selection, self._chooser = selection, chooser
        self.found: PixelSize | None = None
        self.form = KnownLatticeForm(PixelParameters())
        self.bar = self.keep(
            TaskBar(
                "Find &pixel size",
                "Fit the pixel size at which the lattice that is seen is the known one.",
                self._prepare,
                notify=False,
            )
        )
        self.answer = QLabel(_HINT)
        self.answer.setWordWrap(True)
        self.write_button = QPushButton("Write to the layer")
        self.write_button.setToolTip("Give the image layer pixels of this size.")
        self.write_button.setEnabled(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(3)
        for widget in (self.form.native, self.bar, self.answer, self.write_button):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.bar.done.connect(self._on_done)
        self.bar.refused.connect(self._on_refused)
        self.write_button.clicked.connect(self._write)
        self.form.changed.connect(self._forget)
        chooser.changed.connect(self._forget)

    def _prepare(self) -> Task:
        request, asked = self._chooser.request(), self.form.values()

        def task(progress: Progress, should_stop: ShouldStop) -> PixelSize:
            places, side = request.places()
            return average_pixel_size(
                request.movie,
                places,
                side,
                asked.known,
                square=asked.square,
                progress=progress,
                should_stop=should_stop,
            )

        return task

    def _on_done(self, found: PixelSize) -> None:
        self._show(
            found,
            f"x: {found.x:.5g} ± {found.x_error:.1g} nm<br>"
            f"y: {found.y:.5g} ± {found.y_error:.1g} nm<br>"
            f"misfit {found.misfit:.1%}, which no pixel size takes away"
            + (f"<br>{found.sampled}" if found.sampled else "")
            + (f"<br><b>{found.remarks}</b>" if found.remarks else ""),
        )

    def _on_refused(self, sentence: str) -> None:
        self._show(None, sentence)
        self.bar.status.setText("")

    def _forget(self) -> None:
        """Give up what is found or sought: another image or lattice is meant."""
        self.bar.cancel()
        self._show(None, _HINT)

    def _show(self, found: PixelSize | None, text: str) -> None:
        self.found = found
        self.answer.setText(text)
        self.write_button.setEnabled(found is not None)

    def _write(self) -> None:
        image, found = self._selection.image, self.found
        if image is not None and found is not None:
            set_pixel_size(image, found.y, found.x)
            self._show(None, f"{image.name} has pixels of {found.x:.5g} x {found.y:.5g} nm now.")
