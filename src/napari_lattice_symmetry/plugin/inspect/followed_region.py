"""The window that a region of a person asks for, which follows the region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.inspection.window import region_window
from napari_lattice_symmetry.plugin.layers.regions import region_mask, region_polygons

if TYPE_CHECKING:
    from napari.layers import Image, Shapes

ONE_WINDOW = "its own place"


def followed_window(region: Shapes, image: Image) -> tuple[tuple[float, float], int]:
    """Return middle (y, x) and side of the window that lies over a region, in pixels of an image.

    Of several shapes the selected ones count, if any are.

    Raises
    ------
    InputError
        If nothing with an area lies on the image, or the image is too small for a window.
    """
    shape = tuple(int(n) for n in image.extent.data[1, -2:] - image.extent.data[0, -2:] + 1)
    polygons = region_polygons(region)
    closed = [k for k, kind in enumerate(region.shape_type) if kind not in ("line", "path")]
    chosen = [polygons[n] for n, k in enumerate(closed) if k in region.selected_data]
    inside = region_mask(chosen or polygons, image, (shape[0], shape[1]))
    if not inside.any():
        raise InputError(
            f"{region.name!r} holds no part of {image.name!r}; draw a polygon, a rectangle or an "
            "ellipse on it."
        )
    return region_window(np.asarray(inside))
