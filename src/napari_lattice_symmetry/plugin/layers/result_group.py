"""All layers of one result: find, show, hide, fold and remove them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from napari.layers import Labels, Layer

from napari_lattice_symmetry.plugin.layers.origin import source_layer_of
from napari_lattice_symmetry.plugin.layers.result_layers import (
    LABEL_MAP,
    METADATA_KEY,
    RESULT_KEY,
    SELECTION,
    map_layer,
    map_title,
    map_type,
    result_metadata,
)

if TYPE_CHECKING:
    from napari.components import LayerList, ViewerModel
    from napari.types import LayerData


def layers_of_result(layers: Iterable[Layer], member: Layer) -> list[Layer]:
    """List the maps of the result that `member` belongs to, bottom first.

    Windows that a person has chosen belong to a result, too, but are none of its maps.
    """
    result = _identity(member)
    return [
        layer
        for layer in layers
        if result is not None and _identity(layer) == result and not _is_chosen(layer)
    ]


def _identity(layer: Layer) -> str | None:
    return (result_metadata(layer) or {}).get("result")


def _is_chosen(layer: Layer) -> bool:
    return (result_metadata(layer) or {}).get("kind") == SELECTION


def show_map(layers: LayerList, member: Layer, kind: str, part: str | None = None) -> Layer:
    """Show one map of the result of `member`, and hide its others; make the layer if need be.

    Returns
    -------
    napari.layers.Layer
        Which is selected now.

    Raises
    ------
    InputError
        If the map is damaged; nothing has changed then.
    """
    group = layers_of_result(layers, member)
    found = [layer for layer in group if shows(layer, kind, part)]
    layer = found[-1] if found else Layer.create(*map_layer(member, kind, part))
    for other in group:
        other.visible = other == layer
    if not found:
        layers.insert(max(map(layers.index, group or [member])), layer)
    layers.selection.active = layer
    return layer


def add_made_of_result(
    layers: LayerList, member: Layer, kind: str, made: Iterable[LayerData]
) -> None:
    """Add what was made of the maps of a result on top, in place of what was made before.

    The maps are hidden, and what is selected stays selected. Nothing is added once all layers of
    the result are gone.

    Parameters
    ----------
    layers : napari.components.LayerList
        Where it goes.
    member : napari.layers.Layer
        One that shows, or has shown, the result.
    kind : str
        What these layers show; others of the same kind give way.
    made : iterable of (data, keywords, type)
        The layers, bottom first.
    """
    group, active = layers_of_result(layers, member), layers.selection.active
    before = [layer for layer in group if layer.metadata[METADATA_KEY]["kind"] == kind]
    if len(before) == len(group):
        return
    remove_layers(layers, before)
    hide_result(layers, member)
    layers.extend([Layer.create(*each) for each in made])
    layers.selection.active = active if active in layers else layers_of_result(layers, member)[0]


def hide_result(layers: LayerList, member: Layer) -> None:
    """Hide all layers of the result of `member`."""
    for layer in layers_of_result(layers, member):
        layer.visible = False


def remove_result(layers: LayerList, member: Layer) -> None:
    """Remove all layers of the result of `member`."""
    remove_layers(layers, layers_of_result(layers, member))


def remove_layers(layers: LayerList, gone: Iterable[Layer]) -> None:
    """Remove those that are there, at once: napari cleans up for 0.25 s after every batch."""
    there = [layer for layer in gone if layer in layers]
    if not there:
        return
    with getattr(layers, "batched_update", nullcontext)():  # which older napari does not have
        for layer in there:
            layers.remove(layer)


def fold_results(viewer: ViewerModel, source_id: str) -> list[Layer]:
    """Hide the results of the image of an identity, and return the layers that can go.

    These are all but class maps and what was renamed: the class map still holds the result, from
    which every other map can be shown again. What a person has chosen stays as it is.
    """
    layers, gone = viewer.layers, []
    for layer in list(layers):
        if result_metadata(layer) is None or _is_chosen(layer):
            continue
        image = source_layer_of(viewer, layer)
        if image is None or str(image.unique_id) != source_id:
            continue
        layer.visible = False
        others = layers_of_result(layers, layer)
        has_classes = any(shows(other, LABEL_MAP) for other in others)
        if RESULT_KEY not in layer.metadata or _is_renamed(layer) or not has_classes:
            continue
        if not shows(layer, LABEL_MAP):
            gone.append(layer)
    return gone


def shows(layer: Layer, kind: str, part: str | None = None) -> bool:
    """Return whether a layer shows a map; one that a person converted is no map any more."""
    about = result_metadata(layer) or {}
    is_that = (about.get("kind"), about.get("class")) == (kind, part)
    return is_that and isinstance(layer, Labels) == (map_type(kind) == "labels")


def _is_renamed(layer: Layer) -> bool:
    about, result = layer.metadata[METADATA_KEY], layer.metadata[RESULT_KEY].result
    name = re.sub(r" \[\d+\]$", "", layer.name)  # napari numbers equal names
    return name != f"{map_title(about['kind'], about['class'], result.unit)} · {result.name}"
