"""The result that a layer shows, and the image it was made from: what all docks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image

from napari_lattice_symmetry.plugin.layers.geometry import plane_affine
from napari_lattice_symmetry.plugin.layers.result_layers import (
    RESULT_KEY,
    ShownResult,
    result_metadata,
)

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
    from napari_lattice_symmetry.results import MovieResult

FRAME_NAMES = "frame names"
"""Under this key the layer of a movie that grows holds what its frames are called."""


def result_of(layer: Layer | None) -> MovieResult | None:
    """Give the result of which a layer shows a part; None for any other layer."""
    shown = _shown(layer)
    return None if shown is None else shown.result


def geometry_of(layer: Layer) -> LayerGeometry | None:
    """Give the geometry of the layer from which the result in `layer` was made."""
    shown = _shown(layer)
    return None if shown is None else shown.geometry


def present_geometry(viewer: ViewerModel, result: MovieResult) -> LayerGeometry | None:
    """Give where a result lies in a viewer, with the affine transform that its layers have by now.

    Raises
    ------
    InputError
        If that changes other axes than y and x.
    """
    for layer in viewer.layers:
        geometry = geometry_of(layer)
        if geometry is not None and result_of(layer) is result:
            return geometry.with_affine(plane_affine(layer))
    return None


def chosen_result(viewer: ViewerModel) -> tuple[Layer, MovieResult] | None:
    """Give the result of the selected layer, else of the topmost layer that shows one.

    An image that is selected stands for the topmost result that was made from it.

    Returns
    -------
    (layer, result) or None
        The layer is one of those that show the result.
    """
    active = viewer.layers.selection.active
    shown = [layer for layer in reversed(viewer.layers) if _shown(layer) is not None]
    if active not in shown:
        of_active = [layer for layer in shown if source_layer_of(viewer, layer) == active]
        shown = of_active or shown
    else:
        shown = [active]
    for layer in shown:
        result = result_of(layer)
        if result is not None:
            return layer, result
    return None


def source_layer_of(viewer: ViewerModel, layer: Layer) -> Image | None:
    """Find the image layer that the result in `layer` was made from: by its identity or name.

    A result that was opened from a file knows the name of its movie alone.
    """
    about, result = result_metadata(layer) or {}, result_of(layer)
    name = about.get("source_layer") or (result.name if result else None)
    images = [
        other
        for other in viewer.layers
        if isinstance(other, Image) and result_metadata(other) is None
    ]
    by_identity = (image for image in images if str(image.unique_id) == about.get("source_id"))
    by_name = (image for image in images if image.name == name)
    return next(by_identity, None) or next(by_name, None)


def _shown(layer: Layer | None) -> ShownResult | None:
    shown: ShownResult | None = None if layer is None else layer.metadata.get(RESULT_KEY)
    return shown
