"""The dock "Watch a folder": frames are analyzed while the microscope writes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
)

from napari_lattice_symmetry.analysis.watch import WATCH_SETTINGS
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.growing import GrowingMovie
from napari_lattice_symmetry.errors import ChoiceError, InputError, LatticeSymmetryError
from napari_lattice_symmetry.io.growing import open_growing
from napari_lattice_symmetry.plugin.background.run_bar import RunBar
from napari_lattice_symmetry.plugin.forms.destination import ResultPath
from napari_lattice_symmetry.plugin.forms.file_choice import FileChoice
from napari_lattice_symmetry.plugin.forms.model_form import FormArea, ModelForm, fold
from napari_lattice_symmetry.plugin.runs.watch import WatchRun
from napari_lattice_symmetry.plugin.selection.selection import selection_of
from napari_lattice_symmetry.plugin.widgets.dock import Dock
from napari_lattice_symmetry.results.plots import draw_fractions, legend_look
from napari_lattice_symmetry.settings import ADVANCED

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure
    from superqt import QCollapsible

_ROWS = tuple(name for name in WATCH_SETTINGS if name != "distortion")
"""A distortion is measured of an image that is there, and nothing else could fill its row."""


class WatchWidget(Dock):
    """Analyzes the frames in a folder, a TIFF file or a Zarr array as they are written.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the movie and its maps are shown.
    """

    page = "watching.md"

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import FigureCanvas

        super().__init__()
        self.viewer = viewer
        self.selection = selection_of(viewer)  # which looks after the maps that this adds
        self.run: WatchRun | None = None
        self.canvas = self.keep(FigureCanvas(viewer, self._plot))
        self.canvas.setMinimumHeight(180)
        self.canvas.setToolTip("Phase fractions of all frames so far.")
        self._build()

    @property
    def is_running(self) -> bool:
        """Whether a watch is under way."""
        return self.run is not None and not self.run.is_over

    def release(self) -> None:
        """Stop, and let go of the viewer."""
        if self.run is not None:
            self.run.abandon()
        super().release()

    # ------------------------------------------------------------------ building

    def _build(self) -> None:
        self.place = QLineEdit()
        self.place.setPlaceholderText("folder, TIFF file or Zarr folder")
        self.place.setToolTip(
            "A folder that images are written to, one a frame, or a TIFF file that gets page after "
            "page, or a Zarr folder whose array gets longer."
        )
        self.folder_button = _button("Folder…", "Choose a folder of images, or a Zarr folder.")
        self.folder_button.clicked.connect(self._choose_folder)
        self.file_button = _button("File…", "Choose a TIFF file that gets page after page.")
        self.file_button.clicked.connect(self._choose_file)
        self.pattern = QLineEdit("*")
        self.pattern.setToolTip('Which files of a folder are frames, such as "*.tif".')
        self.follow = QCheckBox("&newest frame")
        self.follow.setToolTip("Go to each frame when it is analyzed, until you move the slider.")
        self.follow.setChecked(True)
        self.follow.toggled.connect(self._on_follow)
        self.bar = RunBar(
            "&Start",
            "Analyze what is there, and then every frame that lands.",
            self.start,
            self.stop,
            while_running="&Stop",
            while_ending="Stopping…",
        )
        self.button, self.progress, self.status = (
            self.bar.button,
            self.bar.progress,
            self.bar.status,
        )
        self.progress.setToolTip("Frames analyzed, of those that have landed.")
        self.progress.setFormat("%v of %m")
        self.status.setText("Ready.")

        choosers = QHBoxLayout()
        choosers.addWidget(self.folder_button)
        choosers.addWidget(self.file_button)
        top = QFormLayout()
        top.setVerticalSpacing(3)
        top.addRow("Watch", self.place)
        top.addRow("", choosers)
        top.addRow("Follow", self.follow)
        layout = self.column
        layout.addLayout(top)
        layout.addWidget(self._build_settings())
        layout.addWidget(self.bar)
        layout.addWidget(self.canvas.pane, stretch=1)

    def _build_settings(self) -> QCollapsible:
        """Put what is set before a watch into a box that closes when it begins."""
        self.parameters = ModelForm(AnalysisParameters(), _ROWS, remembered_as="watch")
        advanced = self.parameters.pages[ADVANCED]
        self.choice = FileChoice(self.parameters.pages[""])
        advanced.addRow("Files", self.pattern)
        for told in (self.place.textChanged, self.pattern.textChanged):
            told.connect(self.choice.forget)
        self.show_probabilities = QCheckBox("probabilities")
        self.show_uncertainty = QCheckBox("uncertainty")
        for box in (self.show_probabilities, self.show_uncertainty):
            box.setToolTip(f"Show the {box.text()} from the start; they are made in any case.")
        advanced.addRow("Show", self.show_probabilities)
        advanced.addRow("", self.show_uncertainty)
        self.output = ResultPath(
            self.parameters.pages[""],
            self,
            "A .zarr folder that every frame is written to when it is analyzed; a result of the "
            "same source and settings is continued.",
        )
        self.settings = fold("Settings", FormArea(self.parameters))
        self.settings.expand(animate=False)
        return self.settings

    def _choose_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Watch a folder", self.place.text())
        if path:
            self.place.setText(path)

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Watch a file", self.place.text(), "TIFF files (*.tif *.tiff)"
        )
        if path:
            self.place.setText(path)

    # ------------------------------------------------------------------ running

    def start(self) -> None:
        """Begin to watch; what cannot be watched becomes a notification."""
        try:
            run = WatchRun(
                self.viewer,
                self._open(),
                self.parameters.values(),
                output=self.output.value,
                show_probabilities=self.show_probabilities.isChecked(),
                show_uncertainty=self.show_uncertainty.isChecked(),
            )
        except LatticeSymmetryError as error:
            self.status.setText(str(error))
            show_error(str(error))
            self._ask_for_choice(error)
            return
        self.run = run
        run.follow = self.follow.isChecked()
        run.changed.connect(self._tell)
        run.grown.connect(self.canvas.refresh)
        run.left_newest.connect(lambda: self.follow.setChecked(False))
        run.finished.connect(self._on_finished)
        self.destroyed.connect(run.abandon)
        self._set_running(True)
        self.canvas.refresh()
        self._tell()
        run.start()

    def stop(self) -> None:
        """Stop at the next block of windows; analyzed frames stay."""
        if self.run is not None and self.is_running:
            self.run.cancel()
            self.bar.show_ending()

    def _open(self) -> GrowingMovie:
        place = self.place.text().strip()
        if not place:
            raise InputError("Choose a folder, a TIFF file or a Zarr folder to watch.")
        return open_growing(
            Path(place).expanduser(),
            pattern=self.pattern.text().strip() or "*",
            dataset=self.choice.chosen("dataset"),
            channel=self.choice.chosen("channel"),
        )

    def _ask_for_choice(self, error: Exception | None) -> None:
        """If that is what a watch ended for want of, let it be chosen."""
        if isinstance(error, ChoiceError):
            self.choice.ask(error)
            self.status.setText(f"Choose a {error.keyword} above, and start again.")

    def _set_running(self, running: bool) -> None:
        self.bar.set_running(running)
        for widget in (self.place, self.folder_button, self.file_button):
            widget.setEnabled(not running)
        self.parameters.set_enabled(not running)
        if running:
            self.settings.collapse(animate=False)
        else:
            self.settings.expand(animate=False)

    def _tell(self) -> None:
        if self.run is not None:
            n_seen = self.run.n_done + len(self.run.failures)
            self.bar.show_progress(n_seen, max(n_seen + self.run.backlog, 1))
            self.status.setText(self.run.describe())

    def _on_follow(self, follow: bool) -> None:
        if self.run is not None:
            self.run.follow = follow

    def _on_finished(self) -> None:
        self._set_running(False)
        self._tell()
        self._ask_for_choice(None if self.run is None else self.run.error)

    def _plot(self, figure: Figure) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import write_hint

        run = self.run
        if run is not None and run.result is not None and run.result.done.any():
            axes = figure.subplots()
            draw_fractions(axes, run.result)
            axes.set_title(run.result.name, fontsize="small")
            figure.legend(loc="outside lower center", **legend_look(figure))
        else:
            write_hint(figure, "Phase fractions, once a frame is analyzed")


def _button(title: str, tooltip: str) -> QPushButton:
    button = QPushButton(title)
    button.setToolTip(tooltip)
    return button
