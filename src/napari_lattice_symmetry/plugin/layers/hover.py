"""The status bar over a class map: beside the class, its probability and the uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.lattice import CLASSES, NOT_ANALYZED
from napari_lattice_symmetry.plugin.layers.result_layers import (
    AT_LEAST_PROBABILITY,
    LABEL_MAP,
    PROBABILITY,
    UNCERTAINTY,
    result_metadata,
)

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Labels, Layer


def show_probability_in_status(layers: LayerList) -> None:
    """Let the status of class maps, now and later in `layers`, tell what is under the cursor."""
    for layer in layers:
        _extend_status(layer, layers)
    layers.events.inserted.connect(_on_inserted)  # once, however often it is asked for


def _on_inserted(event: Any) -> None:
    _extend_status(event.value, event.source)


def _extend_status(layer: Layer, layers: LayerList) -> None:
    """Give a class map a ``get_status`` of its own: features cannot tell values per pixel.

    This is the public method that napari asks for the text of the status bar.
    """
    about = result_metadata(layer)
    if about is None or about["kind"] != LABEL_MAP or "get_status" in vars(layer):
        return
    plain_status = layer.get_status

    def get_status(position: Any = None, **keywords: Any) -> dict[str, str]:
        status = plain_status(position, **keywords)
        if position is not None and keywords.get("world"):
            text = _describe(layer, layers, about["result"], position)
            for part in ("coordinates", "value"):
                status[part] += text
        return status

    layer.get_status = get_status


def _describe(layer: Labels, layers: LayerList, result: str, position: Any) -> str:
    """Say what the other layers of the same result hold at `position`."""
    index = tuple(np.round(layer.world_to_data(position)).astype(int))
    inside = all(0 <= i < n for i, n in zip(index, layer.data.shape, strict=True))
    label = int(layer.data[index]) if inside else NOT_ANALYZED
    if label == NOT_ANALYZED:
        return ""
    parts = []
    for other in list(layers):
        about = result_metadata(other) or {}
        if about.get("result") != result:
            continue
        if about["kind"] == PROBABILITY and about["class"] == CLASSES[label - 1]:
            parts.append(f"probability: {float(other.data[index]):.2f}")
        elif about["kind"] == UNCERTAINTY:
            parts.append(f"uncertainty: {float(other.data[index]):.2f} nats")
        elif about["kind"] == AT_LEAST_PROBABILITY:
            parts.append(f"at least {about['class']}: {float(other.data[index]):.2f}")
    return "".join(f", {part}" for part in sorted(parts))
