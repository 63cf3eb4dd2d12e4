"""Layers of results can be looked at, not painted on: they show what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_lattice_symmetry.plugin.layers.result_layers import SELECTION, result_metadata

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Layer


def protect_results(layers: LayerList) -> None:
    """Keep maps of analyses, now and later in `layers`, from being edited."""
    for layer in layers:
        _protect(layer)
    layers.events.inserted.connect(_on_inserted)  # once, however often it is asked for


def _on_inserted(event: Any) -> None:
    _protect(event.value)


def _protect(layer: Layer) -> None:
    about = result_metadata(layer)
    if about is not None and about["kind"] != SELECTION:
        layer.editable = False
        layer.events.editable.connect(_keep_protected)


def _keep_protected(event: Any) -> None:
    """Undo what napari does whenever a layer gets other data."""
    event.source.editable = False
