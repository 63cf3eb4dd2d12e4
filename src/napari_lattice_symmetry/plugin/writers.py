"""Selected layers as a file: images and labels together, as OME-Zarr, OME-TIFF or for ImageJ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.errors import InputError, LatticeSymmetryError
from napari_lattice_symmetry.lattice import COLOURS, LABELS

if TYPE_CHECKING:
    from napari.types import FullLayerData

    from napari_lattice_symmetry.hyperstack import Hyperstack


def write_layers(path: str, layers: list[FullLayerData]) -> list[str]:
    """Write layers that lie on one grid; the ending of `path` says how.

    Raises
    ------
    LatticeSymmetryError
        If they do not lie on one grid, or `path` cannot be written. It is no InputError, since
        napari takes any ValueError for "there is no such writer".
    """
    from napari_lattice_symmetry.io.writing import write_hyperstack

    try:
        write_hyperstack(layers_hyperstack(layers), path, overwrite=True)  # napari asked before
    except InputError as error:
        raise LatticeSymmetryError(str(error)) from error
    return [path]


def layers_hyperstack(layers: list[FullLayerData]) -> Hyperstack:
    """Put image and labels layers together.

    Raises
    ------
    InputError
        If they do not lie on one grid.
    """
    from napari_lattice_symmetry.hyperstack import Hyperstack
    from napari_lattice_symmetry.plugin.geometry import LayerGeometry

    _, first, _ = layers[0]
    for _, about, _ in layers[1:]:
        if not all(np.array_equal(about[key], first[key]) for key in ("scale", "translate")):
            raise InputError(
                f"{about['name']!r} and {first['name']!r} do not lie on one grid; save layers of "
                "one scale and place together."
            )
    place: Any = {key: tuple(first[key]) for key in ("scale", "translate", "units", "axis_labels")}
    geometry = LayerGeometry(**place)
    timed = len(geometry.scale) > 2 and geometry.frame_time is not None
    lengths = np.divide(geometry.pixel_size, np.abs(geometry.scale[-2:]))
    y, x = (float(n) for n in np.multiply(geometry.translate[-2:], lengths))
    start = geometry.translate[0] if len(geometry.scale) > 2 else 0.0
    metadata = [_about_analysis(about) for _, about, _ in layers]
    ours = next((about for about in metadata if about), {})
    return Hyperstack(
        name=first["name"],
        images=_frames(layers, "image"),
        labels=_frames(layers, "labels"),
        scale=(geometry.frame_time or 1.0 if timed else 1.0, *geometry.pixel_size),
        translate=(start, y, x),
        unit=geometry.unit,
        timed=timed,
        values={LABELS[name]: (name, colour) for name, colour in COLOURS.items()} if ours else {},
        metadata=ours,
    )


def _frames(layers: list[FullLayerData], kind: str) -> dict[str, Any]:
    frames = {}
    for data, about, layer_type in layers:
        if layer_type == kind:
            if about.get("rgb"):
                raise InputError(f"{about['name']!r} is in colour; only grey images are written.")
            array = data[0] if about.get("multiscale") else data
            frames[about["name"]] = array[np.newaxis] if array.ndim == 2 else array
    return frames


def _about_analysis(about: dict[str, Any]) -> dict[str, Any]:
    """Give what a layer of a result says about its analysis, its own part left out."""
    from napari_lattice_symmetry.plugin.layers import METADATA_KEY

    ours = about["metadata"].get(METADATA_KEY, {})
    return {key: value for key, value in ours.items() if key not in ("kind", "class")}
