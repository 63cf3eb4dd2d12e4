"""The status bar over a class map: class, probability and uncertainty come first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.lattice import AT_LEAST, CLASSES, NOT_ANALYZED, at_least
from napari_lattice_symmetry.plugin.layers.result_layers import (
    LABEL_MAP,
    RESULT_KEY,
    ShownResult,
    result_metadata,
)

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Labels, Layer


def show_probability_in_status(layers: LayerList) -> None:
    """Let the status of class maps, now and later in `layers`, tell what is under the cursor."""
    for layer in layers:
        _extend_status(layer)
    layers.events.inserted.connect(_on_inserted)  # once, however often it is asked for


def _on_inserted(event: Any) -> None:
    _extend_status(event.value)


def _extend_status(layer: Layer) -> None:
    """Give a class map a ``get_status`` of its own: features cannot tell values per pixel.

    This is the public method that napari asks for the text of the status bar.
    """
    about = result_metadata(layer)
    if about is None or about["kind"] != LABEL_MAP or RESULT_KEY not in layer.metadata:
        return
    if "get_status" in vars(layer):
        return
    plain_status = layer.get_status

    def get_status(position: Any = None, **keywords: Any) -> dict[str, str]:
        status = plain_status(position, **keywords)
        if position is not None and keywords.get("world"):
            text = _describe(layer, position)
            if text:
                place = status["coordinates"].split("]")[0] + "]"
                # The name of the layer is in the layer list; here it would push the rest aside.
                status |= {"layer_name": "", "layer_base": "", "coordinates": f"{text}   {place}"}
                status["value"] = text
        return status

    layer.get_status = get_status


def _describe(layer: Labels, position: Any) -> str:
    """Say what the result holds at `position`; nothing where nothing was analyzed."""
    index = tuple(np.round(layer.world_to_data(position)).astype(int))
    if not all(0 <= i < n for i, n in zip(index, layer.data.shape, strict=True)):
        return ""
    label = int(layer.data[index])
    if label == NOT_ANALYZED:
        return ""
    shown: ShownResult = layer.metadata[RESULT_KEY]
    flat = shown.geometry.flat_axes
    place = tuple(i for axis, i in enumerate(index) if axis not in flat)
    result = shown.result
    probabilities = np.asarray(result.mean[(slice(None), *place)])
    parts = [
        f"{CLASSES[label - 1]}, P {probabilities[label - 1]:.2f}",
        f"uncertainty {float(result.entropy[place]):.2f} nats",
        *(f"at least {name} {at_least(probabilities, name):.2f}" for name in AT_LEAST),
    ]
    return ", ".join(parts)
