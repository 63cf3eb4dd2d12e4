"""The phase map of a match as a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from napari_lattice_symmetry.crystals import CrystalMatch
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.plugin.layers.result_layers import (
    METADATA_KEY,
    SCHEMA_VERSION,
    label_look,
)
from napari_lattice_symmetry.results import MovieResult

if TYPE_CHECKING:
    from napari.types import LayerData

CRYSTALS = "crystals"


def match_layer(
    match: CrystalMatch, result: MovieResult, geometry: LayerGeometry, origin: dict[str, Any]
) -> LayerData:
    """Build the labels of a match.

    Parameters
    ----------
    match : CrystalMatch
        Of the result.
    result : MovieResult
        With the grid of the windows.
    geometry : LayerGeometry
        Of the layer that was analyzed.
    origin : dict
        What says from which image it comes, for the metadata.

    Returns
    -------
    (data, keywords, type)
    """
    values = {value: (each.short, each.color) for value, each in enumerate(match.phases, 1)}
    about = {
        **origin,
        "schema_version": SCHEMA_VERSION,
        "kind": CRYSTALS,
        "class": None,
        "result": uuid4().hex,  # it is not of the maps that a run fills
        "parameters": result.parameters.model_dump(mode="json"),
        "values": values,
    }
    arguments = {
        "name": f"crystals · {result.name}",
        "metadata": {METADATA_KEY: about},
        "opacity": 0.5,
        **label_look(match.values, "no lattice", "crystal"),
        **geometry.of_maps(result).layer_arguments(),
    }
    return geometry.shape_maps(match.labels.copy()), arguments, "labels"
