"""What a layer says of the result that it shows, and of the image it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image

from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry, plane_affine
from napari_lattice_symmetry.plugin.layers.result_layers import (
    RESULT_KEY,
    ShownResult,
    result_metadata,
)
from napari_lattice_symmetry.results import MovieResult

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

SOURCE_KEY = "napari-lattice-symmetry source of atoms"
"""Under this key in its metadata a layer of atoms, or beside them, holds their image's identity."""

FRAME_NAMES = "frame names"
"""Under this key the layer of a movie that grows holds what its frames are called."""


def result_of(layer: Layer | None) -> MovieResult | None:
    """Return the result of which a layer shows a part; None for any other layer."""
    shown = _shown(layer)
    return None if shown is None else shown.result


def geometry_of(layer: Layer | None) -> LayerGeometry | None:
    """Return the geometry of the layer from which the result in `layer` was made."""
    shown = _shown(layer)
    return None if shown is None else shown.geometry


def present_geometry(viewer: ViewerModel, result: MovieResult) -> LayerGeometry | None:
    """Return where a result lies in a viewer, with the affine transform that its layers have now.

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


def list_images(viewer: ViewerModel) -> list[Image]:
    """List the images that can be analyzed: all but the maps of earlier analyses."""
    return [
        layer
        for layer in viewer.layers
        if isinstance(layer, Image) and result_metadata(layer) is None
    ]


def source_layer_of(viewer: ViewerModel, layer: Layer) -> Image | None:
    """Find the image layer that a map or atoms were made from: by its identity or name.

    A result that was opened from a file knows the name of its movie alone. An image of its name
    but of another size is another image.
    """
    about, result = result_metadata(layer) or {}, result_of(layer)
    name = about.get("source_layer") or (result.name if result else None)
    images = list_images(viewer)
    identity = about.get("source_id") or layer.metadata.get(SOURCE_KEY)
    by_identity = (image for image in images if str(image.unique_id) == identity)
    by_name = (
        image
        for image in images
        if image.name == name and ("source_id" not in about or _fits(image, result))
    )
    return next(by_identity, None) or next(by_name, None)


def _fits(image: Image, result: MovieResult | None) -> bool:
    """Return whether the frames of an image are as large as those that were analyzed."""
    shape = (image.data[0] if image.multiscale else image.data).shape
    frame = shape[-3:-1] if image.rgb else shape[-2:]
    return result is None or tuple(frame) == tuple(result.grid.frame_shape)


def _shown(layer: Layer | None) -> ShownResult | None:
    shown: ShownResult | None = None if layer is None else layer.metadata.get(RESULT_KEY)
    return shown
