"""The dock that looks at one window: where it is, what it shows, what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QScrollArea

from napari_lattice_symmetry.bravais.parameters import (
    AnalysisParameters,
    parse_parameters,
    parse_recorded,
)
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.inspection.window import (
    DEFAULTS,
    Inspection,
    inspect_window,
    place_window,
)
from napari_lattice_symmetry.inspection.window_plot import plot_inspection
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.forms.layer_choice import LayerChoice
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm
from napari_lattice_symmetry.plugin.inspect.followed_region import ONE_WINDOW, followed_window
from napari_lattice_symmetry.plugin.inspect.picking import STEPS, Picking
from napari_lattice_symmetry.plugin.layers.outline import WindowOutline
from napari_lattice_symmetry.plugin.selection.selection import selection_of
from napari_lattice_symmetry.plugin.selection.source import Source, find_channel_axis
from napari_lattice_symmetry.plugin.widgets.dock import Dock
from napari_lattice_symmetry.plugin.widgets.export_dialog import export
from napari_lattice_symmetry.spectrum import WindowGrid

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure
    from napari.layers import Image, Shapes

_HINT = "Click on an image or a class map; the arrow keys move the window."
_NOT_SHOWN = ("movie", "frame", "window", "P(", "network")
"""Rows that the figure or the controls tell already."""


class InspectorWidget(Dock):
    """Shows one window with its spectrum, its lattice and its probabilities.

    It takes its settings from the selected result, and the place from clicks and arrow keys.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose images can be inspected.
    """

    page = "inspector.md"

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self.inspection: Inspection | None = None
        self.selection = selection_of(viewer)
        self._chosen: tuple[Any, ...] = ()
        self._region: Shapes | None = None
        self._followed: tuple[Any, ...] = ()
        self._settings = AnalysisParameters()
        self._center: tuple[float, float] | None = None
        self._frame = 0
        self.outline = WindowOutline(viewer)
        self.picking = Picking(viewer, self)
        self.requests = self.keep(LatestRequest(_inspect_window, self))

        self._build()
        self.requests.done.connect(self._on_done)
        self.requests.failed.connect(self._on_failed)
        self.picking.clicked.connect(self._on_clicked)
        self.picking.moved.connect(self.move_by)
        self.picking.stepped.connect(self._step_frames)
        self.listen(self.selection.changed, self._list_regions)
        self.listen(self.selection.changed, self._on_selection)
        self.listen(self.selection.image_edited, self._on_edited)
        self.listen(viewer.dims.events.current_step, self._on_step)
        self.pick.setChecked(True)
        self._on_selection()

    def release(self) -> None:
        """Give back keys and clicks, and let go of the viewer."""
        super().release()
        self.picking.set_on(False)
        self._follow(None)
        self.outline.remove()

    # ------------------------------------------------------------------ building

    def _build(self) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import (
            FigureCanvas,  # loads Matplotlib
        )

        self.title = QLabel()
        self.title.setWordWrap(True)
        self.parameters = ModelForm(
            DEFAULTS, ("window", "samples", "network"), remembered_as="inspector"
        )
        self.parameters.pages[""].insertRow(0, "Inspects", self.title)
        self.region_chooser = LayerChoice(
            lambda: [each for each in self.selection.regions if each is not self.outline.layer],
            ONE_WINDOW,
            "Let the window lie over the shapes of a layer, or those that are selected there: move "
            "or enlarge them, and the spectrum comes along.",
        )
        self.region_chooser.changed.connect(self._follow)
        self.parameters.pages[""].insertRow(1, "Follows", self.region_chooser.native)
        self.parameters.changed.connect(self._inspect)
        self.pick = QPushButton("Pick with mouse and arrow keys")
        self.pick.setCheckable(True)
        self.pick.setToolTip(
            "A click on the image chooses a window, the arrow keys move it by a stride; Alt with "
            "left and right goes through time meanwhile. Release it to have napari's keys back."
        )
        self.pick.toggled.connect(self.picking.set_on)
        self.canvas = self.keep(FigureCanvas(self.viewer, self._plot))
        self.canvas.setMinimumSize(200, 240)
        self.canvas.setToolTip("The arrow keys move the window.")
        self.canvas.mpl_connect("key_press_event", self._on_figure_key)
        self.details = QLabel(_HINT)
        self.details.setWordWrap(True)
        self.details.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setVisible(False)
        layout = self.column
        layout.addWidget(self.parameters.native)
        rows = QScrollArea()  # else they cover the figure where there are many
        rows.setWidgetResizable(True)
        rows.setFrameShape(QScrollArea.Shape.NoFrame)
        rows.setWidget(self.details)
        layout.addWidget(self.pick)
        layout.addWidget(self.canvas.pane, stretch=3)
        layout.addWidget(rows, stretch=2)
        layout.addWidget(self.message)
        layout.addLayout(self._build_buttons())

    def _build_buttons(self) -> QHBoxLayout:
        self.copy_button = QPushButton("Copy as text")
        self.copy_button.setToolTip("Copy all numbers, a row each, to the clipboard.")
        self.copy_button.clicked.connect(self._copy)
        self.save_button = QPushButton("Save figure…")
        self.save_button.setToolTip("Save the figure as PNG or SVG.")
        self.save_button.clicked.connect(self._save)
        buttons = QHBoxLayout()
        for button in (self.copy_button, self.save_button):
            button.setEnabled(False)
            buttons.addWidget(button)
        return buttons

    def _plot(self, figure: Figure) -> None:
        if self.inspection is not None:
            plot_inspection(self.inspection, figure)

    # ------------------------------------------------------------------ what is inspected

    def _on_selection(self) -> None:
        """Take image and settings from what is selected, and look at the same place there."""
        selection, image = self.selection, self.selection.image
        settings = self._selected_settings()
        name = None if image is None else image.name
        chosen = image, name, selection.channel, selection.is_map, settings
        if chosen == self._chosen:
            return
        self._chosen = chosen
        if settings != self._settings:
            self._settings = settings
            samples = self.parameters["samples"].value
            with self.parameters.changed.blocked():
                self.parameters.set_values(settings.model_copy(update={"samples": samples}))
        if image is None:
            self._stop(self._say_what_lacks())
        else:
            self._inspect()

    def _selected_settings(self) -> AnalysisParameters:
        """Return those of the map or result; without one, those that are set here."""
        about = self.selection.about
        if about is not None:
            return parse_recorded(about["parameters"])
        return self._settings.model_copy(update={"distortion": self.selection.distortion})

    def _on_edited(self) -> None:
        self._settings = self._selected_settings()  # another distortion may have been measured
        self._inspect()

    def _say_what_lacks(self) -> str:
        layer = self.selection.layer
        if layer is None:
            return "Open an image or a movie to inspect."
        return (
            f"The image that {layer.name!r} was made from is not open; open it, or select "
            "another image."
        )

    # ------------------------------------------------------------------ where

    def _on_clicked(self, position: Any) -> None:
        image = self.selection.image
        if image is None:
            return
        y, x = (float(coordinate) for coordinate in image.world_to_data(position)[-2:])
        last_y, last_x = image.extent.data[1, -2:]
        if -0.5 <= y < last_y + 0.5 and -0.5 <= x < last_x + 0.5:
            self._follow(None)
            self._center = y, x
            self._inspect()

    def move_by(self, down: int, right: int) -> None:
        """Move the window by steps of a stride."""
        if self._center is not None:
            self._follow(None)
            y, x = self._center
            stride = self._settings.stride
            self._center = y + down * stride, x + right * stride
            self._inspect()

    def _follow(self, region: Shapes | None) -> None:
        """Let the window follow a region, or stay where it is."""
        if self._region is not None:
            self._region.events.set_data.disconnect(self._on_region_moved)
        self._region, self._followed = region, ()
        self._list_regions()
        self.parameters["window"].enabled = region is None
        if region is not None:
            region.events.set_data.connect(self._on_region_moved)
            self._inspect()

    def _list_regions(self) -> None:
        if self._region is not None and self._region not in self.selection.regions:
            self._follow(None)
        self.region_chooser.show_layer(self._region)

    def _on_region_moved(self, _event: Any = None) -> None:
        image = self.selection.image
        if self._region is None or image is None:
            return
        try:
            followed = followed_window(self._region, image)
        except LatticeSymmetryError as error:
            self._stop(str(error))
            return
        if followed != self._followed:
            self._inspect()

    def _go_to_region(self, image: Image) -> None:
        """Put the window over the region that it follows."""
        if self._region is not None:
            self._followed = self._center, side = followed_window(self._region, image)
            with self.parameters.changed.blocked():
                self.parameters["window"].value = side

    def _on_figure_key(self, event: Any) -> None:
        steps = STEPS.get(str(event.key).capitalize())
        if steps is not None:
            self.move_by(*steps)

    def _step_frames(self, frames: int) -> None:
        source = self._take_source()
        if source is not None:
            dims = self.viewer.dims
            axis = dims.ndim - len(source.geometry.scale) + source.geometry.time_axis
            if axis >= 0:
                dims.set_current_step(axis, dims.current_step[axis] + frames)

    def _on_step(self, _event: Any = None) -> None:
        source = self._take_source()
        if source is not None and self._frame_shown(source) != self._frame:
            self._inspect()

    def _frame_shown(self, source: Source) -> int:
        return source.geometry.frame_at(self.viewer.dims.point, len(source.movie))

    def _take_source(self) -> Source | None:
        """Take the image as it is now; if that cannot be inspected, say why."""
        image, seen = self.selection.image, None
        if image is None:
            return None
        axis = find_channel_axis(image)
        if axis is not None:
            seen = round(image.world_to_data(self.viewer.dims.point)[axis])
        try:
            return self.selection.take_source(seen)
        except LatticeSymmetryError as error:
            self._stop(str(error))
            return None

    # ------------------------------------------------------------------ looking

    def _inspect(self, _event: Any = None) -> None:
        """Look at the window where it is now."""
        source, image = self._take_source(), self.selection.image
        if source is None or image is None:
            return
        shape = source.movie.shape[1:]
        try:
            self._go_to_region(image)
            chosen = self.parameters.asdict()
            parameters = parse_parameters(**(self._settings.model_dump() | chosen))
            corner = place_window(self._center or _middle(shape), parameters.window, shape)
        except LatticeSymmetryError as error:
            self._stop(str(error))
            return
        if self.selection.is_map and parameters.window == self._settings.window:
            corner = _on_grid(corner, WindowGrid(shape, parameters.window, parameters.stride))
        half = (parameters.window - 1) / 2
        self._center = corner[0] + half, corner[1] + half
        self._frame = self._frame_shown(source)
        self.outline.show(image, corner, parameters.window)
        self.title.setText(f"{source.movie.name}, frame {self._frame}")
        self.requests.ask((source.movie, self._frame, self._center, parameters))

    def _on_done(self, inspection: Inspection) -> None:
        self.inspection = inspection
        self.canvas.refresh()
        self.details.setText(_as_table(inspection))
        self.message.setVisible(False)
        self.copy_button.setEnabled(True)
        self.save_button.setEnabled(True)

    def _on_failed(self, error: Exception) -> None:
        self._say(str(error))

    def _stop(self, sentence: str) -> None:
        self.requests.drop()
        self.outline.hide()
        self._say(sentence)

    def _say(self, sentence: str) -> None:
        self.message.setText(sentence)
        self.message.setVisible(True)

    # ------------------------------------------------------------------ keeping

    def _copy(self) -> None:
        clipboard = QApplication.clipboard()
        if self.inspection is not None and clipboard is not None:
            clipboard.setText(self.inspection.text())
            self._say("Copied.")

    def _save(self) -> None:
        if self.inspection is None:
            return
        name = f"{self.inspection.name} frame {self.inspection.frame}"
        export(self, name, partial(plot_inspection, self.inspection))


def _inspect_window(
    request: tuple[Movie, int, tuple[float, float], AnalysisParameters],
    _should_stop: Callable[[], bool],
) -> Inspection:
    return inspect_window(*request)


def _middle(shape: tuple[int, int]) -> tuple[float, float]:
    return (shape[0] - 1) / 2, (shape[1] - 1) / 2


def _on_grid(corner: tuple[int, int], grid: WindowGrid) -> tuple[int, int]:
    """Return the corner of the nearest window of a map."""
    y, x = (
        grid.stride * min(round(place / grid.stride), n - 1)
        for place, n in zip(corner, grid.shape, strict=True)
    )
    return y, x


def _as_table(inspection: Inspection) -> str:
    """Write what the figure does not show as a table of two columns."""
    rows = [
        f"<tr><td>{name}&nbsp;&nbsp;</td><td>{value}</td></tr>"
        for name, value in inspection.rows()
        if not name.startswith(_NOT_SHOWN)
    ]
    return f"<table>{''.join(rows)}</table>"
