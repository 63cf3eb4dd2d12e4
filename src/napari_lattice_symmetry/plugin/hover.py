"""The status bar over a class map: beside the class, its probability and the uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.lattice import CLASSES, NOT_ANALYSED
from napari_lattice_symmetry.plugin.layers import (
    LABEL_MAP,
    PROBABILITY,
    UNCERTAINTY,
    result_metadata,
)

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer


def add_probability_to_status(layer: Layer, viewer: ViewerModel) -> None:
    """Let the status of a class map show more than napari's features can: values per pixel.

    napari asks a layer's public ``get_status`` for the text, so this one layer gets its own.
    Layers of any other kind are left as they are.
    """
    about = result_metadata(layer)
    if about is None or about["kind"] != LABEL_MAP:
        return
    plain_status = layer.get_status

    def get_status(position: Any = None, **keywords: Any) -> dict[str, str]:
        status = plain_status(position, **keywords)
        if position is not None and keywords.get("world"):
            text = _describe(layer, viewer, about["result"], position)
            for part in ("coordinates", "value"):
                status[part] += text
        return status

    layer.get_status = get_status


def _describe(layer: Labels, viewer: ViewerModel, result: str, position: Any) -> str:
    """Say what the other layers of the same result hold at `position`."""
    index = tuple(np.round(layer.world_to_data(position)).astype(int))
    inside = all(0 <= i < n for i, n in zip(index, layer.data.shape, strict=True))
    if not inside or layer.data[index] == NOT_ANALYSED:
        return ""
    winner = CLASSES[layer.data[index] - 1]
    parts = []
    for other in list(viewer.layers):
        about = result_metadata(other) or {}
        if about.get("result") != result:
            continue
        if about["kind"] == PROBABILITY and about["class"] == winner:
            parts.append(f"probability: {other.data[index]:.2f}")
        elif about["kind"] == UNCERTAINTY:
            parts.append(f"uncertainty: {other.data[index]:.2f} nats")
    return "".join(f", {part}" for part in sorted(parts))
