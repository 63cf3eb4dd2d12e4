"""A result as napari layers: one builder, so that no layer lacks its geometry or its origin."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.lattice import (
    AT_LEAST,
    CLASSES,
    COLORS,
    LABELS,
    NOT_ANALYZED,
    at_least,
)
from napari_lattice_symmetry.lattice.metric import FOLDS
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.results import MapSpec, MovieResult
from napari_lattice_symmetry.results.maps import MAPS
from napari_lattice_symmetry.results.result import Maps

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.types import LayerData
    from napari.utils import Colormap, DirectLabelColormap

METADATA_KEY = "napari-lattice-symmetry"
SCHEMA_VERSION = 1

RESULT_KEY = "napari-lattice-symmetry result"
"""Under this key in its metadata a layer holds the `ShownResult` that it is a part of."""

MATCH_KEY = "napari-lattice-symmetry crystals"
"""Under this key the layer of a map of crystals holds the `CrystalMatch` that it shows."""

# What a layer shows, under "kind" in its metadata: the name of a map, or one of the last three.
LABEL_MAP, PROBABILITY, UNCERTAINTY = "labels", "mean", "entropy"
AT_LEAST_PROBABILITY, PREVIEW = "at least", "preview"
SELECTION = "selection"  # windows that a person has chosen

_RARE = 0.05
"""Share of windows below which a class of the metric does not choose the range of colors."""


@dataclass(frozen=True, eq=False)
class ShownResult:
    """A result in layers, and the geometry of the layer it was made from."""

    result: MovieResult
    geometry: LayerGeometry

    def __deepcopy__(self, memo: dict[int, Any]) -> ShownResult:
        return self  # a copy of a layer shows the same result


class _LayerMaker:
    """Makes layers that all have the geometry and the origin of one result."""

    def __init__(self, shown: ShownResult, origin: dict[str, Any]) -> None:
        self.shown, result = shown, shown.result
        self._place = shown.geometry.of_maps(result).layer_arguments()
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
        return data, arguments, map_type(kind)

    def make_map(self, kind: str, part: str | None, *, visible: bool) -> LayerData:
        """Make the layer of a map as `list_maps` lists it."""
        result = self.shown.result
        maps = _maps(result, kind, part)
        if kind == AT_LEAST_PROBABILITY:
            look = _ramp_look(part, (0.0, 1.0))
        elif MAPS[kind].is_labels:
            look = _label_look(MAPS[kind], maps)
        else:
            look = _image_look(MAPS[kind], result, part)
        title = map_title(kind, part, result.unit)
        return self.make(kind, maps, title, part=part, visible=visible, **look)


def result_layers(
    result: MovieResult,
    geometry: LayerGeometry,
    *,
    maps: Collection[str] | None = None,
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
    maps : collection of str, optional
        Names of the maps; those that open if not given.
    show_probabilities, show_uncertainty : bool
        Whether these images are visible; the uncertainty is made if it is.
    origin : dict, optional
        More about the source, in values that JSON knows, for the metadata.

    Returns
    -------
    list of (data, keywords, type)
        One for each map, and for each class of one that has classes, the first on top.
    """
    maker = _LayerMaker(ShownResult(result, geometry), origin or {})
    visible = {LABEL_MAP: True, PROBABILITY: show_probabilities, UNCERTAINTY: show_uncertainty}
    if maps is None:
        shown = {UNCERTAINTY} if show_uncertainty else set()
        maps = {kind for kind, _ in list_maps(result) if kind in MAPS and MAPS[kind].opens} | shown
    return [
        maker.make_map(kind, part, visible=visible.get(kind, False))
        for kind, part in reversed(list_maps(result))
        if kind in maps
    ]


def list_maps(result: MovieResult) -> list[tuple[str, str | None]]:
    """List the maps that a result can show: kind, and class or None, the first on top."""
    found: list[tuple[str, str | None]] = []
    for name in result.maps:
        if MAPS[name].on_grid:
            found += [(name, part) for part in MAPS[name].parts]
            if name == PROBABILITY:
                found += [(AT_LEAST_PROBABILITY, part) for part in AT_LEAST]
    return found


def map_title(kind: str, part: str | None, unit: str) -> str:
    """Return what a map is called; `unit` is that of the movie."""
    if kind == AT_LEAST_PROBABILITY:
        return f"P(at least {part})"
    spec = MAPS[kind]
    return spec.short.format(part=part, unit=spec.unit_in(unit))


def map_type(kind: str) -> str:
    """Return the type of layer that shows a map of a kind."""
    is_labels = kind == PREVIEW or (kind in MAPS and MAPS[kind].is_labels)
    return "labels" if is_labels else "image"


def map_layer(sibling: Layer, kind: str, part: str | None = None) -> LayerData:
    """Build the layer of another map of the result of which `sibling` shows one."""
    shown: ShownResult = sibling.metadata[RESULT_KEY]
    origin = {
        key: value
        for key, value in sibling.metadata[METADATA_KEY].items()
        if key not in ("kind", "class")
    }
    maker = _LayerMaker(shown, origin)
    data, arguments, layer_type = maker.make_map(kind, part, visible=True)
    arguments["affine"] = sibling.affine  # which may have been corrected since
    return data, arguments, layer_type


