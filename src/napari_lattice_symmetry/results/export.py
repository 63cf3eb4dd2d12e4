"""A result as images and labels that other programs know, and back from these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import CLASSES, COLORS, LABELS
from napari_lattice_symmetry.results.result import AXES, MovieResult, array_names, array_types
from napari_lattice_symmetry.results.store import FORMAT, attributes_of, fields_of

if TYPE_CHECKING:
    from napari_lattice_symmetry.results.result import Maps

_SPREAD = tuple(f"{name} (spread)" for name in CLASSES)
_TITLES: dict[str, tuple[str, ...]] = {
    "mean": CLASSES,
    "std": _SPREAD,
    "entropy": ("predictive entropy",),
    "mutual_information": ("mutual information",),
    "labels": ("classes",),
    "apparent_labels": ("apparent classes",),
    "metric_labels": ("metric classes",),
}
_CLASS_MAPS = ("labels", "apparent_labels", "metric_labels")


def result_layer_stack(result: MovieResult) -> LayerStack:
    """Give all maps of a result: probabilities, uncertainties and lattices, and the classes.

    Returns
    -------
    LayerStack
        With the colors and names of the classes; its metadata hold all the rest of the result.
    """
    parameters = result.parameters
    time = result.frame_time or 1.0
    names = array_names(parameters)
    channels = {title: maps for name in names for title, maps in _channels(result, name)}
    types = {title: np.dtype(maps.dtype) for title, maps in channels.items()}
    meanings = {LABELS[name]: (name, color) for name, color in COLORS.items()}
    return LayerStack(
        name=result.name,
        images={title: maps for title, maps in channels.items() if types[title].kind == "f"},
        labels={title: maps for title, maps in channels.items() if types[title].kind == "u"},
        scale=(time * parameters.frame_step, *result.grid.scale(result.pixel_size)),
        translate=(time * parameters.first_frame, *result.grid.translate(result.pixel_size)),
        unit=result.unit,
        timed=result.frame_time is not None,
        values={title: meanings for name in _CLASS_MAPS for title in _titles(name)},
        colors=COLORS,
        metadata={
            **attributes_of(vars(result)),
            "series": {name: _to_json(getattr(result, name)) for name in _series(names)},
        },
    )


def layer_stack_result(stack: LayerStack) -> MovieResult | None:
    """Give the result that `result_layer_stack` made a layer stack of; None for any other.

    Raises
    ------
    InputError
        If it is damaged.
    """
    about = stack.metadata
    if about.get("format") != FORMAT:
        return None
    try:
        fields = fields_of(about)
        parameters, series = fields["parameters"], about["series"]
        indices = np.array(series["frame_indices"], np.int64)
        arrays: dict[str, Any] = {}
        for name, (shape, dtype) in array_types(len(indices), fields["grid"], parameters).items():
            maps = "y" in AXES[name]
            values = _maps(stack, name) if maps else np.array(series[name], dtype)
            if values.shape != shape or values.dtype != dtype:
                raise ValueError(f"{name} has the shape {values.shape}, not {shape}")
            arrays[name] = values
        return MovieResult(**arrays, frame_indices=indices, **fields)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{stack.name} is damaged ({type(error).__name__}: {error}); analyze the movie again."
        ) from error


def _titles(name: str) -> tuple[str, ...]:
    """Name the maps of an array in a result: one, or one of each class."""
    return _TITLES.get(name, (name,))


def _series(names: list[str]) -> list[str]:
    """List the arrays that are no maps, which go into the metadata."""
    return ["frame_indices", *(name for name in names if "y" not in AXES[name])]


def _channels(result: MovieResult, name: str) -> list[tuple[str, Maps]]:
    if "y" not in AXES[name]:
        return []
    array = getattr(result, name)
    maps = list(array) if "class" in AXES[name] else [array]
    return list(zip(_titles(name), maps, strict=True))


def _maps(stack: LayerStack, name: str) -> Maps:
    arrays: Mapping[str, Maps] = {**stack.images, **stack.labels}
    maps = [arrays[title] for title in _titles(name)]
    stacked: Maps = np.stack(maps) if "class" in AXES[name] else maps[0]
    return stacked


def _to_json(values: Any) -> Any:
    """Give nested lists, with None where a value is missing, since JSON knows no NaN."""
    array = np.asarray(values)
    objects = array.astype(object)
    objects[~np.isfinite(array)] = None
    return objects.tolist()
