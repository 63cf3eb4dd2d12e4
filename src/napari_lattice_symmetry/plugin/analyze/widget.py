"""The dock widget: choose a layer, see what an analysis will be, run it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from napari.layers import Image
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QScrollBar,
    QVBoxLayout,
    QWidget,
)

from napari_lattice_symmetry.bravais.parameters import parse_parameters
from napari_lattice_symmetry.errors import InputError, LatticeSymmetryError
from napari_lattice_symmetry.plugin.analyze.correction import Correction
from napari_lattice_symmetry.plugin.analyze.preview import LivePreview
from napari_lattice_symmetry.plugin.analyze.summary import Summary, describe_classes
from napari_lattice_symmetry.plugin.analyze.summary_box import SummaryBox
from napari_lattice_symmetry.plugin.forms.calibration import Calibration
from napari_lattice_symmetry.plugin.forms.destination import Destination
from napari_lattice_symmetry.plugin.forms.parameter_controls import ParameterControls
from napari_lattice_symmetry.plugin.layers.hover import show_probability_in_status
from napari_lattice_symmetry.plugin.layers.protection import protect_results
from napari_lattice_symmetry.plugin.layers.result_layers import result_metadata
from napari_lattice_symmetry.plugin.runs.analysis import AnalysisRun
from napari_lattice_symmetry.plugin.selection.results import present_geometry
from napari_lattice_symmetry.plugin.selection.source import Source, count_channels, take_source
from napari_lattice_symmetry.plugin.widgets.dock import Dock
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow

if TYPE_CHECKING:
    import napari.viewer
    import numpy as np
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
    from napari_lattice_symmetry.results import MovieResult

CHOOSE = "choose…"


class AnalysisWidget(Dock):
    """Names the lattice under every window of an image layer.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers can be analyzed, and where the result goes.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self.run: AnalysisRun | None = None
        self.result: MovieResult | None = None
        self._layer: Image | None = None

        self._build()
        show_probability_in_status(viewer.layers)
        protect_results(viewer.layers)
        viewer.layers.events.inserted.connect(self._on_layers_changed)
        viewer.layers.events.removed.connect(self._on_layers_changed)
        viewer.layers.events.renamed.connect(self._on_layers_changed)
        self.layer_chooser.changed.connect(self._on_layer_chosen)
        self.layer_chooser.reset_choices()
        if viewer.layers.selection.active in self.layer_chooser.choices:
            self.layer_chooser.value = viewer.layers.selection.active
        self._on_layer_chosen()

    @property
    def is_running(self) -> bool:
        """Whether an analysis is under way."""
        return self.run is not None and not self.run.is_over

    def release(self) -> None:
        """Stop, and let go of the viewer."""
        if self.run is not None:
            self.run.abandon()
        self.preview.release()
        events = self.viewer.layers.events
        events.inserted.disconnect(self._on_layers_changed)
        events.removed.disconnect(self._on_layers_changed)
        events.renamed.disconnect(self._on_layers_changed)
        self._watch(None)

    # ------------------------------------------------------------------ building

    def _build(self) -> None:
        self.layer_chooser = ComboBox(
            choices=self._list_images, tooltip="The movie or image to analyze."
        )
        keep_narrow(self.layer_chooser.native)
        self.channel_chooser = QComboBox()
        self.channel_chooser.setToolTip("The channel to analyze of a layer (T, C, Y, X).")
        self.channel_chooser.currentIndexChanged.connect(self._on_channel_chosen)
        self.form = QFormLayout()
        self.form.addRow("Image layer", self.layer_chooser.native)
        self.form.addRow("Channel", self.channel_chooser)
        self.calibration = Calibration(self.form, corrected=self.viewer.reset_view)
        self.parameters = ParameterControls(self.form, self)
        self.parameters.changed.connect(self._update_summary)
        self.correction = Correction(self.form, self.parameters, self.viewer, self._take_source)
        self.preview = LivePreview(self.viewer, self._take_request, self)
        self.parameters.changed.connect(self.preview.change)

        self.show_probabilities = QCheckBox("probabilities")
        self.show_probabilities.setToolTip(
            "Six images, each in the color of its class; they are made in any case."
        )
        self.show_uncertainty = QCheckBox("uncertainty")
        self.show_uncertainty.setToolTip(
            "The predictive entropy, 0 (sure) to 1.79 nats (no idea); it is made in any case."
        )
        self.follow = QCheckBox("finished frames")
        self.follow.setToolTip("Go to each frame as it is finished, until you move the slider.")
        self.follow.setChecked(True)

        self.summary = SummaryBox()
        self.summary.measured.connect(self._update_summary)
        self.summary.window_suggested.connect(self.parameters.controls["window"].set)

        self.run_button = QPushButton("Run")
        self.run_button.setToolTip("Analyze the chosen layer; finished frames stay on Cancel.")
        self.run_button.clicked.connect(self._on_run_clicked)
        self.progress = QProgressBar()
        self.progress.setRange(0, 1)
        self.progress.setValue(0)
        self.status = QLabel("Ready.")
        self.status.setWordWrap(True)
        self.preview.told.connect(self.status.setText)
        self.legend = QLabel(describe_classes())
        self.legend.setWordWrap(True)
        self.legend.setToolTip("Area share of each class in the frames that are finished.")

        shown = QHBoxLayout()
        shown.addWidget(self.show_probabilities)
        shown.addWidget(self.show_uncertainty)
        self.form.addRow("Show", shown)
        self.form.addRow("Follow", self.follow)
        self.destination = Destination(self.form, self)

        layout = QVBoxLayout(self)
        layout.setSpacing(4)
        self.form.setVerticalSpacing(4)
        layout.addWidget(_scrollable(self.form), stretch=1)
        layout.addWidget(self.summary)
        layout.addLayout(_in_a_row(self.run_button, self.preview.box))
        for widget in (self.progress, self.status, self.legend):
            layout.addWidget(widget)
        layout.addLayout(self._build_buttons())

    def _build_buttons(self) -> QHBoxLayout:
        self.load_button = QPushButton("Load settings from layer")
        self.load_button.setToolTip("Take the settings that made the selected result layer.")
        self.load_button.clicked.connect(self.load_settings)
        self.save_button = QPushButton("Save result…")
        self.save_button.setToolTip("Save the last result with all its maps as a .zarr folder.")
        self.save_button.clicked.connect(self._on_save_clicked)
        self.save_button.setEnabled(False)
        buttons = QHBoxLayout()
        buttons.addWidget(self.load_button)
        buttons.addWidget(self.save_button)
        return buttons

    # ------------------------------------------------------------------ choosing

    def _list_images(self, _chooser: Any = None) -> list[Image]:
        """List the images that can be analyzed: all but the maps of earlier analyses."""
        return [
            layer
            for layer in self.viewer.layers
            if isinstance(layer, Image) and result_metadata(layer) is None
        ]

    def _on_layers_changed(self, _event: Any = None) -> None:
        self.layer_chooser.reset_choices()
        self.correction.reset_choices()
        if self.layer_chooser.value != self._layer:  # the chooser does not tell of the last one
            self._on_layer_chosen()

    def _on_layer_chosen(self, _layer: Layer | None = None) -> None:
        layer = self.layer_chooser.value
        if layer == self._layer:
            self._update_summary()
            return
        self._watch(layer)
        self._list_channels(layer)
        self._update_summary()
        self._measure_period()

    def _watch(self, layer: Image | None) -> None:
        """Follow what happens to the chosen layer, and no longer to the one before."""
        for name in ("scale", "translate", "affine", "units", "data"):
            if self._layer is not None:
                getattr(self._layer.events, name).disconnect(self._update_summary)
            if layer is not None:
                getattr(layer.events, name).connect(self._update_summary)
        self._layer = layer

    def _list_channels(self, layer: Image | None) -> None:
        n_channels = 1 if layer is None or layer.ndim > 4 else count_channels(layer)
        self.channel_chooser.blockSignals(True)
        self.channel_chooser.clear()
        self.channel_chooser.addItem(CHOOSE, None)
        for channel in range(n_channels):
            self.channel_chooser.addItem(str(channel), channel)
        self.channel_chooser.blockSignals(False)
        self.form.setRowVisible(self.channel_chooser, n_channels > 1)

    def _on_channel_chosen(self, _index: int) -> None:
        self._update_summary()
        self._measure_period()

    def _take_source(self) -> Source:
        if self._layer is None:
            raise InputError("Open an image or a movie to analyze.")
        return take_source(self._layer, self.channel_chooser.currentData())

    def _take_request(self) -> tuple[Source, AnalysisParameters]:
        return self._take_source(), self.parameters.values()

    # ------------------------------------------------------------------ telling

    def _measure_period(self) -> None:
        try:
            self.summary.measure(self._take_source().movie)
        except LatticeSymmetryError:
            self.summary.measure(None)

    def _update_summary(self, _event: Any = None) -> None:
        geometry = None
        try:
            source = self._take_source()
            geometry = source.geometry
            summary = Summary.of(source.movie, self.parameters.values(), self.summary.period)
        except LatticeSymmetryError as error:
            summary = Summary(problem=str(error))
        self.calibration.show(self._layer, geometry)
        self.calibration.set_enabled(not self.is_running)
        self.summary.show_summary(summary)
        self.preview.follow()

    # ------------------------------------------------------------------ running

    def _on_run_clicked(self) -> None:
        if self.is_running:
            self.cancel()
        else:
            self.start()

    def start(self) -> None:
        """Analyze the chosen layer as it is now; a wrong setting becomes a notification."""
        try:
            run = AnalysisRun(
                self.viewer,
                self._take_source(),
                self.parameters.values(),
                show_probabilities=self.show_probabilities.isChecked(),
                show_uncertainty=self.show_uncertainty.isChecked(),
                follow=self.follow.isChecked(),
                output=self.destination.value,
                scheduler=self.destination.address,
            )
        except LatticeSymmetryError as error:
            show_error(str(error))
            return
        self.run = run
        run.progressed.connect(self._on_progress)
        run.frame_done.connect(self._on_frame_done)
        run.finished.connect(self._on_finished)
        self.destroyed.connect(run.abandon)
        self._set_running(True)
        run.start()

    def cancel(self) -> None:
        """Stop the analysis at the next block of windows; finished frames stay."""
        if self.run is not None and self.is_running:
            self.run.cancel()
            self.run_button.setText("Cancelling…")
            self.run_button.setEnabled(False)

    def _set_running(self, running: bool) -> None:
        self.run_button.setEnabled(True)
        self.run_button.setText("Cancel" if running else "Run")
        self.layer_chooser.enabled = not running
        self.channel_chooser.setEnabled(not running)
        self.parameters.set_enabled(not running)
        self.correction.setEnabled(not running)
        self.preview.set_running(running)
        self.destination.set_enabled(not running)
        self.calibration.set_enabled(not running)
        if running:
            self.legend.setText(describe_classes())
            self.progress.setRange(0, 0)  # busy, until the network is loaded
            self.status.setText("Loading the network…")

    def _on_progress(self, done: int, total: int) -> None:
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        if self.run is not None:
            self.status.setText(self.run.describe_progress(done, total))

    def _on_frame_done(self, shares: NDArray[np.float64]) -> None:
        self.legend.setText(describe_classes(shares))

    def _on_finished(self) -> None:
        run = self.run
        if run is None:
            return
        self._set_running(False)
        self.progress.setRange(0, run.n_frames)
        self.progress.setValue(run.n_done)
        self.status.setText(run.describe_end())
        self.result = run.result or self.result
        self.save_button.setEnabled(self.result is not None)
        self._update_summary()

    # ------------------------------------------------------------------ keeping

    def load_settings(self) -> None:
        """Take over the settings that made the selected layer."""
        layer = self.viewer.layers.selection.active
        about = None if layer is None else result_metadata(layer)
        if about is None:
            show_error("Select a layer that an analysis made; then its settings can be loaded.")
            return
        try:
            self.parameters.set_values(parse_parameters(**about["parameters"]))
        except LatticeSymmetryError as error:
            show_error(f"{layer.name}: {error}")

    def _on_save_clicked(self) -> None:
        if self.result is not None:
            path, _ = QFileDialog.getSaveFileName(
                self, "Save result", f"{self.result.name}.zarr", "Results (*.zarr)"
            )
            if path:
                self._save(self.result, path)

    def _save(self, result: MovieResult, path: str) -> None:
        path = path if path.endswith(".zarr") else f"{path}.zarr"
        try:
            geometry = present_geometry(self.viewer, result)
            result.geometry = result.geometry if geometry is None else geometry.described()
            result.save(path)
        except LatticeSymmetryError as error:
            show_error(str(error))
        else:
            show_info(f"Saved {path}.")


def _in_a_row(wide: QWidget, narrow: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(wide, stretch=1)
    row.addWidget(narrow)
    return row


def _scrollable(form: QFormLayout) -> QScrollArea:
    """Let a form be higher than the screen has room for."""
    holder = QWidget()
    holder.setLayout(form)
    form.setContentsMargins(0, 0, 0, 0)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(holder)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setMinimumWidth(holder.minimumSizeHint().width() + QScrollBar().sizeHint().width())
    return area
