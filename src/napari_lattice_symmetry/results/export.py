"""A result as images and labels that other programs know, and back from these."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_lattice_symmetry.data.layer_stack import LayerStack
from napari_lattice_symmetry.errors import InputError, guard
from napari_lattice_symmetry.lattice import COLORS
from napari_lattice_symmetry.results.map_spec import MapSpec
from napari_lattice_symmetry.results.maps import MAPS
from napari_lattice_symmetry.results.result import Maps, MovieResult
from napari_lattice_symmetry.results.schema import FORMAT, attributes_of, fields_of, written_specs


def result_layer_stack(result: MovieResult) -> LayerStack:
    """Return all maps of a result: probabilities, uncertainties and lattices, and the classes.

    Returns
    -------
    LayerStack
        With the colors and names of the classes; its metadata hold all the rest of the result.
    """
    parameters = result.parameters
    time = result.frame_time or 1.0
    specs = [MAPS[name] for name in result.maps]
    images: dict[str, Maps] = {}
    labels: dict[str, Maps] = {}
    for spec in specs:
        if spec.on_grid:
            (labels if spec.is_labels else images).update(_channels(spec, result.maps[spec.name]))
    series = {
        "frame_indices": result.frame_indices,
        "state": result.state,
        **{spec.name: result.maps[spec.name] for spec in specs if not spec.on_grid},
    }
    return LayerStack(
        name=result.name,
        images=images,
        labels=labels,
        scale=(time * parameters.frame_step, *result.grid.scale(result.pixel_size)),
        translate=(time * parameters.first_frame, *result.grid.translate(result.pixel_size)),
        unit=result.unit,
        timed=result.frame_time is not None,
        values={title: spec.values for spec in specs if spec.is_labels for title in spec.titles},
        colors=COLORS,
        metadata={
            **attributes_of(vars(result), result.maps),
            "series": {name: _to_json(values) for name, values in series.items()},
        },
    )


def layer_stack_result(stack: LayerStack) -> MovieResult | None:
    """Return the result that `result_layer_stack` made a layer stack of; None for any other.

    Raises
    ------
    InputError
        If it is damaged.
    """
    about = stack.metadata
    if about.get("format") != FORMAT:
        return None
    with guard(f"{stack.name} is damaged", InputError, advice="analyze the movie again", unless=()):
        fields, series = fields_of(about), about["series"]
        indices = np.array(series["frame_indices"], np.int64)
        state = np.array(series["state"], np.uint8)
        if state.shape != indices.shape:
            raise ValueError(f"state has the shape {state.shape}, not {indices.shape}")
        maps: dict[str, Maps] = {}
        for spec in written_specs(about, fields["parameters"]):
            values = _maps(stack, spec) if spec.on_grid else np.array(series[spec.name], spec.dtype)
            shape = spec.shape(len(indices), fields["grid"])
            if values.shape != shape or values.dtype != spec.dtype:
                raise ValueError(f"{spec.name} has the shape {values.shape}, not {shape}")
            maps[spec.name] = values
        return MovieResult(maps=maps, state=state, frame_indices=indices, **fields)


def _channels(spec: MapSpec, maps: Maps) -> dict[str, Maps]:
    """Return the maps (T, Y, X) of an array by their titles."""
    each = list(maps) if "class" in spec.axes else [maps]
    return dict(zip(spec.titles, each, strict=True))


def _maps(stack: LayerStack, spec: MapSpec) -> Maps:
    arrays = stack.labels if spec.is_labels else stack.images
    maps = [arrays[title] for title in spec.titles]
    stacked: Maps = np.stack(maps) if "class" in spec.axes else maps[0]
    return stacked


def _to_json(values: Any) -> Any:
    """Return nested lists, with None where a value is missing, since JSON knows no NaN."""
    array = np.asarray(values)
    objects = array.astype(object)
    objects[~np.isfinite(array)] = None
    return objects.tolist()
