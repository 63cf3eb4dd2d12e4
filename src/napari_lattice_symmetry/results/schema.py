"""What a result holds besides its maps: of a movie, as values that JSON knows, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters, parse_recorded
from napari_lattice_symmetry.data.movie import NANOMETER, PIXEL, Movie
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.results.map_spec import MapSpec
from napari_lattice_symmetry.results.maps import specs_of
from napari_lattice_symmetry.spectrum import WindowGrid

FORMAT = "lattice-symmetry-result"
SCHEMA_VERSION = 1

_FIRST_MAPS = (
    *("labels", "mean", "std", "entropy", "mutual_information", "fractions", "fractions_std"),
    *("apparent_labels", "a", "b", "gamma", "orientation", "metric_labels", "flags", "agreement"),
)
"""What there could be in results that do not list their maps, and is in all others."""


def describe(
    movie: Movie, parameters: AnalysisParameters, provenance: dict[str, Any]
) -> dict[str, Any]:
    """Return what a result of `movie` holds besides its maps and states.

    Raises
    ------
    InputError
        If the window does not fit into the frames, or no frame is to be analyzed.
    """
    return {
        "frame_indices": np.array(parameters.frame_indices(len(movie)), dtype=np.int64),
        "parameters": parameters,
        "grid": WindowGrid(movie.shape[1:], parameters.window, parameters.stride),
        "pixel_size": movie.pixel_size,
        "unit": movie.unit,
        "frame_time": movie.frame_time,
        "name": movie.name,
        "source": movie.source,
        "provenance": provenance,
        "geometry": None if movie.geometry is None else dict(movie.geometry),
    }


def attributes_of(about: Mapping[str, Any], maps: Iterable[str]) -> dict[str, Any]:
    """Put the fields of a `MovieResult` that are no arrays into values that JSON knows."""
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "name": about["name"],
        "source": about["source"],
        "classes": list(CLASSES),
        "maps": list(maps),
        "frame_shape": list(about["grid"].frame_shape),
        "calibration": {
            "pixel_size": list(about["pixel_size"]),
            "unit": about["unit"],
            "frame_time": about["frame_time"],
        },
        "parameters": about["parameters"].model_dump(mode="json"),
        "provenance": about["provenance"],
        "geometry": about["geometry"],
    }


def fields_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `MovieResult` that `attributes_of` wrote.

    Raises
    ------
    InputError, KeyError, TypeError, ValueError
        If they are damaged.
    """
    parameters = parse_recorded(attributes["parameters"])
    calibration = attributes["calibration"]
    height, width = attributes["frame_shape"]
    y, x = calibration["pixel_size"]
    _check_calibration(y, x, 1 if calibration["frame_time"] is None else calibration["frame_time"])
    if calibration["unit"] not in (NANOMETER, PIXEL):
        raise ValueError(f"the unit {calibration['unit']!r}")
    return {
        "parameters": parameters,
        "grid": WindowGrid((int(height), int(width)), parameters.window, parameters.stride),
        "pixel_size": (y, x),
        "unit": calibration["unit"],
        "frame_time": calibration["frame_time"],
        "name": str(attributes["name"]),
        "source": attributes["source"] and str(attributes["source"]),
        "provenance": dict(attributes["provenance"]),
        "geometry": attributes.get("geometry"),
    }


def written_specs(attributes: Mapping[str, Any], parameters: AnalysisParameters) -> list[MapSpec]:
    """List the maps that were written; one that is newer than a result is not in it.

    Raises
    ------
    TypeError, ValueError
        If they are damaged.
    """
    written = {*attributes.get("maps", _FIRST_MAPS)}
    specs = specs_of(parameters)
    for spec in specs:
        if spec.name in _FIRST_MAPS and spec.name not in written:
            raise ValueError(f"its list of maps lacks {spec.name}")
    return [spec for spec in specs if spec.name in written]


def _check_calibration(*sizes: float) -> None:
    if not all(math.isfinite(size) and size > 0 for size in sizes):
        raise ValueError(f"a calibration of {sizes}")
