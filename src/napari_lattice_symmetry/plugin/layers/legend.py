"""What the colors of a layer mean: the one place that knows it for every layer of an analysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from napari_lattice_symmetry.plugin.layers.result_layers import (
    LABEL_MAP,
    METADATA_KEY,
    PREVIEW,
    RESULT_KEY,
    map_title,
    result_metadata,
)
from napari_lattice_symmetry.results.maps import MAPS

if TYPE_CHECKING:
    from napari.layers import Layer

LEGEND_KEY = "napari-lattice-symmetry legend"
"""Under this key in its metadata a layer whose colors are its own holds its legend."""

_STOPS = np.linspace(0, 1, 9)


@dataclass(frozen=True)
class Legend:
    """The meaning of colors.

    Attributes
    ----------
    title : str
        What is shown.
    keys : tuple of (str, str)
        Color and meaning of labels; transparent for what is not drawn.
    ramp : tuple of str
        Colors from the lower to the upper limit of numbers.
    limits : (str, str), optional
        What the ends of the ramp stand for.
    """

    title: str
    keys: tuple[tuple[str, str], ...] = ()
    ramp: tuple[str, ...] = ()
    limits: tuple[str, str] | None = None


def legend_of(layer: Layer) -> Legend | None:
    """Return the legend of a layer that an analysis made; None for any other layer."""
    own: Legend | None = layer.metadata.get(LEGEND_KEY)
    if own is not None:
        return own
    about = result_metadata(layer)
    if about is None:
        return None
    kind = LABEL_MAP if about["kind"] == PREVIEW else about["kind"]
    if isinstance(layer, Labels):
        return _own_keys(about) if "values" in about else _keys(kind)
    return _ramp(layer, _title(layer)) if isinstance(layer, Image) else None


def legends_of(layers: Sequence[Layer]) -> list[Legend]:
    """Return the different legends of the layers that are seen, the topmost first."""
    found = [legend_of(layer) for layer in reversed(layers) if layer.visible]
    return list(dict.fromkeys(legend for legend in found if legend is not None))


def _title(layer: Layer) -> str:
    about = layer.metadata[METADATA_KEY]
    shown = layer.metadata.get(RESULT_KEY)
    if shown is None:
        return str(layer.name).split(" · ")[0]
    return map_title(about["kind"], about["class"], shown.result.unit)


def _own_keys(about: dict[str, Any]) -> Legend:
    """Return the meanings of labels that are those of one layer alone."""
    return Legend(about["kind"], tuple((color, name) for name, color in about["values"].values()))


def _keys(kind: str) -> Legend | None:
    spec = MAPS.get(kind)
    if spec is None or not spec.is_labels:
        return None
    meanings: dict[str, str] = {}
    for name, color in spec.values.values():
        meanings.setdefault(color, name)  # of sums of flags, the one that gives the color
    nothing = [("transparent", spec.nothing)] if spec.nothing else []
    return Legend(spec.short, (*meanings.items(), *nothing))


def _ramp(layer: Image, title: str) -> Legend:
    low, high = layer.contrast_limits
    colors = layer.colormap.map(_STOPS**layer.gamma)[:, :3]
    ramp = ("#" + bytes(np.round(255 * color).astype(np.uint8)).hex() for color in colors)
    return Legend(title, ramp=tuple(ramp), limits=(f"{low:.3g}", f"{high:.3g}"))
