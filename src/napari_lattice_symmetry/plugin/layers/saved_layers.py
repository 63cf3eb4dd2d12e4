"""Layers as values that JSON knows, and layers again: what a file keeps beside their pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.lattice import COLORS
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.plugin.layers.result_layers import (
    METADATA_KEY,
    class_ramp,
    label_look,
    result_layers,
)
from napari_lattice_symmetry.results import MovieResult

if TYPE_CHECKING:
    from napari.types import FullLayerData, LayerData
    from napari.utils import Colormap

LAYERS = "layers"

TRANSFORMS = ("scale", "translate", "rotate", "shear", "affine")
"""What places the pixels of a layer in the world."""

_AXES = ("units", "axis_labels")
_LOOK = {"visible": bool, "opacity": float, "blending": str}
_FIRST_KINDS = {
    "classes": "labels",
    "probability": "mean",
    "uncertainty": "entropy",
    "apparent classes": "apparent_labels",
    "metric classes": "metric_labels",
}
"""What the first version called maps in the metadata of layers."""

_OWN = ("schema_version", "result", "parameters", "provenance", "kind", "class")


def describe_layer(layer: FullLayerData, in_result: bool = False) -> dict[str, Any]:
    """Return what is to be kept of a layer beside its pixels, and beside its result if any."""
    _, about, kind = layer
    described = {
        "name": about["name"],
        "type": kind,
        "ndim": len(about["scale"]),
        **{name: convert(about[name]) for name, convert in _LOOK.items()},
        **{name: np.asarray(about[name], dtype=float).tolist() for name in TRANSFORMS},
        **{name: [str(value) for value in about[name]] for name in _AXES},
        "metadata": _describe_origin(about["metadata"], in_result),
    }
    if kind == "image":
        described |= {
            "contrast_limits": [float(value) for value in about["contrast_limits"]],
            "gamma": float(about["gamma"]),
            "colormap": _describe_colors(about["colormap"]),
        }
    return described


def restore_layers(stack: LayerStack) -> list[LayerData]:
    """Make the layers that were saved as `stack`; without a description, one of each array."""
    described = stack.metadata.get(LAYERS)
    if described is None:
        return [*_plain_layers(stack)]
    arrays = {"image": stack.images, "labels": stack.labels}
    layers = []
    for about in described:
        kind, name = about["type"], about["name"]
        arguments = _arguments(about)
        if kind == "labels":
            arguments |= label_look(stack.values.get(name, {}))
        data = arrays[kind][name]
        layers.append((data[0] if about["ndim"] == 2 else data, arguments, kind))
    return layers


def restore_result_layers(result: MovieResult, stack: LayerStack) -> list[LayerData]:
    """Make the layers of a result: those that were saved, or all if it was exported as it is."""
    described, geometry = stack.metadata.get(LAYERS), LayerGeometry.of_result(result)
    if described is None:
        return result_layers(result, geometry)
    origin = {key: value for key, value in described[0]["metadata"].items() if key not in _OWN}
    kinds = {_part(about["metadata"])[0] for about in described}
    made = {
        _part(keywords["metadata"][METADATA_KEY]): (data, keywords, kind)
        for data, keywords, kind in result_layers(result, geometry, maps=kinds, origin=origin)
    }
    layers = []
    for about in described:
        data, keywords, kind = made[_part(about["metadata"])]
        kept = {key: value for key, value in _arguments(about).items() if key != "metadata"}
        layers.append((data, keywords | kept, kind))
    return layers


def _describe_origin(metadata: Mapping[str, Any], in_result: bool) -> dict[str, Any] | None:
    """Return what a layer says of its analysis; without what the result itself says.

    What is opened again is no part of the result that is shown now.
    """
    about = metadata.get(METADATA_KEY)
    if about is None:
        return None
    left_out = ("result", "parameters", "provenance") if in_result else ("result",)
    return {key: value for key, value in about.items() if key not in left_out}


def _part(about: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return what a layer shows: the name of the map, and the class."""
    kind, part = about["kind"], about["class"]
    if kind == "lattice parameter":  # as the first version had it
        return part, None
    return _FIRST_KINDS.get(kind, kind), part


def _plain_layers(stack: LayerStack) -> list[LayerData]:
    place = LayerGeometry(
        stack.scale,
        stack.translate,
        ("s" if stack.timed else "pixel", stack.unit, stack.unit),
        ("t", "y", "x"),
    ).layer_arguments()
    images = [(data, {"name": name, **place}, "image") for name, data in stack.images.items()]
    labels = [
        (data, {"name": name, **place, **label_look(stack.values.get(name, {}))}, "labels")
        for name, data in stack.labels.items()
    ]
    return [*images, *labels]


def _arguments(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of a layer that was described."""
    arguments: dict[str, Any] = {"name": str(about["name"])}
    arguments |= {name: convert(about[name]) for name, convert in _LOOK.items()}
    arguments |= {name: tuple(about[name]) for name in _AXES}
    arguments |= {name: np.array(about[name]) for name in TRANSFORMS if name in about}
    if about["metadata"] is not None:
        arguments["metadata"] = {METADATA_KEY: about["metadata"]}
    if about["type"] == "image":
        low, high = map(float, about["contrast_limits"])
        arguments |= {"contrast_limits": (low, high), "gamma": float(about["gamma"])}
        arguments["colormap"] = _restore_colors(about["colormap"])
    return arguments


def _describe_colors(colormap: Mapping[str, Any]) -> dict[str, Any]:
    """Name a colormap of napari's, and list the colors of any other."""
    from napari.utils.colormaps import ALL_COLORMAPS  # others are gone with the session

    name = str(colormap["name"])
    known = ALL_COLORMAPS.get(name)
    if known is not None and np.array_equal(known.colors, colormap["colors"]):
        return {"name": name}
    listed = {key: np.asarray(colormap[key]).tolist() for key in ("colors", "controls")}
    return {"name": name, **listed}


def _restore_colors(about: Mapping[str, Any]) -> str | Colormap:
    from napari.utils import Colormap

    if about["name"] in COLORS and "colors" not in about:  # as the first version had it
        return class_ramp(about["name"])
    return Colormap(**about) if "colors" in about else str(about["name"])
