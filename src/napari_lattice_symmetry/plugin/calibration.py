"""Pixel size and frame time of the chosen layer: two rows of a form, shown and corrected."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QDoubleSpinBox, QFormLayout

from napari_lattice_symmetry.movie import NANOMETRE
from napari_lattice_symmetry.plugin.geometry import SECOND

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_lattice_symmetry.plugin.geometry import LayerGeometry

_UNKNOWN = 0.0


class Calibration:
    """The rows "Pixel size" and "Frame time"; what is typed there goes into the layer.

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
        self.pixel_size = _make_box(" nm", "Size of a pixel along x; y keeps its ratio to it.")
        self.frame_time = _make_box(" s", "Time from one frame to the next.")
        self.pixel_size.editingFinished.connect(self._correct_pixel_size)
        self.frame_time.editingFinished.connect(self._correct_frame_time)
        form.addRow("Pixel size", self.pixel_size)
        form.addRow("Frame time", self.frame_time)

    def show(self, layer: Image | None, geometry: LayerGeometry | None) -> None:
        """Show what is known of a layer; without a geometry, nothing can be corrected."""
        self._layer, self._geometry = layer, geometry
        size, time = _UNKNOWN, None
        if geometry is not None and geometry.unit == NANOMETRE:
            size = geometry.pixel_size[1]
        if geometry is not None:
            time = geometry.frame_time
        for box, value in ((self.pixel_size, size), (self.frame_time, time or _UNKNOWN)):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        self.set_enabled(True)

    def set_enabled(self, enabled: bool) -> None:
        """Let the rows be corrected, or not."""
        can = enabled and self._layer is not None and self._geometry is not None
        self.pixel_size.setEnabled(can)
        self.frame_time.setEnabled(can and self._layer is not None and self._layer.ndim > 2)

    def _correct_pixel_size(self) -> None:
        layer, geometry, size = self._layer, self._geometry, self.pixel_size.value()
        if layer is None or geometry is None or size == _UNKNOWN:
            return
        if geometry.unit == NANOMETRE and _shown(geometry.pixel_size[1]) == size:
            return
        factor = size / abs(layer.scale[-1])
        scale, translate = layer.scale.copy(), layer.translate.copy()
        scale[-2:] *= factor
        translate[-2:] *= factor
        affine = layer.affine.affine_matrix.copy()
        affine[-3:-1, -1] *= factor
        layer.scale, layer.translate, layer.affine = scale, translate, affine
        layer.units = (*layer.units[:-2], NANOMETRE, NANOMETRE)
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


def _make_box(suffix: str, tooltip: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(6)
    box.setRange(_UNKNOWN, 1e6)
    box.setSuffix(suffix)
    box.setSpecialValueText("not known")
    box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
    box.setKeyboardTracking(False)
    box.setToolTip(f"{tooltip} Taken from the layer; correct it here before a run.")
    return box


def _shown(value: float) -> float:
    """Round as the boxes do."""
    return round(value, 6)
