"""The dock widget: choose a layer, see what an analysis will be, run it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import create_widget
from napari.layers import Image
from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
)

from napari_lattice_symmetry.bravais.parameters import ANSWERS, AnalysisParameters, parse_recorded
from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.evolution.curves import snapshot
from napari_lattice_symmetry.plugin.analyze.correction import Correction
from napari_lattice_symmetry.plugin.analyze.map_row import MapRow
from napari_lattice_symmetry.plugin.analyze.next_steps import NextSteps
from napari_lattice_symmetry.plugin.analyze.preview import LivePreview
from napari_lattice_symmetry.plugin.analyze.summary import Summary, count_frames, describe_classes
from napari_lattice_symmetry.plugin.analyze.summary_box import SummaryBox
from napari_lattice_symmetry.plugin.background.run_bar import RunBar
from napari_lattice_symmetry.plugin.forms.calibration import Calibration
from napari_lattice_symmetry.plugin.forms.channel_choice import ChannelChoice
from napari_lattice_symmetry.plugin.forms.destination import Destination
from napari_lattice_symmetry.plugin.forms.model_form import FormArea, ModelForm
from napari_lattice_symmetry.plugin.layers.origin import present_geometry, result_of
from napari_lattice_symmetry.plugin.layers.result_group import shows
from napari_lattice_symmetry.plugin.layers.result_layers import LABEL_MAP
from napari_lattice_symmetry.plugin.runs.analysis import AnalysisRun
from napari_lattice_symmetry.plugin.runs.loading import PREPARING, NetworkLoading
from napari_lattice_symmetry.plugin.selection.selection import selection_of
from napari_lattice_symmetry.plugin.selection.source import Source
from napari_lattice_symmetry.plugin.widgets.dock import Dock
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow
from napari_lattice_symmetry.settings import ADVANCED

if TYPE_CHECKING:
    import napari.viewer

    from napari_lattice_symmetry.results import MovieResult


class AnalysisWidget(Dock):
    """Names the lattice under every window of an image layer.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers can be analyzed, and where the result goes.
    """

    page = "guide.md"

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self.selection = selection_of(viewer)
        self.run: AnalysisRun | None = None
        self._run_text = ""  # what there is to say of it
        self._movie: tuple[Image | None, int | None] | None = None  # whose period was asked for

        self.loading = NetworkLoading()

        self._build()
        self.layer_chooser.changed.connect(self._on_image_chosen)
        self.listen(self.selection.changed, self._on_selection)
        self.listen(self.selection.image_edited, self._update_summary)
        self._on_selection()
        self.listen(self.loading.changed, self._on_loading)
        self.parameters.changed.connect(self._load_network)
        self._load_network()

    @property
    def is_running(self) -> bool:
        """Whether an analysis is under way."""
        return self.run is not None and not self.run.is_over

    def release(self) -> None:
        """Stop, and let go of the viewer."""
        if self.run is not None:
            self.run.abandon()
        super().release()

    # ------------------------------------------------------------------ building

    def _build(self) -> None:
        self.layer_chooser: Any = create_widget(
            annotation=Image,
            options={
                "choices": lambda _: self.selection.images,
                "tooltip": "The movie or image to analyze.",
            },
        )
        keep_narrow(self.layer_chooser.native)
        self.channel_chooser = ChannelChoice(self.selection)
        self.parameters = ModelForm(AnalysisParameters(), remembered_as="analysis")
        self.parameters.changed.connect(self._update_summary)
        self.form, advanced = self.parameters.pages[""], self.parameters.pages[ADVANCED]
        self.form.insertRow(0, "Image layer", self.layer_chooser.native)
        self.form.insertRow(1, "Channel", self.channel_chooser)
        self.calibration = Calibration(advanced, corrected=self.viewer.reset_view)
        self.correction = self.keep(
            Correction(advanced, self.parameters, self.viewer, self.selection)
        )
        self.preview = self.keep(LivePreview(self.viewer, self._take_request, self))
        self.parameters.changed.connect(self.preview.change)

        self.show_probabilities = QCheckBox("probabilities")
        self.show_probabilities.setToolTip(
            "Six images, each in the color of its class; they are made in any case."
        )
        self.show_uncertainty = QCheckBox("uncertainty")
        self.show_uncertainty.setToolTip(
            "The predictive entropy, 0 (sure) to 1.79 nats (no idea); it can be shown later, too."
        )
        self.follow = QCheckBox("finished frames")
        self.follow.setToolTip("Go to each frame as it is finished, until you move the slider.")
        self.follow.setChecked(True)

        self.summary = self.keep(SummaryBox())
        self.summary.measured.connect(self._update_summary)
        self.summary.window_suggested.connect(self._use_window)

        self.bar = RunBar(
            "Run",
            "Analyze the chosen layer; finished frames stay on Cancel.",
            self.start,
            self.cancel,
            beside=self.preview.box,
        )
        self.run_button, self.progress = self.bar.button, self.bar.progress
        self.status = self.bar.status
        self.preview.told.connect(self.status.setText)
        self.legend = QLabel()
        self.legend.setWordWrap(True)
        self.legend.setToolTip("Area share of each class in the frames that are finished.")

        advanced.addRow("Show", self.show_probabilities)
        advanced.addRow("", self.show_uncertainty)
        advanced.addRow("Follow", self.follow)
        self.destination = Destination(advanced, self)

        layout = self.column
        layout.addWidget(FormArea(self.parameters), stretch=1)
        layout.addWidget(self.summary)
        layout.addWidget(self.bar)
        layout.addWidget(self.legend)
        layout.addLayout(self._build_buttons())

    def _build_buttons(self) -> QVBoxLayout:
        self.load_button = QPushButton("Load settings")
        self.load_button.setToolTip("Take the settings that made the selected result.")
        self.load_button.clicked.connect(self.load_settings)
        self.save_button = QPushButton("Save result…")
        self.save_button.setToolTip("Save the selected result with all its maps.")
        self.save_button.clicked.connect(self._on_save_clicked)
        self.maps = self.keep(MapRow(self.viewer, self.selection))
        self.next_steps = self.keep(NextSteps(self.viewer, self.selection))
        buttons = QHBoxLayout()
        buttons.addWidget(self.load_button)
        buttons.addWidget(self.save_button)
        rows = QVBoxLayout()
        rows.addWidget(self.maps)
        rows.addWidget(self.next_steps)
        rows.addLayout(buttons)
        return rows

    # ------------------------------------------------------------------ choosing

    def _on_image_chosen(self, image: Image | None) -> None:
        if image is not None and image != self.selection.image:
            self.selection.choose_image(image)

    def _on_selection(self) -> None:
        """Show the image, the channel and the result that are selected."""
        selection = self.selection
        with self.layer_chooser.changed.blocked():
            self.layer_chooser.reset_choices()
            if selection.image is not None:
                self.layer_chooser.value = selection.image
            else:
                self.layer_chooser.native.setCurrentIndex(-1)
        several = self.channel_chooser.show_channels(selection.image)
        self.form.setRowVisible(self.channel_chooser, several)
        movie = selection.image, selection.channel
        if movie != self._movie:
            self._movie = movie
            self._measure_period()
        self.save_button.setEnabled(selection.result is not None)
        self._update_summary()
        self._tell()

    def _use_window(self, window: int) -> None:
        self.parameters["window"].value = window

    def _take_request(self) -> tuple[Source, AnalysisParameters]:
        return self.selection.take_source(), self.parameters.values()

    # ------------------------------------------------------------------ telling

    def _measure_period(self) -> None:
        try:
            self.summary.measure(self.selection.take_source().movie)
        except LatticeSymmetryError:
            self.summary.measure(None)

    def _update_summary(self, _event: Any = None) -> None:
        geometry = None
        try:
            source = self.selection.take_source()
            geometry = source.geometry
            summary = Summary.of(
                source.movie,
                self.parameters.values(),
                self.summary.period,
                self.loading.seconds_left,
            )
        except LatticeSymmetryError as error:
            summary = Summary(problem=str(error))
        self.calibration.show(self.selection.image, geometry)
        self.summary.show_summary(summary)
        self.preview.follow()

    def _load_network(self, _event: Any = None) -> None:
        with suppress(LatticeSymmetryError):  # the summary tells which setting is wrong
            settings = self.parameters.values()
            self.loading.begin(settings.network, settings.engine)

    def _on_loading(self) -> None:
        self._update_summary()
        self._tell()

    # ------------------------------------------------------------------ running

    def start(self) -> None:
        """Analyze the chosen layer as it is now; a wrong setting becomes a notification."""
        try:
            run = AnalysisRun(
                self.viewer,
                self.selection.take_source(),
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
        self._load_network()  # the last try may have failed
        run.start()

    def cancel(self) -> None:
        """Stop the analysis at the next block of windows; finished frames stay."""
        if self.run is not None and self.is_running:
            self.run.cancel()
            self.bar.show_ending()

    def _set_running(self, running: bool) -> None:
        self.bar.set_running(running)
        self.parameters.set_enabled(not running)
        self.preview.set_running(running)
        if running:
            self._run_text = PREPARING
            self.bar.show_progress(0, 0)  # busy, until the network is loaded
        self._tell()

    def _on_progress(self, done: int, total: int) -> None:
        self.bar.show_progress(done, total)
        if self.run is not None:
            self._run_text = self.run.describe_progress(done, total)
        self._tell()

    def _on_frame_done(self, _shares: object) -> None:
        self._tell()

    def _on_finished(self) -> None:
        if self.run is not None:
            self._run_text = self.run.describe_end()
        self._set_running(False)
        self._update_summary()

    def _tell(self) -> None:
        """Tell of the run under way, else of what is selected: its result, or what to do."""
        run, result = self.run, self.selection.result
        is_selected = run is not None and self._is_selected(run)
        text = self.selection.describe()
        done = np.zeros(1, bool) if result is None else result.done
        n_done, n_frames = int(done.sum()), len(done)
        self.legend.setText(describe_classes(self._area_shares()))
        if run is not None and self.is_running:
            whose = "" if is_selected else f"{run.source.movie.name}: "
            self.status.setText(whose + self._run_text)
            return
        if run is not None and is_selected:
            n_done, n_frames = run.n_done, run.n_frames
            if result is not None:
                text = f"{self._run_text} {text}, {ANSWERS[result.parameters.answer]}."
            else:
                text = self._run_text
        elif result is not None:
            whose = ANSWERS[result.parameters.answer]
            text = f"{text}: {n_done} of {count_frames(n_frames)} analyzed, {whose}."
        self.bar.show_progress(n_done, 0 if self.loading.is_busy else max(n_frames, 1))
        remark = PREPARING if self.loading.is_busy else self.loading.problem
        self.status.setText(f"{text} {remark}".strip())

    def _is_selected(self, run: AnalysisRun) -> bool:
        """Return whether a run is of what is selected."""
        image, result = self.selection.image, self.selection.result
        if run.result is not None and result is not None:
            return run.result is result
        return image is not None and str(image.unique_id) == run.source.layer_id

    def _area_shares(self) -> Iterable[float] | None:
        """Return the shares of the classes in the selected result, as its class map tells them."""
        for layer in self.viewer.layers:
            if shows(layer, LABEL_MAP) and result_of(layer) is self.selection.result is not None:
                shares: Iterable[float] = layer.features["area share"]
                return shares
        return None

    # ------------------------------------------------------------------ keeping

    def load_settings(self) -> None:
        """Take over the settings that made the selected map, or the result of the image."""
        settings = (self.selection.about or {}).get("parameters")
        if settings is None:
            show_error("Select an image that was analyzed, or a map of it, to load its settings.")
            return
        try:
            self.parameters.set_values(parse_recorded(settings))
        except LatticeSymmetryError as error:
            show_error(f"{self.selection.describe()}: {error}")

    def _on_save_clicked(self) -> None:
        try:
            result, _ = self.selection.require_result()
        except LatticeSymmetryError as error:
            show_error(str(error))
            return
        path, _ = QFileDialog.getSaveFileName(
            self, "Save result", f"{result.name}.zarr", "Results (*.zarr)"
        )
        if path:
            self._save(result, path)

    def _save(self, result: MovieResult, path: str) -> None:
        path = path if path.endswith(".zarr") else f"{path}.zarr"
        try:
            geometry = present_geometry(self.viewer, result)
            result.geometry = result.geometry if geometry is None else geometry.described()
            snapshot(result).save(path)  # one that is watched may get longer meanwhile
        except LatticeSymmetryError as error:
            show_error(str(error))
        else:
            show_info(f"Saved {path}.")
