"""A result as napari layers: one builder, so that no layer lacks its geometry or its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from napari_lattice_symmetry.data.movie import PIXEL
from napari_lattice_symmetry.lattice import (
    AT_LEAST,
    CLASSES,
    COLORS,
    LABELS,
    NOT_ANALYZED,
    at_least,
)
from napari_lattice_symmetry.lattice.metric import FOLDS
from napari_lattice_symmetry.plugin.layers.flags import FLAG_COLORS, flag_features
from napari_lattice_symmetry.results.result import AGREE, DISAGREE, LATTICE_MAPS

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.types import LayerData
    from napari.utils import Colormap, DirectLabelColormap
    from numpy.typing import NDArray

    from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
    from napari_lattice_symmetry.results import MovieResult
    from napari_lattice_symmetry.results.result import Maps

METADATA_KEY = "napari-lattice-symmetry"
SCHEMA_VERSION = 1

RESULT_KEY = "napari-lattice-symmetry result"
"""Under this key in its metadata a layer holds the `ShownResult` that it is a part of."""

# What a layer shows, under "kind" in its metadata.
LABEL_MAP, PROBABILITY, UNCERTAINTY = "classes", "probability", "uncertainty"
AT_LEAST_PROBABILITY, APPARENT, METRIC = "at least", "apparent classes", "metric classes"
LATTICE_PARAMETER, AGREEMENT, FLAGS = "lattice parameter", "agreement", "flags"
PREVIEW = "preview"
SELECTION = "selection"  # windows that a person has chosen

_RARE = 0.05
"""Share of windows below which a class of the metric does not choose the range of colors."""

_LABELS = (LABEL_MAP, APPARENT, METRIC, AGREEMENT, FLAGS, PREVIEW)


@dataclass(frozen=True, eq=False)
class ShownResult:
    """A result in layers, and the geometry of the layer it was made from."""

    result: MovieResult
    geometry: LayerGeometry

    def __deepcopy__(self, memo: dict[int, Any]) -> ShownResult:
        return self  # a copy of a layer shows the same result


class _LayerMaker:
    """Makes layers that all have the geometry and the origin of one result."""

    def __init__(
        self, result: MovieResult, geometry: LayerGeometry, origin: dict[str, Any]
    ) -> None:
        self.shown = ShownResult(result, geometry)
        self._place = geometry.of_maps(result).layer_arguments()
        self._about = {
            "schema_version": SCHEMA_VERSION,
            "result": uuid4().hex,
            "parameters": result.parameters.model_dump(mode="json"),
            "provenance": result.provenance,
            **origin,
        }

    def make(
        self,
        kind: str,
        maps: Maps,
        title: str,
        *,
        part: str | None = None,
        visible: bool = False,
        **keywords: Any,
    ) -> LayerData:
        """Make a layer; `part` says which of several of its kind it is."""
        arguments = {
            "name": f"{title} · {self.shown.result.name}",
            "metadata": {
                METADATA_KEY: {"kind": kind, "class": part, **self._about},
                RESULT_KEY: self.shown,
            },
            "cache": False,  # a chunk on the disk changes while frames come in
            "visible": visible,
            **self._place,
            **keywords,
        }
        data = self.shown.geometry.shape_maps(own(maps))
        return data, arguments, "labels" if kind in _LABELS else "image"


def result_layers(
    result: MovieResult,
    geometry: LayerGeometry,
    *,
    show_probabilities: bool = False,
    show_uncertainty: bool = False,
    origin: dict[str, Any] | None = None,
) -> list[LayerData]:
    """Build the layers of a result, bottom first.

    Arrays in memory are copied, so that nothing done to a layer changes the result; those of a
    file are read where they are.

    Parameters
    ----------
    result : MovieResult
        With any number of frames done.
    geometry : LayerGeometry
        Of the layer that was analyzed.
    show_probabilities, show_uncertainty : bool
        Whether these images are visible.
    origin : dict, optional
        More about the source, in values that JSON knows, for the metadata.

    Returns
    -------
    list of (data, keywords, type)
        The maps of the lattice fit where there are any; the uncertainty (predictive entropy in
        nats), the probabilities of at least a rectangular or centered symmetry, of the six
        classes, and the labels.
    """
    maker = _LayerMaker(result, geometry, origin or {})
    uncertainty = maker.make(
        UNCERTAINTY,
        result.entropy,
        "uncertainty",
        colormap="inferno",
        blending="additive",  # the image shows where the network is sure
        contrast_limits=(0.0, float(np.log(len(CLASSES)))),
        visible=show_uncertainty,
    )
    nested = [
        maker.make(
            AT_LEAST_PROBABILITY,
            at_least(_lazy(result.mean), name),
            f"P(at least {name})",
            part=name,
            colormap=class_ramp(name),
            contrast_limits=(0.0, 1.0),
            blending="additive",
        )
        for name in AT_LEAST
    ]
    probabilities = [
        maker.make(
            PROBABILITY,
            maps,
            f"P({name})",
            part=name,
            colormap=class_ramp(name),
            contrast_limits=(0.0, 1.0),
            blending="additive",
            visible=show_probabilities,
        )
        for name, maps in zip(CLASSES, result.mean, strict=True)
    ]
    labels = _class_map(maker, LABEL_MAP, result.labels, "classes", visible=True)
    return [
        *_lattice_layers(maker, result),
        uncertainty,
        *nested,
        *probabilities,
        *_apparent_layers(maker, result),
        labels,
    ]


def layer_maps(layer: Layer, result: MovieResult) -> Maps:
    """Give what a layer that `result_layers` built shows of a result, which may have grown."""
    about = layer.metadata[METADATA_KEY]
    kind, part = about["kind"], about["class"]
    if kind == AT_LEAST_PROBABILITY:
        return at_least(_lazy(result.mean), part)
    if kind == PROBABILITY:
        return result.mean[CLASSES.index(part)]
    arrays = {
        LABEL_MAP: "labels",
        UNCERTAINTY: "entropy",
        APPARENT: "apparent_labels",
        METRIC: "metric_labels",
        FLAGS: "flags",
        AGREEMENT: "agreement",
        LATTICE_PARAMETER: part,
    }
    maps: Maps = getattr(result, arrays[kind])
    return maps


def own(maps: Maps) -> Maps:
    """Copy maps in memory; those that are read from a file are nobody's to change."""
    return maps.copy() if isinstance(maps, np.ndarray) else maps


