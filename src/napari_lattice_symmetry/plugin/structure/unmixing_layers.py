"""An unmixing as napari layers: a map for each component, and the pure spectra below the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.plugin.layers.result_layers import METADATA_KEY, SCHEMA_VERSION
from napari_lattice_symmetry.plugin.selection.source import Source
from napari_lattice_symmetry.structure.plots import endmember_colors
from napari_lattice_symmetry.structure.unmixing import Unmixing

if TYPE_CHECKING:
    from napari.types import LayerData

ABUNDANCE, ENDMEMBERS = "abundance", "endmember spectra"

_GAP = 4  # pixels between spectra


def unmixing_layers(unmixing: Unmixing, source: Source) -> list[LayerData]:
    """Build the layers of an unmixing, bottom first.

    Parameters
    ----------
    unmixing : Unmixing
        What was found.
    source : Source
        The movie that was unmixed, and where its layer lies.

    Returns
    -------
    list of (data, keywords, type)
        The spectra side by side in one image below the frame, in the order of the components,
        and the abundance maps in the colors of their classes.
    """
    from napari.utils import Colormap

    name, geometry = source.movie.name, source.geometry
    origin = {
        "schema_version": SCHEMA_VERSION,
        "result": uuid4().hex,
        "parameters": unmixing.parameters.model_dump(mode="json"),
        "provenance": {"endmembers": unmixing.names, "suggested": unmixing.suggested},
        **source.origin,
    }

    def about(kind: str, part: str | None) -> dict[str, Any]:
        return {METADATA_KEY: {"kind": kind, "class": part, **origin}}

    place = geometry.of_maps(unmixing).layer_arguments()
    layers: list[LayerData] = [
        (
            geometry.shape_maps(abundance),
            {
                "name": f"abundance: {title} · {name}",
                "metadata": about(ABUNDANCE, title),
                "colormap": Colormap(["black", color], name=f"abundance of {title}"),
                "contrast_limits": (0.0, 1.0),
                "blending": "additive",
                "opacity": 0.7,
                **place,
            },
            "image",
        )
        for title, abundance, color in zip(
            unmixing.names, unmixing.abundances, endmember_colors(unmixing), strict=True
        )
    ]
    mosaic = lay_side_by_side(unmixing.spectra)
    spectra = {
        "name": f"endmember spectra · {name}",
        "metadata": about(ENDMEMBERS, None),
        "colormap": "magma",
        "contrast_limits": (0.0, float(mosaic.max())),
        "gamma": 0.5,  # else the first spots outshine all others
        **_below(source, mosaic.shape),
    }
    return [(mosaic, spectra, "image"), *layers]


def lay_side_by_side(spectra: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lay spectra (K, n, n) side by side in one image."""
    padded = np.pad(spectra, ((0, 0), (0, 0), (0, _GAP)))
    return np.concatenate(list(padded), axis=1)[:, :-_GAP]


def _below(source: Source, shape: tuple[int, ...]) -> dict[str, Any]:
    """Place an image below the frames, as wide as they are, on every frame."""
    geometry, (_, height, width) = source.geometry, source.movie.shape
    (sy, sx), (ty, tx) = geometry.scale[-2:], geometry.translate[-2:]
    zoom = width / max(shape[1], 3 * shape[0])  # two spectra are no larger than three
    return {
        "scale": (sy * zoom * abs(sx / sy), sx * zoom),
        "translate": (ty + sy * (height + 0.03 * width), tx + sx * (zoom - 1) / 2),
        "units": geometry.units[-2:],
        "axis_labels": geometry.axis_labels[-2:],
    }
