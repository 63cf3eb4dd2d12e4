"""The command ``lattice-symmetry atoms``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from napari_lattice_symmetry.atoms import (
    Atoms,
    FindParameters,
    Score,
    find_atoms,
    find_defects,
    read_atoms,
    score,
)
from napari_lattice_symmetry.atoms.defect_search import METHODS
from napari_lattice_symmetry.atoms.writing import ATOM_SUFFIXES
from napari_lattice_symmetry.commands.shared.atoms import Measures, measure_options
from napari_lattice_symmetry.commands.shared.options import (
    PATH,
    calibration_options,
    file_options,
    outputs_option,
    overwrite_option,
)
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import check_free
from napari_lattice_symmetry.io import read_movie

_FIELDS = FindParameters.model_fields


@click.command()
@click.argument("file", type=PATH)
@click.option("--frame", type=click.IntRange(0), help="Only this frame.  [default: all]")
@click.option("--spacing", type=float, metavar="PX", help=_FIELDS["spacing"].description)
@click.option(
    "--confidence",
    type=float,
    default=_FIELDS["confidence"].default,
    show_default=True,
    help=_FIELDS["confidence"].description,
)
@click.option(
    "--refine/--no-refine", default=True, show_default=True, help=_FIELDS["refine"].description
)
@click.option("--defects", type=PATH, metavar="CSV", help="Also list defects, in this file.")
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default=METHODS[0],
    show_default=True,
    help="How defects are found: by the lattice of the atoms, by maps, or without the lattice.",
)
@click.option("--truth", type=PATH, metavar="CSV", help="Also compare with these atoms.")
@click.option(
    "--radius", type=float, help="Within which a pair is allowed, in nm, or px if not calibrated."
)
@measure_options
@outputs_option(f"Also write the atoms: {', '.join(ATOM_SUFFIXES)}.  [default: FILE.atoms.csv]")
@overwrite_option
@file_options
@calibration_options
def atoms(
    file: Path,
    *,
    frame: int | None,
    spacing: float | None,
    confidence: float,
    refine: bool,
    defects: Path | None,
    method: str,
    truth: Path | None,
    radius: float | None,
    outputs: tuple[Path, ...],
    overwrite: bool,
    dataset: str | None,
    channel: str | None,
    pixel_size: tuple[float, float] | None,
    frame_time: float | None,
    **measured: Any,
) -> None:
    """Find the atoms in FILE.

    Writes a table with place, confidence and errors of each, and prints what it holds.
    """
    outputs = outputs or (file.with_name(f"{file.stem}.atoms.csv"),)
    for output in outputs:
        if output.suffix.lower() not in ATOM_SUFFIXES:
            raise InputError(f"{output} must end in {', '.join(ATOM_SUFFIXES)}.")
    for output in (*outputs, *([defects] if defects else [])):
        check_free(output, overwrite=overwrite)
    if (truth is None) != (radius is None):
        raise InputError("A comparison needs both --truth and --radius.")
    measures = Measures(**measured)
    measures.check(overwrite=overwrite)
    movie = read_movie(file, dataset=dataset, channel=channel, lazy=True)
    movie = movie.recalibrated(pixel_size, frame_time)
    if frame is not None:
        movie = _one_frame(movie, frame)
    found = find_atoms(movie, spacing=spacing, confidence=confidence, refine=refine)
    found = measures.add_columns(movie, found)
    click.echo("\n".join([*_describe(found), *measures.describe(found)]))
    for output in outputs:
        found.save(output, overwrite=overwrite)
        click.echo(f"Wrote {output}.")
    listed = None
    if defects is not None or measures.lives is not None:
        listed = find_defects(movie, found, method=method)
    if defects is not None and listed is not None:
        listed.save(defects, overwrite=overwrite)
        counts = Counter(listed.kind.tolist())
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "none"
        click.echo(f"Defects: {told}.\nWrote {defects}.")
    for text in measures.write(found, listed, overwrite=overwrite):
        click.echo(text)
    if truth is not None and radius is not None:
        click.echo("\n".join(_compare(score(found, read_atoms(truth, found.pixel_size), radius))))


def _one_frame(movie: Movie, number: int) -> Movie:
    if number >= len(movie):
        raise InputError(
            f"{movie.name} has the frames 0 to {len(movie) - 1}; there is no frame {number}."
        )
    return Movie.from_array(
        movie.frame(number), name=movie.name, pixel_size=movie.pixel_size, unit=movie.unit
    )


def _describe(found: Atoms) -> Iterator[str]:
    frames = len(np.unique(found.frame))
    yield f"{len(found)} atoms in {frames} frame{'s' if frames != 1 else ''}"
    if not len(found):
        return
    side = None if found.pixel_size is None else float(np.sqrt(np.prod(found.pixel_size)))
    for title, values in (
        ("nearest neighbor", found.neighbor),
        ("standard error of a place", found.errors.mean(axis=1)),
        ("width of a peak", found.sigma),
    ):
        known = values[np.isfinite(values)]
        if len(known):
            middle = float(np.median(known))
            length = "" if side is None else f" = {middle * side:.4f} nm"
            yield f"{title}: {middle:.3g} px{length} (median)"
    low, middle = np.quantile(found.confidence, (0.05, 0.5))
    yield f"confidence: {middle:.3f} (median), 5 % below {low:.3f}"


def _compare(told: Score) -> Iterator[str]:
    yield (
        f"Within {told.radius:g} {told.unit}: precision {told.precision:.4f}, "
        f"recall {told.recall:.4f}, F1 {told.f1:.4f}, error {told.error:.4g} {told.unit}"
    )
    for name, each in told.classes.items():
        yield f"  {name}: F1 {each.f1:.4f}, {each.true} there, {each.found} found"