def copy_frames(layer: Layer, result: MovieResult, position: int | slice = slice(None)) -> None:
    """Copy what a result holds of some frames into a layer that `result_layers` built of it."""
    maps = layer_maps(layer, result)
    if isinstance(layer.data, np.ndarray):
        shown: ShownResult = layer.metadata[RESULT_KEY]
        axis = shown.geometry.channel_axis
        data = layer.data if axis is None else np.squeeze(layer.data, axis)
        data[position] = maps[position]


def _apparent_layers(maker: _LayerMaker, result: MovieResult) -> list[LayerData]:
    if result.apparent_labels is None:
        return []
    return [_class_map(maker, APPARENT, result.apparent_labels, "apparent classes")]


def _lattice_layers(maker: _LayerMaker, result: MovieResult) -> list[LayerData]:
    """Build the layers of the lattice fit, if there was one."""
    maps = {name: getattr(result, name) for name in LATTICE_MAPS}
    if maps["metric_labels"] is None:
        return []
    unit = "px" if result.unit == PIXEL else result.unit
    lengths = [
        maker.make(
            LATTICE_PARAMETER,
            maps[name],
            f"{name} ({unit})",
            part=name,
            colormap="viridis",
            contrast_limits=_middle_range(maps[name]),
        )
        for name in ("a", "b")
    ]
    gamma = maker.make(
        LATTICE_PARAMETER,
        maps["gamma"],
        "gamma (°)",
        part="gamma",
        colormap="viridis",
        contrast_limits=(60.0, 90.0),
    )
    orientation = maker.make(
        LATTICE_PARAMETER,
        maps["orientation"],
        "orientation (°)",
        part="orientation",
        colormap="hsv",  # which ends with the color that it begins with
        contrast_limits=(0.0, _widest_fold(maps["metric_labels"])),
    )
    metric = maker.make(
        METRIC,
        maps["metric_labels"],
        "classes of the metric",
        colormap=class_colors(),
        features={"index": [NOT_ANALYZED, *LABELS.values()], "class": ["not resolved", *CLASSES]},
        opacity=0.5,
    )
    flags = maker.make(
        FLAGS,
        maps["flags"],
        "flags",
        colormap=label_colors(FLAG_COLORS),
        features=flag_features(),
    )
    agreement = maker.make(
        AGREEMENT,
        maps["agreement"],
        "network and metric",
        colormap=label_colors({AGREE: "#009E73", DISAGREE: "#D55E00"}),
        features={
            "index": [NOT_ANALYZED, AGREE, DISAGREE],
            "network and metric": ["one has no answer", "agree", "disagree"],
        },
        opacity=0.5,
    )
    return [*lengths, gamma, orientation, metric, flags, agreement]


