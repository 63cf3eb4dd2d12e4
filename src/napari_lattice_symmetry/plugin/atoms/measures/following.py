"""Points that go where their image goes: its pixel size, its place, its units."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.data.movie import NANOMETER
from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.plugin.atoms.focal.series import focal_geometry
from napari_lattice_symmetry.plugin.atoms.layers import (
    ATOMS_KEY,
    found_in,
    image_of,
)
from napari_lattice_symmetry.plugin.selection.source import take_source

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer


def follow_image(viewer: ViewerModel, image: Image | None) -> bool:
    """Lay all that was found in an image where that lies now, and calibrate it as it is now.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Whose layers these are.
    image : napari.layers.Image or None
        Which may have another scale, place or unit.

    Returns
    -------
    bool
        Whether anything changed.
    """
    if image is None:
        return False
    changed = False
    for layer in [each for each in viewer.layers if image_of(each) == str(image.unique_id)]:
        try:
            changed |= _follow(layer, image)
        except LatticeSymmetryError:
            continue  # such as an image that was turned: points stay where they were found
    return changed


def _follow(layer: Layer, image: Any) -> bool:
    found = found_in(layer)
    channel = None if found is None else found.source.channel
    geometry = take_source(image, channel or 0).geometry
    if len(geometry.scale) != layer.ndim:  # found in a focal series without times
        geometry = focal_geometry(image)
    now = (layer.scale.tolist(), layer.translate.tolist(), list(map(str, layer.units)))
    then = (list(geometry.scale), list(geometry.translate), list(map(str, geometry.units)))
    affine = geometry.layer_arguments().get("affine", np.eye(layer.ndim + 1))
    if now == then and np.allclose(layer.affine.affine_matrix, affine):
        return False
    layer.scale, layer.translate = geometry.scale, geometry.translate
    layer.units = geometry.units
    layer.affine = affine
    if found is not None:
        source = replace(found.source, geometry=geometry)
        size = geometry.pixel_size if geometry.unit == NANOMETER else None
        atoms = replace(found.atoms, pixel_size=size)
        layer.metadata[ATOMS_KEY] = replace(found, atoms=atoms, source=source)
        layer.features = layer.features.drop(columns="neighbor_nm", errors="ignore")
    return True
