"""Pixel size and frame time of the chosen layer: two rows of a form, shown and corrected."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtWidgets import QDoubleSpinBox, QFormLayout

from napari_lattice_symmetry.data.movie import NANOMETER
from napari_lattice_symmetry.plugin.layers.geometry import SECOND, LayerGeometry
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow

if TYPE_CHECKING:
    from napari.layers import Image

_UNKNOWN = 0.0


class Calibration:
    """The rows "Pixel x", "Pixel y" and "Frame time"; what is typed there goes into the layer.

    The layer itself is changed, since all that comes after takes its calibration from there:
    the summary, the maps, their scale bar and the saved result.

    Parameters
    ----------
    form : QFormLayout
        Where the rows go.
    corrected : callable
        Called when a layer was changed, so that it can be brought back into view.
    """

    def __init__(self, form: QFormLayout, corrected: Callable[[], object]) -> None:
        self._corrected = corrected
        self._layer: Image | None = None
        self._geometry: LayerGeometry | None = None
        self._height_is_set = False
        self.pixel_width = _make_box(
            " nm", "Size of a pixel along x; that along y keeps its ratio to it until it is set."
        )
        self.pixel_height = _make_box(" nm", "Size of a pixel along y.")
        self.frame_time = _make_box(" s", "Time from one frame to the next.")
        for box, correct in (
            (self.pixel_width, self._correct_pixel_width),
            (self.pixel_height, self._correct_pixel_height),
            (self.frame_time, self._correct_frame_time),
        ):
            box.editingFinished.connect(box.take_typed)
            box.editingFinished.connect(correct)
        form.addRow("Pixel x", self.pixel_width)
        form.addRow("Pixel y", self.pixel_height)
        form.addRow("Frame time", self.frame_time)

    def show(self, layer: Image | None, geometry: LayerGeometry | None) -> None:
        """Show what is known of a layer; without a geometry, nothing can be corrected.

        What is being typed for the same layer stays.
        """
        is_same = layer == self._layer
        self._height_is_set = self._height_is_set and is_same
        self._layer, self._geometry = layer, geometry
        height, width, time = _UNKNOWN, _UNKNOWN, _UNKNOWN
        if geometry is not None:
            (height, width), time = _known_pixel(geometry), geometry.frame_time or _UNKNOWN
        for box, value in (
            (self.pixel_width, width),
            (self.pixel_height, height),
            (self.frame_time, time),
        ):
            if is_same and box.is_typed_in:
                continue
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        for box in (self.pixel_width, self.pixel_height):
            box.setEnabled(geometry is not None)
        has_time = layer is not None and layer.ndim > 2
        self.frame_time.setEnabled(geometry is not None and has_time)

    def _correct_pixel_width(self) -> None:
        geometry, typed = self._geometry, self.pixel_width.value()
        if geometry is None or typed in (_UNKNOWN, _known_pixel(geometry)[1]):
            return
        height, width = geometry.pixel_size
        self._set_pixel(height if self._height_is_set else height * typed / width, typed)

    def _correct_pixel_height(self) -> None:
        geometry, typed = self._geometry, self.pixel_height.value()
        if geometry is None or typed in (_UNKNOWN, _known_pixel(geometry)[0]):
            return
        self._height_is_set = True
        height, width = geometry.pixel_size
        self._set_pixel(typed, width if geometry.unit == NANOMETER else width * typed / height)

    def _set_pixel(self, height: float, width: float) -> None:
        """Stretch the layer, and what is around it, to pixels of this size in nm."""
        if self._layer is not None:
            set_pixel_size(self._layer, height, width)
            self._corrected()

    def _correct_frame_time(self) -> None:
        layer, geometry, time = self._layer, self._geometry, self.frame_time.value()
        if layer is None or geometry is None or time == _UNKNOWN:
            return
        if geometry.frame_time is not None and _shown(geometry.frame_time) == time:
            return
        axis = geometry.time_axis
        scale, units = layer.scale.copy(), list(layer.units)
        scale[axis], units[axis] = time, SECOND
        layer.scale = scale
        layer.units = tuple(units)
        self._corrected()


def set_pixel_size(layer: Image, height: float, width: float) -> None:
    """Stretch a layer, and what is around it, to pixels of a size in nm."""
    factors = np.array([height, width]) / np.abs(layer.scale[-2:])
    scale, translate = layer.scale.copy(), layer.translate.copy()
    scale[-2:] *= factors
    translate[-2:] *= factors
    affine = layer.affine.affine_matrix.copy()
    factors = np.append(factors, 1)  # of (y, x, 1)
    affine[-3:, -3:] *= factors[:, np.newaxis] / factors
    layer.scale, layer.translate, layer.affine = scale, translate, affine
    layer.units = (*layer.units[:-2], NANOMETER, NANOMETER)


def _known_pixel(geometry: LayerGeometry) -> tuple[float, float]:
    """Return height and width of a pixel as the boxes show them."""
    if geometry.unit != NANOMETER:
        return _UNKNOWN, _UNKNOWN
    height, width = geometry.pixel_size
    return _shown(height), _shown(width)


class _Box(QDoubleSpinBox):
    @property
    def is_typed_in(self) -> bool:
        line = self.lineEdit()
        return line is not None and line.isModified()

    def take_typed(self) -> None:
        line = self.lineEdit()
        if line is not None:
            line.setModified(False)

    def textFromValue(self, value: float) -> str:  # noqa: N802
        """Leave out zeros that say nothing."""
        return super().textFromValue(value).rstrip("0").rstrip(".,")


def _make_box(suffix: str, tooltip: str) -> _Box:
    box = _Box()
    box.setDecimals(6)
    box.setRange(_UNKNOWN, 1e6)
    box.setSuffix(suffix)
    keep_narrow(box)
    box.setSpecialValueText("unknown")
    box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
    box.setKeyboardTracking(False)
    box.setToolTip(f"{tooltip} Taken from the layer; correct it here before a run.")
    return box


def _shown(value: float) -> float:
    """Round as the boxes do."""
    return round(value, 6)
