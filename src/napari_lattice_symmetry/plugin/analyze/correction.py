"""Distortion correction in the analysis dock: mark, measure, keep, write to the layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Shapes
from napari.utils.notifications import show_error
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QWidget,
)

from napari_lattice_symmetry.analysis import Known, MeasuredDistortion, measure_distortion
from napari_lattice_symmetry.cells.parameters import TYPED, KnownLattice
from napari_lattice_symmetry.data.movie import NANOMETER, PIXEL, Movie
from napari_lattice_symmetry.errors import InputError, LatticeSymmetryError
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.forms.known_lattice import KnownLatticeForm
from napari_lattice_symmetry.plugin.forms.layer_choice import LayerChoice
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm
from napari_lattice_symmetry.plugin.layers.geometry import (
    layer_affine,
    length_unit,
    plane_affine,
    undoing_affine,
)
from napari_lattice_symmetry.plugin.layers.origin import source_layer_of
from napari_lattice_symmetry.plugin.layers.regions import region_mask, region_polygons
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.selection.selection import Selection
from napari_lattice_symmetry.plugin.selection.source import Source

if TYPE_CHECKING:
    from napari.components import ViewerModel

_Request = tuple[Movie, int, Known, NDArray[np.bool_] | None]

REGION_NAME = "known lattice"
_NAMED = ("hexagonal", "square")


class Correction(Releasing, QWidget):
    """The panel below the row "Distortion", which a button there opens.

    Parameters
    ----------
    form : QFormLayout
        The form with the row.
    parameters : ModelForm
        Whose distortion is set.
    viewer : napari.Viewer
        Where regions are marked.
    selection : Selection
        Whose image is corrected; it keeps the distortion that was measured on it.
    """

    def __init__(
        self,
        form: QFormLayout,
        parameters: ModelForm,
        viewer: ViewerModel,
        selection: Selection,
    ) -> None:
        super().__init__()
        self._viewer, self._selection = viewer, selection
        self._measured_image: Image | None = None
        self._shown_image: Image | None = None
        self._distortion: Any = parameters["distortion"]
        self._measuring = self.keep(LatestRequest(_measure, self))
        self._measuring.done.connect(self._on_measured)
        self._measuring.failed.connect(lambda error: self._tell(str(error)))
        self._build()
        self._build_row(form, parameters)
        self._distortion.changed.connect(self._on_change)
        self.listen(selection.changed, self._on_selection)
        self.listen(selection.image_edited, self._show_unit)
        self._on_selection()
        self._on_change()

    def _build(self) -> None:
        self.known = KnownLatticeForm(KnownLattice(lattice=TYPED), lattices=_NAMED)
        self.known["lattice"].value = _NAMED[0]
        self.region = LayerChoice(
            lambda: self._selection.regions,
            "whole frame",
            "Where in the shown frame that lattice is.",
        )
        self.mark_button = _make_button("Mark", "Draw a rectangle around it.", self.mark)
        self.measure_button = _make_button(
            "Measure", "Fit the lattice there, and undo its distortion from now on.", self.measure
        )
        self.clear_button = _make_button(
            "Clear", "Undo no distortion, and take it off the layer too.", self.clear
        )
        self.write_button = _make_button(
            "Write to layer",
            "Show the image, and the maps made from it, as it would be without the distortion: "
            "as the affine transform of these layers. The data stay as they are.",
            self.write,
        )
        self.told = QLabel()
        self.told.setWordWrap(True)

        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(2)
        form.addRow(self.known.native)
        form.addRow("Where", _row(self.region.native, self.mark_button))
        form.addRow(_row(self.measure_button, self.clear_button))
        form.addRow(self.write_button)
        form.addRow(self.told)

    def _build_row(self, form: QFormLayout, parameters: ModelForm) -> None:
        """Put a button beside what the row tells, and the panel below."""
        self.open_button = QPushButton("Correct…")
        self.open_button.setCheckable(True)
        self.open_button.setToolTip("Measure the distortion where the lattice is known.")
        self.open_button.toggled.connect(self._on_opened)
        line = parameters.put_beside("distortion", self.open_button)
        form.insertRow(line + 1, self)
        self.setVisible(False)

    def _on_opened(self, opened: bool) -> None:
        self.setVisible(opened)
        if opened:
            self._reveal()

    def _tell(self, text: str) -> None:
        self.told.setText(text)
        self._reveal()

    def _reveal(self) -> None:
        """Bring the end of the panel into view, once there is a layout for it."""
        area = self.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        if area is not None:
            QTimer.singleShot(0, partial(area.ensureWidgetVisible, self.told))

    def _on_selection(self) -> None:
        """Show the distortion of the image that is selected: it is that of no other."""
        self.region.reset_choices()
        self._show_unit()
        if self._selection.image != self._shown_image:
            self._shown_image = self._selection.image
            self.told.setText("")
            self._distortion.value = self._selection.distortion

    def _show_unit(self) -> None:
        """Let the cell be typed in the unit in which it is measured."""
        image = self._selection.image
        unit = "px" if image is None or length_unit(image.units) == PIXEL else NANOMETER
        for side in ("a", "b"):
            self.known[side].native.setSuffix(f" {unit}")

    def _on_change(self, *_: Any) -> None:
        if self._shown_image is not None:
            self._selection.keep_distortion(self._shown_image, self._distortion.value)
        self.clear_button.setEnabled(self._distortion.value is not None)
        self.write_button.setEnabled(self._distortion.value is not None)

    # ------------------------------------------------------------------ measuring

    def mark(self) -> None:
        """Add a layer on the image in which a rectangle can be drawn."""
        try:
            image = self._image()
        except LatticeSymmetryError as error:
            show_error(str(error))
            return
        shapes = Shapes(
            ndim=2,
            name=REGION_NAME,
            edge_color="#F0E442",
            face_color="transparent",
            edge_width=float(np.max(image.extent.data[1, -2:]) / 200),
            scale=image.scale[-2:],
            translate=image.translate[-2:],
            affine=layer_affine(plane_affine(image), 2),
            units=image.units[-2:],
            axis_labels=image.axis_labels[-2:],
        )
        self._viewer.add_layer(shapes)
        shapes.mode = "add_rectangle"
        self.region.value = shapes

    def measure(self) -> None:
        """Measure the distortion in the frame that is shown, in the background."""
        try:
            source = self._selection.take_source()
            region = self._mask(source)
        except LatticeSymmetryError as error:
            self._tell(str(error))
            return
        index = source.geometry.frame_at(self._viewer.dims.point, len(source.movie))
        self._measured_image = self._selection.image
        self._tell("Measuring…")
        self._measuring.ask((source.movie, index, self.known.values().known, region))

    def _mask(self, source: Source) -> NDArray[np.bool_] | None:
        """Return the pixels of a frame that are marked; None for all."""
        layer: Shapes | None = self.region.value
        if layer is None:
            return None
        polygons = region_polygons(layer)
        if not polygons:
            raise InputError(f"{layer.name!r} holds no rectangle, ellipse or polygon; draw one.")
        _, height, width = source.movie.shape
        return region_mask(polygons, self._image(), (height, width))

    def _on_measured(self, found: MeasuredDistortion) -> None:
        if self._measured_image is not None and self._measured_image != self._shown_image:
            self._selection.keep_distortion(self._measured_image, found.rows)
            return
        self._tell(f"It is {found}.")
        self._distortion.value = found.rows

    # ------------------------------------------------------------------ keeping

    def clear(self) -> None:
        """Undo no distortion any more, neither in spectra nor as the affine of layers."""
        distortion = self._distortion.value
        self._distortion.value = None
        self._tell("")
        try:
            image = self._image()
        except LatticeSymmetryError:
            return
        written = distortion and undoing_affine(image, np.array(distortion))
        if written is not None and np.allclose(plane_affine(image), written):
            self._set_affine(image, np.eye(3))

    def write(self) -> None:
        """Let the affine of the image, and of all maps made from it, undo the distortion."""
        try:
            image = self._image()
        except LatticeSymmetryError as error:
            show_error(str(error))
            return
        self._set_affine(image, undoing_affine(image, np.array(self._distortion.value)))

    def _image(self) -> Image:
        """Return the image to analyze, if it can be."""
        self._selection.take_source()
        assert self._selection.image is not None  # or its source could not be taken
        return self._selection.image

    def _set_affine(self, image: Image, plane: NDArray[np.float64]) -> None:
        """Transform the image, the maps made from it, and the region that is marked on it."""
        for layer in list(self._viewer.layers):
            if layer in (image, self.region.value) or source_layer_of(self._viewer, layer) == image:
                layer.affine = layer_affine(plane, layer.ndim)


def _measure(request: _Request, _should_stop: Callable[[], bool]) -> MeasuredDistortion:
    movie, index, known, region = request
    return measure_distortion(movie.frame(index), known, region, pixel_side=movie.pixel_side)


def _make_button(text: str, tooltip: str, press: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.clicked.connect(press)
    return button


def _row(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    layout = QHBoxLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return holder
