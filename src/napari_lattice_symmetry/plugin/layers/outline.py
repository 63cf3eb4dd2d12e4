"""The outline of one window on its image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Shapes

from napari_lattice_symmetry.inspection.window_plot import LATTICE_COLOR

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

_RELATIVE_WIDTH = 1 / 250


class WindowOutline:
    """A Shapes layer with one square, made when it is first needed.

    Parameters
    ----------
    viewer : napari.Viewer
        Where it goes.
    name : str
        Of the layer.
    """

    def __init__(self, viewer: ViewerModel, name: str = "inspected window") -> None:
        self._viewer, self._name = viewer, name
        self.layer: Shapes | None = None

    def show(self, image: Image, corner: tuple[int, int], size: int) -> None:
        """Draw the outline of the window whose first pixel is `corner`, on every frame."""
        start = np.array(corner) - 0.5
        square = start + size * np.array([[0, 0], [0, 1], [1, 1], [1, 0]])
        place = {
            "scale": image.scale[-2:],
            "translate": image.translate[-2:],
            "units": image.units[-2:],
            "axis_labels": image.axis_labels[-2:],
            "affine": image.affine.affine_matrix[-3:, -3:],
        }
        if self.layer is None or self.layer not in self._viewer.layers:
            active = self._viewer.layers.selection.active
            self.layer = Shapes(
                [square],
                name=self._name,
                edge_color=LATTICE_COLOR,
                face_color="transparent",
                edge_width=float(image.extent.data[1, -2:].max() * _RELATIVE_WIDTH),
                **place,
            )
            self._viewer.add_layer(self.layer)
            self._viewer.layers.selection.active = active  # what is selected is what is inspected
            return
        self.layer.data = [square]
        for name, value in place.items():
            setattr(self.layer, name, value)
        self.layer.visible = True

    def hide(self) -> None:
        """Show nothing until there is a window again."""
        if self.layer is not None:
            self.layer.visible = False

    def remove(self) -> None:
        """Take it out of the viewer."""
        if self.layer is not None and self.layer in self._viewer.layers:
            self._viewer.layers.remove(self.layer)
        self.layer = None
