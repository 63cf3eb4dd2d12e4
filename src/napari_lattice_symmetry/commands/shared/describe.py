"""What ``lattice-symmetry info`` says of movies and results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from napari_lattice_symmetry.analysis import describe_length, movie_period
from napari_lattice_symmetry.bravais.parameters import ANSWERS, AnalysisParameters, suggest_window
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.spectrum.lattice_fit import MAX_PERIODS, MIN_PERIODS


def describe_result(result: MovieResult) -> dict[str, Any]:
    """Say how much of a result is there, and how it was made."""
    gy, gx = result.grid.shape
    return {
        "name": result.name,
        "frames": f"{result.done.sum()} of {len(result.done)} finished",
        "map": f"{gy} x {gx} windows a frame",
        "answer": ANSWERS[result.parameters.answer],
        "parameters": result.parameters.model_dump(),
        "provenance": result.provenance,
    }


def describe_movie(movie: Movie) -> dict[str, Any]:
    """Say what was read, and which window fits."""
    t, y, x = movie.shape
    size_y, size_x = movie.pixel_size
    window = AnalysisParameters().window
    period = movie_period(movie)
    described = {
        "name": movie.name,
        "shape": f"{t} x {y} x {x} (frames, px, px)",
        "dtype": np.dtype(movie.frames.dtype).name,
        "pixel size": f"{size_y:.5g} x {size_x:.5g} nm" if movie.calibrated else "unknown",
        "calibration from": movie.calibration_source or "nothing in the file",
        "frame time": "unknown" if movie.frame_time is None else f"{movie.frame_time:.5g} s",
    }
    if period is None:
        return described | {"lattice period": "none found"}
    return described | {
        "lattice period": f"{describe_length(movie, period.length)} ({period})",
        "default window": f"{window} px, {window / period.length:.1f} periods "
        f"({MIN_PERIODS} to {MAX_PERIODS} should fit)",
        "suggested window": f"{suggest_window(period.length, (y, x), period.min_window)} px",
    }


def tree(values: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Write nested values as indented lines."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield f"{indent}{name}:"
            yield from tree(value, indent + "  ")
        else:
            yield f"{indent}{name}: {value}"
