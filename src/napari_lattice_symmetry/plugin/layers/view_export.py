"""The view in the canvas as a picture, with or without legend and scale bar."""

from __future__ import annotations

from pathlib import Path

import napari.viewer  # noqa: TC002 - napari looks up what `export_view` asks for
import numpy as np
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QPoint
from qtpy.QtGui import QImage, QPainter
from qtpy.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QFileDialog, QVBoxLayout, QWidget

from napari_lattice_symmetry.errors import InputError, LatticeSymmetryError
from napari_lattice_symmetry.files import replacing
from napari_lattice_symmetry.plugin.layers.care import scale_bar_of, take_care
from napari_lattice_symmetry.plugin.layers.legend_box import LegendBox

_KINDS = "Image (*.png);;Image (*.jpg)"
_ENDINGS = (".png", ".jpg", ".jpeg")


class ViewOptions(QDialog):
    """Asks what is to be seen beside the layers.

    Parameters
    ----------
    parent : QWidget, optional
        Over which it appears.
    legend, scale_bar : bool
        What is seen now.
    """

    def __init__(self, parent: QWidget | None, *, legend: bool, scale_bar: bool) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export view")
        self.legend = QCheckBox("Legend of the maps")
        self.legend.setChecked(legend)
        self.legend.setEnabled(legend)
        self.legend.setToolTip("What the colors of the maps that are seen mean.")
        self.scale_bar = QCheckBox("Scale bar")
        self.scale_bar.setChecked(scale_bar)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Save | kinds.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (self.legend, self.scale_bar, buttons):
            layout.addWidget(widget)


def export_view(viewer: napari.viewer.Viewer) -> None:
    """Ask what is to be seen and for a file, and save the view there."""
    take_care(viewer)
    viewer = getattr(viewer, "__wrapped__", viewer)  # napari hands commands a proxy
    canvas = viewer.window._qt_viewer.canvas.native  # napari has no public name for it
    box = _legend_box(canvas)
    options = ViewOptions(
        canvas.window(),
        legend=box is not None and bool(box.shown),
        scale_bar=bool(scale_bar_of(viewer).visible),
    )
    if options.exec() != QDialog.DialogCode.Accepted:
        return
    chosen, kind = QFileDialog.getSaveFileName(canvas.window(), "Export view", "view.png", _KINDS)
    if not chosen:
        return
    path = Path(chosen)
    if path.suffix.lower() not in _ENDINGS:
        path = path.with_name(path.name + kind[kind.index("*") + 1 : -1])
    try:
        save_view(
            viewer, path, legend=options.legend.isChecked(), scale_bar=options.scale_bar.isChecked()
        )
    except LatticeSymmetryError as error:
        show_error(str(error))
    else:
        show_info(f"Wrote {path}.")


def save_view(
    viewer: napari.viewer.Viewer, path: Path, *, legend: bool = True, scale_bar: bool = True
) -> None:
    """Save what the canvas shows.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose canvas.
    path : pathlib.Path
        Ending in .png or .jpg; a file that is there is replaced.
    legend, scale_bar : bool
        Whether these are in the picture.

    Raises
    ------
    InputError
        If `path` has another ending or cannot be written.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise InputError(f"{path} must end in {', '.join(_ENDINGS)}.")
    bar = scale_bar_of(viewer)
    was_seen, bar.visible = bar.visible, scale_bar
    try:
        pixels = np.ascontiguousarray(viewer.screenshot(canvas_only=True, flash=False)[..., :3])
    finally:
        bar.visible = was_seen
    height, width = pixels.shape[:2]
    image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
    canvas = viewer.window._qt_viewer.canvas.native
    box = _legend_box(canvas)
    if legend and box is not None and box.shown:
        box.refresh()
        painter = QPainter(image)
        painter.scale(width / canvas.width(), height / canvas.height())
        box.render(painter, QPoint(box.pos()))
        painter.end()
    with replacing(path) as partial:
        if not image.save(str(partial)):
            raise InputError(f"{path} cannot be written; choose another folder.")


def _legend_box(canvas: QWidget) -> LegendBox | None:
    boxes = canvas.findChildren(LegendBox)
    return boxes[0] if boxes else None
