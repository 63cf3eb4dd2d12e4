"""Saved results as the commands find them: as they were made, or as they were exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_layer_stack
from napari_lattice_symmetry.results import MovieResult, is_result, load_result
from napari_lattice_symmetry.results.export import layer_stack_result

_EXPORTED = (".zarr", ".tif", ".tiff")


def require_result(path: Path) -> MovieResult:
    """Open a result, or an OME-Zarr, OME-TIFF or ImageJ file of one.

    Raises
    ------
    InputError
        If it is none, or damaged.
    """
    result = find_result(path)
    if result is None:
        raise InputError(f"{path} is not a saved result; choose one that was saved or exported.")
    return result


def find_result(path: Path) -> MovieResult | None:
    """Open the result at a path; None if it is anything else.

    Raises
    ------
    InputError
        If it is damaged.
    """
    if is_result(path):
        return load_result(path)
    if not path.exists() or path.suffix.lower() not in _EXPORTED:
        return None
    stack = read_layer_stack(path)
    return None if stack is None else layer_stack_result(stack)


def row_of_frame(result: MovieResult, frame: int) -> int:
    """Find a frame of the movie among those that were analyzed.

    Raises
    ------
    InputError
        If it is none of them.
    """
    rows = np.flatnonzero(result.frame_indices == frame)
    if not len(rows):
        raise InputError(
            f"Frame {frame} was not analyzed; the result holds frames "
            f"{result.frame_indices[0]} to {result.frame_indices[-1]}."
        )
    return int(rows[0])
