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


def match_layer(match: CrystalMatch, sibling: Layer) -> LayerData:
    """Build the labels of a match.

    Parameters
    ----------
    match : CrystalMatch
        Of the result of which `sibling` shows a map.
    sibling : napari.layers.Layer
        Where the labels lie, and which result they belong to.

    Returns
    -------
    (data, keywords, type)
    """
    shown: ShownResult = sibling.metadata[RESULT_KEY]
    values = {value: (each.short, each.color) for value, each in enumerate(match.phases, 1)}
    about = {**sibling.metadata[METADATA_KEY], "kind": CRYSTALS, "class": None, "values": values}
    arguments = {
        "name": f"crystals · {shown.result.name}",
        "metadata": {METADATA_KEY: about, MATCH_KEY: match},
        "opacity": 0.5,
        **label_look(match.values, "no lattice", "crystal"),
        **shown.geometry.of_maps(shown.result).layer_arguments(),
        "affine": sibling.affine,
    }
    return shown.geometry.shape_maps(match.labels.copy()), arguments, "labels"