def _class_map(
    maker: _LayerMaker, kind: str, labels: Maps, title: str, *, visible: bool = False
) -> LayerData:
    return maker.make(
        kind,
        labels,
        title,
        colormap=class_colors(),
        features=class_features(count_labels(labels)),
        opacity=0.5,
        visible=visible,
    )


def _lazy(maps: Maps) -> Maps:
    """View an array as a Dask array, whose sums follow what is inserted later."""
    import dask.array as da

    if isinstance(maps, da.Array):
        return maps
    return da.from_array(_View(maps), chunks=(-1, 1, *maps.shape[2:]), name=False)


class _View:
    """What Dask needs to see of an array; the array itself it would copy."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __getitem__(self, index: Any) -> NDArray[Any]:
        return np.asarray(self._array[index])


def _middle_range(maps: Maps) -> tuple[float, float]:
    """Give the range of the middle 96 % of the values so far; an empty one is widened."""
    values = np.asarray(maps)
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = np.quantile(values, (0.02, 0.98)).tolist()
    slack = max(0.01 * high, 0.05 * (high - low))
    return low - slack, high + slack


def _widest_fold(metric_labels: Maps) -> float:
    """Give the turn (degrees) from 0 within which nearly all orientations so far lie."""
    counts = count_labels(metric_labels)
    if not counts.any():
        return 180.0
    common = [
        name for name, count in zip(CLASSES, counts, strict=True) if count > _RARE * counts.sum()
    ]
    return max(FOLDS.get(name, 180.0) for name in common)


def preview_layer(
    result: MovieResult, geometry: LayerGeometry, origin: dict[str, Any]
) -> LayerData:
    """Build the layer of classes of a single frame, which is nobody's result yet."""
    maker = _LayerMaker(result, geometry, origin)
    data, arguments, kind = _class_map(maker, PREVIEW, result.labels, "preview", visible=True)
    del arguments["metadata"][RESULT_KEY]
    return data, arguments, kind


def truth_layer(classes: NDArray[np.uint8], name: str, geometry: LayerGeometry) -> LayerData:
    """Build the layer of true classes (T, Y, X) of a simulated movie."""
    arguments = {
        "name": name,
        "colormap": class_colors(),
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
    """Name the label values, and give the share of each in all that was analyzed."""
    total = max(int(counts.sum()), 1)
    return {
        "index": list(LABELS.values()),
        "class": list(CLASSES),
        "area share": np.round(counts / total, 4),
    }


def class_colors() -> DirectLabelColormap:
    """Give the colors of the label values; nothing is drawn where nothing was analyzed."""
    return label_colors({LABELS[name]: color for name, color in COLORS.items()})


def label_colors(colors: Mapping[int, str]) -> DirectLabelColormap:
    """Give a colormap of label values; all others are not drawn."""
    from napari.utils import DirectLabelColormap

    none: dict[int | None, str] = {None: "transparent", NOT_ANALYZED: "transparent"}
    return DirectLabelColormap(color_dict=none | dict(colors))


def class_ramp(name: str) -> Colormap:
    """Give the colormap of a class probability: from black to the color of the class."""
    from napari.utils import Colormap

    return Colormap(["black", COLORS[name]], name=name)


def result_metadata(layer: Layer) -> dict[str, Any] | None:
    """Give what a layer says about the analysis that made it; None for any other layer."""
    about: dict[str, Any] | None = layer.metadata.get(METADATA_KEY)
    return about
