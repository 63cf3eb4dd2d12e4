"""Phase fractions as a table that any program opens."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_lattice_symmetry.analysis.storage import writing
from napari_lattice_symmetry.lattice import CLASSES

if TYPE_CHECKING:
    from napari_lattice_symmetry.analysis.result import MovieResult


def write_fractions(result: MovieResult, path: str | Path) -> None:
    """Write the phase fractions of the finished frames as CSV, one row a frame.

    The columns are ``frame`` (index in the movie), ``time_s`` (empty without a frame time) and,
    for each class, its phase fraction, the standard deviation of that over the thinned networks
    (``_std``) and its share of the analysed windows (``_area_share``).

    Raises
    ------
    InputError
        If `path` cannot be written.
    """
    path = Path(path)
    with writing(path), path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_header())
        writer.writerows(_rows(result))


def _header() -> list[str]:
    names = (name.replace(" ", "_") for name in CLASSES)
    columns = (f"{name}{part}" for name in names for part in ("", "_std", "_area_share"))
    return ["frame", "time_s", *columns]


def _rows(result: MovieResult) -> Iterator[list[str]]:
    values = np.stack([result.fractions, result.fractions_std, result.area_shares], axis=-1)
    for t in np.flatnonzero(result.done):
        time = "" if result.frame_time is None else f"{result.times[t]:.6g}"
        numbers = (f"{value:.6f}" for value in values[t].ravel())
        yield [str(result.frame_indices[t]), time, *numbers]
