"""Phase fractions as a table that any program opens."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.data.movie import unit_name
from napari_lattice_symmetry.files import as_path, replacing
from napari_lattice_symmetry.lattice import AT_LEAST, CLASSES, at_least
from napari_lattice_symmetry.results.areas import area_fractions
from napari_lattice_symmetry.results.column import Column
from napari_lattice_symmetry.results.maps import AGREE
from napari_lattice_symmetry.spectrum.lattice_fit import Flag

if TYPE_CHECKING:
    from napari_lattice_symmetry.results.result import MovieResult


def write_fractions(result: MovieResult, path: str | Path, *, along: Column | None = None) -> None:
    """Write the phase fractions of the finished frames, one row a frame.

    The columns are ``frame`` (index in the movie), ``time_s`` (empty without a frame time) and,
    for each class, its phase fraction, the network spread of that (``_std``: the standard
    deviation over judges, or over thinned networks, which is no error of the fraction) and its
    share of the analyzed windows (``_area_share``), and the share of the frame's area that it
    covers (``_area``) with bounds of 95 % (``_area_low``, ``_area_high``); then the phase
    fractions of at least a rectangular and at least a centered symmetry. Where a lattice was
    fitted to every window there are also the share of windows in which it is resolved
    (``resolved``), the medians of a, b and gamma over these (empty if there are none), the share
    of these in which network and fit agree (``agreeing``), and the share of windows with two
    lattices.

    Parameters
    ----------
    result : MovieResult
        What was found.
    path : path-like
        Where to; Parquet, with all digits and the provenance, if it ends in .parquet, else CSV.
    along : Column, optional
        What was recorded beside the movie; it becomes the third column.

    Raises
    ------
    InputError
        If `path` cannot be written, or `along` says nothing of these frames.
    """
    path = as_path(path)
    columns = _columns(result, along)
    with replacing(path) as partial:
        if path.suffix.lower() == ".parquet":
            _write_parquet(result, columns, partial)
        else:
            _write_csv(columns, partial)


def _write_csv(columns: dict[str, NDArray[Any]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(_rows(columns))


def _rows(columns: dict[str, NDArray[Any]]) -> Iterator[list[str]]:
    for frame, time, *values in zip(*columns.values(), strict=True):
        seconds = "" if np.isnan(time) else f"{time:.6g}"
        yield [str(frame), seconds, *("" if np.isnan(v) else f"{v:.6f}" for v in values)]


def _write_parquet(result: MovieResult, columns: dict[str, NDArray[Any]], path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    arrays = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
    about = {"provenance": json.dumps(result.provenance), "name": result.name}
    parquet.write_table(pa.table(arrays, metadata=about), path)


def _columns(result: MovieResult, along: Column | None) -> dict[str, NDArray[Any]]:
    done = result.done
    unknown = np.full(len(done), np.nan)
    columns: dict[str, NDArray[Any]] = {
        "frame": result.frame_indices[done],
        "time_s": (unknown if result.frame_time is None else result.times)[done],
    }
    if along is not None:
        columns[along.name] = along.at(result, timed=result.frame_time is not None)[done]
    shares, areas = result.area_shares, area_fractions(result)
    for k, name in enumerate(CLASSES):
        title = name.replace(" ", "_")
        columns[title] = result.fractions[done, k]
        columns[f"{title}_std"] = result.fractions_std[done, k]
        columns[f"{title}_area_share"] = shares[done, k]
        columns[f"{title}_area"] = areas.values[done, k]
        columns[f"{title}_area_low"] = areas.low[done, k]
        columns[f"{title}_area_high"] = areas.high[done, k]
    for name in AT_LEAST:
        fractions = at_least(result.fractions[done], name, axis=1)
        columns[f"at_least_{name.replace(' ', '_')}"] = fractions
    if result.a is not None:
        columns |= _lattice_columns(result)
    return columns


def _lattice_columns(result: MovieResult) -> dict[str, NDArray[Any]]:
    """Sum up the maps of the lattice fit, frame by frame."""
    unit = unit_name(result.unit)
    titles = {"a": f"a_{unit}", "b": f"b_{unit}", "gamma": "gamma_deg"}
    names = ["resolved", *titles.values(), "agreeing", "two_lattices"]
    rows = [_lattice_row(result, position, titles) for position in np.flatnonzero(result.done)]
    return dict(zip(names, np.reshape(rows, (-1, len(names))).T, strict=True))


def _lattice_row(result: MovieResult, position: int, titles: Iterable[str]) -> list[float]:
    maps = {
        name: np.asarray(result.maps[name][position]) for name in (*titles, "flags", "agreement")
    }
    resolved = np.isfinite(maps["a"])
    if not resolved.any():
        return [0.0, *(float("nan") for _ in titles), float("nan"), 0.0]
    return [
        float(resolved.mean()),
        *(float(np.median(maps[name][resolved])) for name in titles),
        float((maps["agreement"][resolved] == AGREE).mean()),
        float((maps["flags"] & Flag.TWO_LATTICES > 0).mean()),
    ]
