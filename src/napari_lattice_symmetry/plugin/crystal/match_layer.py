"""The phase map of a match as a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lattice_symmetry.crystals import CrystalMatch
from napari_lattice_symmetry.plugin.layers.result_layers import (
    MATCH_KEY,
    METADATA_KEY,
    RESULT_KEY,
    ShownResult,
    label_look,
)

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.types import LayerData

CRYSTALS = "crystals"


def match_layers(match: CrystalMatch, sibling: Layer) -> list[LayerData]:
    """Build the labels of a match, and below them, hidden, how the crystals are turned.

    Parameters
    ----------
    match : CrystalMatch
        Of the result of which `sibling` shows a map.
    sibling : napari.layers.Layer
        Where the layers lie, and which result they belong to.

    Returns
    -------
    list of (data, keywords, type)
        Bottom first.
    """
    shown: ShownResult = sibling.metadata[RESULT_KEY]
    place = {
        **shown.geometry.of_maps(shown.result).layer_arguments(),
        "affine": sibling.affine,
    }
    about = {**sibling.metadata[METADATA_KEY], "kind": CRYSTALS, "class": None}
    values = {value: (each.short, each.color) for value, each in enumerate(match.phases, 1)}
    labels = {
        "name": f"crystals · {shown.result.name}",
        "metadata": {METADATA_KEY: {**about, "values": values}, MATCH_KEY: match},
        "opacity": 0.5,
        **label_look(match.values, "not matched", "crystal"),
        **place,
    }
    turns = {
        "name": f"direction of a of the crystal (°) · {shown.result.name}",
        "metadata": {METADATA_KEY: about},
        "colormap": "hsv",
        "contrast_limits": (0.0, 180.0),
        "visible": False,
        **place,
    }
    shape = shown.geometry.shape_maps
    return [
        (shape(match.orientation.copy()), turns, "image"),
        (shape(match.labels.copy()), labels, "labels"),
    ]
