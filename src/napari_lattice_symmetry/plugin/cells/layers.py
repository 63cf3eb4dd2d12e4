"""Averaged cells and strain maps as napari layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from napari_lattice_symmetry.analysis.cell_windows import AveragedCell
from napari_lattice_symmetry.analysis.residuals import Residuals
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.inspection.strain import COMPONENTS, components, even_range
from napari_lattice_symmetry.lattice.strain import StrainMaps
from napari_lattice_symmetry.plugin.layers.result_layers import (
    METADATA_KEY,
    RESULT_KEY,
    SCHEMA_VERSION,
    ShownResult,
)
from napari_lattice_symmetry.plugin.selection.source import Source

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.types import LayerData

CELL, RESIDUAL, STRAIN = "unit cell", "residual", "strain"


def cell_layers(averaged: AveragedCell, image: Image, source: Source) -> list[LayerData]:
    """Build the layers of an averaged cell, bottom first.

    Parameters
    ----------
    averaged : AveragedCell
        What was found.
    image : napari.layers.Image
        The layer that was averaged.
    source : Source
        Its movie and geometry.

    Returns
    -------
    list of (data, keywords, type)
        What the mean cell leaves of all windows, at their places and in their frames; the
        standard error, the symmetrized and the mean cell at their place in the first window.
    """
    cell, (_, top, left) = averaged.cell, averaged.places[0].tolist()
    side = cell.windows.shape[-1]
    about = {
        "schema_version": SCHEMA_VERSION,
        "result": uuid4().hex,
        "class": cell.group.name,
        "parameters": AnalysisParameters(window=side).model_dump(mode="json"),
        "provenance": {"plane_group": cell.group.name, "cells": cell.n_cells},
        **source.origin,
    }
    to_world = _plane_transform(image)
    rows, columns = cell.shape
    (ax, ay), (bx, by) = cell.basis / np.array(cell.pixel_size[::-1])
    x, y = cell.origins[0] + [left, top]
    in_frame = to_world @ [[by / rows, ay / columns, y], [bx / rows, ax / columns, x], [0, 0, 1]]

    def layer(kind: str, data: Any, title: str, affine: Any = None, **more: Any) -> LayerData:
        arguments = {
            "name": f"{title} · {source.movie.name}",
            "metadata": {METADATA_KEY: {"kind": kind, **about}},
            "affine": affine,
            "units": image.units[-2:],
            "axis_labels": image.axis_labels[-2:],
            **more,
        }
        return data, arguments, "image"

    group = cell.group.name or "p1"
    residuals = Residuals(averaged)
    first = residuals.of_frame(residuals.frames[0])
    colors = {"colormap": "RdBu_r", "contrast_limits": even_range(first), "visible": False}
    if len(residuals.frames) > 1:
        geometry = source.geometry.of_part(residuals.frames[0], residuals.corner)
        shown = geometry.shape_maps(residuals.of_all_frames())
        residual = layer(RESIDUAL, shown, RESIDUAL, **geometry.layer_arguments(), **colors)
    else:
        y, x = residuals.corner
        at_corner = np.array([[1, 0, y], [0, 1, x], [0, 0, 1]])
        residual = layer(RESIDUAL, first, RESIDUAL, to_world @ at_corner, **colors)
    return [
        residual,
        layer(CELL, cell.error, f"error of {CELL}", in_frame, colormap="magma", visible=False),
        layer(CELL, cell.symmetrized, f"{CELL} as {group}", in_frame, visible=False),
        layer(CELL, cell.image, CELL, in_frame),
    ]


def strain_layers(maps: StrainMaps, sibling: Layer, *, with_errors: bool) -> list[LayerData]:
    """Build the layers of strain and rotation, bottom first.

    Parameters
    ----------
    maps : StrainMaps
        Of the result of which `sibling` shows a map.
    sibling : napari.layers.Layer
        Where these lie, and which result they belong to.
    with_errors : bool
        Whether the standard errors are layers too.

    Returns
    -------
    list of (data, keywords, type)
    """
    shown: ShownResult = sibling.metadata[RESULT_KEY]
    result, geometry = shown.result, shown.geometry
    values = components(maps)
    errors = (
        {}
        if maps.errors is None or not with_errors
        else {f"error of {name}": each for name, each in zip(COMPONENTS, maps.errors, strict=True)}
    )
    layers: list[LayerData] = []
    for title, data in reversed((values | errors).items()):
        if title in values:
            colors = {"colormap": "RdBu_r", "contrast_limits": even_range(data)}
        else:
            colors = {"colormap": "magma", "contrast_limits": (0.0, even_range(data)[1])}
        about = {**sibling.metadata[METADATA_KEY], "kind": STRAIN, "class": title}
        arguments = {
            "name": f"{title} · {result.name}",
            "metadata": {METADATA_KEY: about},
            "blending": "translucent",
            "visible": title == COMPONENTS[0],
            **geometry.of_maps(result).layer_arguments(),
            "affine": sibling.affine,
            **colors,
        }
        layers.append((geometry.shape_maps(data.astype(np.float32)), arguments, "image"))
    return layers


def _plane_transform(image: Image) -> Any:
    """Return the matrix from (row, column, 1) of an upright image to the world."""
    plane = np.diag([*image.scale[-2:], 1.0])
    plane[:2, 2] = image.translate[-2:]
    return image.affine.affine_matrix[-3:, -3:] @ plane
