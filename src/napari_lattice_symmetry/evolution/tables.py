"""Curves and fits as tables that any program opens."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_lattice_symmetry.atoms import DefectLives
from napari_lattice_symmetry.atoms.writing import write_columns
from napari_lattice_symmetry.evolution.curves import Curve
from napari_lattice_symmetry.evolution.growth import Estimate, GrowthFit, akaike_weights
from napari_lattice_symmetry.files import as_path, replacing
from napari_lattice_symmetry.results.column import Column


def write_curves(curves: Sequence[Curve], path: str | Path, *, along: Column | None = None) -> None:
    """Write curves of one result as CSV: time, column, values and standard deviations.

    Frames of which nothing is known are left out.

    Parameters
    ----------
    curves : sequence of Curve
        At least one.
    path : str or pathlib.Path
        Where to; a file that is there is replaced.
    along : Column, optional
        What was recorded beside the movie; it becomes the second column.

    Raises
    ------
    InputError
        If `path` cannot be written, or `along` says nothing of these frames.
    """
    first = curves[0]
    columns = {f"time_{first.time_unit}": first.times}
    if along is not None:
        columns[along.name] = along.at(first, timed=first.timed)
    for curve in curves:
        columns[curve.name] = curve.values
        columns[f"{curve.name}, std"] = curve.std
    rows = np.column_stack(list(columns.values()))
    known = np.isfinite(rows[:, -2 * len(curves) :]).any(axis=1)
    _write(path, list(columns), [[f"{value:.6g}" for value in row] for row in rows[known]])


def write_fits(fits: Sequence[GrowthFit], path: str | Path) -> None:
    """Write fits to one curve as CSV, one estimate a row with its 95 % interval.

    An estimate that is at a bound has no interval of confidence, see `Estimate`.

    Parameters
    ----------
    fits : sequence of GrowthFit
        As of `compare_laws`.
    path : str or pathlib.Path
        Where to; a file that is there is replaced.

    Raises
    ------
    InputError
        If `path` cannot be written.
    """
    rows = []
    for fit, weight in zip(fits, akaike_weights(fits), strict=True):
        about = [fit.curve.name, fit.law.name, fit.law.formula]
        rows += [
            [*about, name, *_numbers(each), each.unit, "yes" if each.at_bound else ""]
            for name, each in fit.estimates.items()
        ]
        end = f"{fit.initial_end:.6g}"
        rows += [
            [*about, "initial interval ends", end, "", "", fit.curve.time_unit, ""],
            [*about, "AICc", f"{fit.aic:.6g}", "", "", "", ""],
            [*about, "Akaike weight", f"{weight:.6g}", "", "", "", ""],
        ]
    columns = ["curve", "law", "formula", "quantity", "value", "low", "high", "unit", "at bound"]
    _write(path, columns, rows)


def write_defect_counts(
    lives: DefectLives, path: str | Path, frame_time: float | None = None
) -> None:
    """Write what is known of each frame as CSV; a file that is there is replaced.

    Parameters
    ----------
    lives : DefectLives
        As `follow_defects` gives them.
    path : str or pathlib.Path
        Where to.
    frame_time : float, optional
        Seconds from frame to frame, for a column of times.

    Raises
    ------
    InputError
        If the name does not end in .csv, or nothing can be written there.
    """
    times = {} if frame_time is None else {"time_s": lives.frames * frame_time}
    write_columns(times | lives.counts(), Path(path), overwrite=True)


def _numbers(estimate: Estimate) -> list[str]:
    return [f"{number:.6g}" for number in (estimate.value, estimate.low, estimate.high)]


def _write(path: str | Path, columns: list[str], rows: list[list[str]]) -> None:
    with (
        replacing(as_path(path)) as partial,
        partial.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