def _label_look(spec: MapSpec, labels: Maps) -> dict[str, Any]:
    """Return colors and names of label values."""
    look = label_look(spec.values, spec.nothing, "class" if spec.kind == "class" else spec.short)
    if spec.kind == "class" and not spec.nothing:
        look["features"] = class_features(count_labels(labels))
    return {**look, "opacity": 0.5}


def _image_look(spec: MapSpec, result: MovieResult, part: str | None) -> dict[str, Any]:
    """Return the colormap of numbers, and its range."""
    if spec.kind == "probability":
        return _ramp_look(part, spec.limits)
    limits = spec.limits
    if spec.kind == "turn" and limits is None:
        limits = (0.0, _widest_fold(result.metric_labels))
    return {
        "colormap": spec.colors,
        "contrast_limits": limits or _middle_range(result.maps[spec.name]),
        # The image shows where the network is sure.
        "blending": "additive" if spec.name == UNCERTAINTY else "translucent",
    }


def _ramp_look(part: str | None, limits: tuple[float, float] | None) -> dict[str, Any]:
    return {
        "colormap": class_ramp(str(part)),
        "contrast_limits": limits,
        "blending": "additive",
    }


def layer_maps(layer: Layer, result: MovieResult) -> Maps:
    """Return what a layer that `result_layers` built shows of a result, which may have grown."""
    about = layer.metadata[METADATA_KEY]
    return _maps(result, about["kind"], about["class"])


def _maps(result: MovieResult, kind: str, part: str | None) -> Maps:
    if kind == AT_LEAST_PROBABILITY:
        return at_least(_lazy(result.mean), str(part))
    maps: Maps = result.maps[kind]
    return maps if part is None else maps[CLASSES.index(part)]


def own(maps: Maps) -> Maps:
    """Copy maps in memory; those that are read from a file are nobody's to change."""
    return maps.copy() if isinstance(maps, np.ndarray) else maps


def copy_frames(layer: Layer, result: MovieResult, position: int | slice = slice(None)) -> None:
    """Copy what a result holds of some frames into a layer that `result_layers` built of it."""
    maps = layer_maps(layer, result)
    if isinstance(layer.data, np.ndarray):
        shown: ShownResult = layer.metadata[RESULT_KEY]
        data = np.squeeze(layer.data, shown.geometry.flat_axes)
        data[position] = maps[position]


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
    """Return the range of the middle 96 % of the values so far; an empty one is widened."""
    values = np.asarray(maps)
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = np.quantile(values, (0.02, 0.98)).tolist()
    slack = max(0.01 * high, 0.05 * (high - low))
    return low - slack, high + slack


def _widest_fold(metric_labels: Maps) -> float:
    """Return the turn (degrees) from 0 within which nearly all orientations so far lie."""
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
    maker = _LayerMaker(ShownResult(result, geometry), origin)
    look = _label_look(MAPS[LABEL_MAP], result.labels)
    data, arguments, kind = maker.make(PREVIEW, result.labels, "preview", visible=True, **look)
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
    """Return the colors of the label values; nothing is drawn where nothing was analyzed."""
    return label_colors({LABELS[name]: color for name, color in COLORS.items()})


@cache
def compile_class_map() -> None:
    """Let napari compile what draws labels, lest the first class map stops the screen for 2 s.

    It does so once in a process, in whatever thread makes the first such layer.
    """
    from napari.layers import Labels

    Labels(np.zeros((1, 1, 1), np.uint8), colormap=class_colors())


def label_look(
    values: Mapping[int, tuple[str, str]], nothing: str = "", column: str = "class"
) -> dict[str, Any]:
    """Return colors and names of label values, and what 0 means, as keywords of a layer.

    Labels without meanings keep the colors of napari.
    """
    if not values:
        return {}
    names = {value: name for value, (name, _) in values.items()}
    if nothing:
        names = {NOT_ANALYZED: nothing, **names}
    return {
        "colormap": label_colors({value: color for value, (_, color) in values.items()}),
        "features": {"index": list(names), column: list(names.values())},
    }


def label_colors(colors: Mapping[int, str]) -> DirectLabelColormap:
    """Return a colormap of label values; all others are not drawn."""
    from napari.utils import DirectLabelColormap

    none: dict[int | None, str] = {None: "transparent", NOT_ANALYZED: "transparent"}
    return DirectLabelColormap(color_dict=none | dict(colors))


def class_ramp(name: str) -> Colormap:
    """Return the colormap of a class probability: from black to the color of the class."""
    from napari.utils import Colormap

    return Colormap(["black", COLORS[name]], name=name)


def result_metadata(layer: Layer) -> dict[str, Any] | None:
    """Return what a layer says about the analysis that made it; None for any other layer."""
    about: dict[str, Any] | None = layer.metadata.get(METADATA_KEY)
    return about
