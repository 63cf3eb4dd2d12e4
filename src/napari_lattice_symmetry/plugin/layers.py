"""A result as napari layers: one builder, so that no layer lacks its geometry or its origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from napari_lattice_symmetry.lattice import CLASSES, COLOURS, LABELS, NOT_ANALYSED

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.types import LayerData
    from napari.utils import Colormap, DirectLabelColormap
    from numpy.typing import NDArray

    from napari_lattice_symmetry.analysis import MovieResult
    from napari_lattice_symmetry.analysis.result import Maps
    from napari_lattice_symmetry.plugin.geometry import LayerGeometry

METADATA_KEY = "napari-lattice-symmetry"
SCHEMA_VERSION = 1

# What a layer shows, under "kind" in its metadata.
LABEL_MAP, PROBABILITY, UNCERTAINTY = "classes", "probability", "uncertainty"


def result_layers(
    result: MovieResult,
    geometry: LayerGeometry,
    *,
    show_probabilities: bool = False,
    show_uncertainty: bool = False,
    origin: dict[str, Any] | None = None,
) -> list[LayerData]:
    """Build the layers of a result, bottom first; their data are views of the result's arrays.

    Parameters
    ----------
    result : MovieResult
        With any number of frames done.
    geometry : LayerGeometry
        Of the layer that was analysed.
    show_probabilities, show_uncertainty : bool
        Whether these images are visible.
    origin : dict, optional
        More about the source, in values that JSON knows, for the metadata.

    Returns
    -------
    list of (data, keywords, type)
        The uncertainty (predictive entropy in nats), six class probabilities and the labels.
    """
    common = geometry.of_maps(result).layer_arguments()
    about = {
        "schema_version": SCHEMA_VERSION,
        "result": uuid4().hex,
        "parameters": result.parameters.model_dump(mode="json"),
        "provenance": result.provenance,
        **(origin or {}),
    }

    def layer(
        kind: str, maps: Maps, title: str, *, class_name: str | None = None, **keywords: Any
    ) -> LayerData:
        arguments = {
            "name": f"{title} · {result.name}",
            "metadata": {METADATA_KEY: {"kind": kind, "class": class_name, **about}},
            "cache": False,  # a chunk on the disk changes while frames come in
            **common,
            **keywords,
        }
        return geometry.shape_maps(maps), arguments, "labels" if kind == LABEL_MAP else "image"

    uncertainty = layer(
        UNCERTAINTY,
        result.entropy,
        "uncertainty",
        colormap="inferno",
        blending="additive",  # the image shows where the network is sure
        contrast_limits=(0.0, float(np.log(len(CLASSES)))),
        visible=show_uncertainty,
    )
    probabilities = [
        layer(
            PROBABILITY,
            maps,
            f"P({name})",
            class_name=name,
            colormap=class_ramp(name),
            contrast_limits=(0.0, 1.0),
            blending="additive",
            visible=show_probabilities,
        )
        for name, maps in zip(CLASSES, result.mean, strict=True)
    ]
    labels = layer(
        LABEL_MAP,
        result.labels,
        "classes",
        colormap=class_colours(),
        features=class_features(count_labels(result.labels)),
        opacity=0.5,
    )
    return [uncertainty, *probabilities, labels]


def truth_layer(classes: NDArray[np.uint8], name: str, geometry: LayerGeometry) -> LayerData:
    """Build the layer of true classes (T, Y, X) of a simulated movie."""
    arguments = {
        "name": name,
        "colormap": class_colours(),
        "features": class_features(count_labels(classes)),
        "opacity": 0.3,
        "visible": False,
        **geometry.layer_arguments(),
    }
    return classes, arguments, "labels"


def count_labels(labels: Maps) -> NDArray[np.int64]:
    """Count the pixels of each of the six classes."""
    counts = np.bincount(np.ravel(labels), minlength=len(CLASSES) + 1)
    return np.asarray(counts[1:])  # of a file, chunk by chunk


def class_features(counts: NDArray[np.int64]) -> dict[str, Any]:
    """Name the label values, and give the share of each in all that was analysed."""
    total = max(int(counts.sum()), 1)
    return {
        "index": list(LABELS.values()),
        "class": list(CLASSES),
        "area share": np.round(counts / total, 4),
    }


def class_colours() -> DirectLabelColormap:
    """Give the colours of the label values; nothing is drawn where nothing was analysed."""
    from napari.utils import DirectLabelColormap

    colours: dict[int | None, str] = {LABELS[name]: colour for name, colour in COLOURS.items()}
    return DirectLabelColormap(
        color_dict={None: "transparent", NOT_ANALYSED: "transparent"} | colours
    )


def class_ramp(name: str) -> Colormap:
    """Give the colormap of a class probability: from black to the colour of the class."""
    from napari.utils import Colormap

    return Colormap(["black", COLOURS[name]], name=name)


def result_metadata(layer: Layer) -> dict[str, Any] | None:
    """Give what a layer says about the analysis that made it; None for any other layer."""
    about: dict[str, Any] | None = layer.metadata.get(METADATA_KEY)
    return about
