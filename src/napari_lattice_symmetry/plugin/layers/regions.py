"""Shapes that a person draws, as the map or frame pixels that lie in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari.layers import Layer, Shapes

Float64 = NDArray[np.float64]

_ROUND = np.linspace(0, 2 * np.pi, 65)[:-1]


def region_polygons(layer: Shapes) -> list[Float64]:
    """Return the outlines (N, 2) along y and x, in world coordinates, of shapes with an area."""
    polygons = []
    for vertices, kind in zip(layer.data, layer.shape_type, strict=True):
        if kind not in ("polygon", "rectangle", "ellipse"):
            continue
        world = np.array([layer.data_to_world(vertex)[-2:] for vertex in vertices])
        polygons.append(_ellipse(world) if kind == "ellipse" else world)
    return polygons


def region_mask(
    polygons: Sequence[Float64], layer: Layer, shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return the pixels of a layer whose centers lie in any of some polygons.

    Parameters
    ----------
    polygons : sequence of ndarray, shape (N, 2)
        Along y and x in world coordinates.
    layer : napari.layers.Layer
        Whose last axes are y and x.
    shape : (int, int)
        Its number of pixels along them.
    """
    from skimage.draw import polygon2mask

    inside = np.zeros(shape, dtype=bool)
    for polygon in polygons:
        inside |= polygon2mask(shape, _to_pixels(polygon, layer))
    return inside


def _to_pixels(polygon: Float64, layer: Layer) -> Float64:
    """Take (y, x) in the world to pixels of a layer."""
    aside = np.zeros(layer.ndim - 2)
    return np.array([layer.world_to_data([*aside, *point])[-2:] for point in polygon])


def _ellipse(corners: Float64) -> Any:
    """Return the outline of the ellipse in a box, of which the corners are known."""
    center = corners.mean(axis=0)
    u, v = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    return center + np.cos(_ROUND)[:, np.newaxis] * u + np.sin(_ROUND)[:, np.newaxis] * v
