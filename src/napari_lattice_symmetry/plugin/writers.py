"""Selected layers as a file: images and labels together, as OME-Zarr, OME-TIFF or for ImageJ."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.errors import InputError, LatticeSymmetryError
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.plugin.layers.result_layers import ShownResult

if TYPE_CHECKING:
    from napari.types import FullLayerData


def write_layers(path: str, layers: list[FullLayerData]) -> list[str]:
    """Write layers that lie on one grid; the ending of `path` says how.

    Raises
    ------
    LatticeSymmetryError
        If they do not lie on one grid, or `path` cannot be written. It is no InputError, since
        napari takes any ValueError for "there is no such writer".
    """
    from napari_lattice_symmetry.io.writing.write import write_layer_stack

    try:
        write_layer_stack(layers_layer_stack(layers), path, overwrite=True)  # napari asked before
    except InputError as error:
        raise LatticeSymmetryError(str(error)) from error
    return [path]


def layers_layer_stack(layers: list[FullLayerData]) -> LayerStack:
    """Put image and labels layers together, with all that is to be kept of them.

    Maps of one result bring all others with them, so that it opens again as a result.

    Raises
    ------
    InputError
        If they do not lie on one grid.
    """
    from napari_lattice_symmetry.plugin.layers.saved_layers import LAYERS, describe_layer

    shown = _one_result(layers)
    in_result = shown is not None
    about: dict[str, Any] = {LAYERS: [describe_layer(layer, in_result) for layer in layers]}
    if shown is None:
        stack = _plain_layer_stack(layers)
    else:
        stack = _result_layer_stack(shown)
        about["geometry"] = shown.geometry.described()
    return replace(stack, metadata={**stack.metadata, **about})


def _one_result(layers: list[FullLayerData]) -> ShownResult | None:
    """Return the result of which all these layers are maps, with the frames that it has now."""
    from napari_lattice_symmetry.evolution.curves import snapshot
    from napari_lattice_symmetry.plugin.layers.result_layers import RESULT_KEY

    found = {about["metadata"].get(RESULT_KEY) for _, about, _ in layers}
    shown: ShownResult | None = found.pop()
    if found or shown is None or not all(_is_map(layer, shown) for layer in layers):
        return None
    return ShownResult(snapshot(shown.result), shown.geometry)


def _is_map(layer: FullLayerData, shown: ShownResult) -> bool:
    """Return whether a layer shows a map as the result has it, not what a person made of it."""
    from napari_lattice_symmetry.plugin.layers.result_layers import (
        METADATA_KEY,
        list_maps,
        map_type,
    )

    data, about, layer_type = layer
    origin = about["metadata"][METADATA_KEY]
    if (origin["kind"], origin["class"]) not in list_maps(shown.result):
        return False
    is_whole = data.shape[-2:] == shown.result.grid.shape
    is_whole = is_whole and data.ndim == len(shown.geometry.scale)
    return is_whole and layer_type == map_type(origin["kind"])


def _result_layer_stack(shown: ShownResult) -> LayerStack:
    """Return the maps of a result, where the layer lies that was analyzed."""
    from napari_lattice_symmetry.results.export import result_layer_stack

    place = shown.geometry.of_maps(shown.result)
    return replace(result_layer_stack(shown.result), **_place(place))


def _plain_layer_stack(layers: list[FullLayerData]) -> LayerStack:
    from napari_lattice_symmetry.data.layer_stack import LayerStack
    from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
    from napari_lattice_symmetry.plugin.layers.saved_layers import TRANSFORMS

    _, first, _ = layers[0]
    for _, about, _ in layers[1:]:
        one_place = all(np.array_equal(about[name], first[name]) for name in TRANSFORMS)
        if not one_place or about["units"] != first["units"]:
            raise InputError(
                f"{about['name']!r} and {first['name']!r} do not lie on one grid; save layers of "
                "one scale, place and transform together."
            )
    place: Any = {key: tuple(first[key]) for key in ("scale", "translate", "units", "axis_labels")}
    meanings = {about["name"]: _meanings(about) for _, about, kind in layers if kind == "labels"}
    return LayerStack(
        name=first["name"],
        images=_frames(layers, "image"),
        labels=_frames(layers, "labels"),
        values={name: values for name, values in meanings.items() if values},
        **_place(LayerGeometry(**place)),
    )


def _place(geometry: LayerGeometry) -> dict[str, Any]:
    """Return the place of (T, Y, X) arrays in seconds and nanometers, where they are known."""
    timed = len(geometry.scale) > 2 and geometry.frame_time is not None
    time = geometry.time_axis
    lengths = np.divide(geometry.pixel_size, np.abs(geometry.scale[-2:]))
    y, x = (float(n) for n in np.multiply(geometry.translate[-2:], lengths))
    start = geometry.translate[time] if len(geometry.scale) > 2 else 0.0
    return {
        "scale": (geometry.frame_time or 1.0 if timed else 1.0, *geometry.pixel_size),
        "translate": (start, y, x),
        "unit": geometry.unit,
        "timed": timed,
    }


def _meanings(about: dict[str, Any]) -> dict[int, tuple[str, str]]:
    """Return names and colors of the values of labels, where these have colors of their own."""
    colors = getattr(about["colormap"], "color_dict", {})
    features = about["features"]
    names = dict(zip(features.get("index", ()), features.get("class", ()), strict=False))
    return {
        int(value): (str(names.get(value, value)), _hex(color))
        for value, color in colors.items()
        if value
    }


def _hex(color: Any) -> str:
    return "#" + bytes(round(255 * float(part)) for part in color[:3]).hex().upper()


def _frames(layers: list[FullLayerData], kind: str) -> dict[str, Any]:
    frames = {}
    for data, about, layer_type in layers:
        if layer_type == kind:
            if about.get("rgb"):
                raise InputError(f"{about['name']!r} is in color; only gray images are written.")
            array = data[0] if about.get("multiscale") else data
            frames[about["name"]] = array[np.newaxis] if array.ndim == 2 else array
    return frames
