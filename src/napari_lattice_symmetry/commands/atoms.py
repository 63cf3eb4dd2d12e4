"""The commands ``lattice-symmetry atoms`` and ``columns``: what is found in images of atoms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from napari_lattice_symmetry.atoms import (
    Atoms,
    ColumnParameters,
    FindParameters,
    Microscope,
    Score,
    find_atoms,
    find_defects,
    iter_name_series,
    read_atoms,
    score,
    vacancies,
    vacancy_density,
)
from napari_lattice_symmetry.atoms.defect_search import METHODS
from napari_lattice_symmetry.atoms.focal.namer import DEFAULT
from napari_lattice_symmetry.atoms.focal.reading import Series, read_series
from napari_lattice_symmetry.atoms.table import join
from napari_lattice_symmetry.atoms.writing import ATOM_SUFFIXES
from napari_lattice_symmetry.commands.shared.atoms import Measures, measure_options
from napari_lattice_symmetry.commands.shared.options import (
    PATH,
    Numbers,
    calibration_options,
    file_options,
    outputs_option,
    overwrite_option,
    settings_options,
)
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import check_free
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.settings import parse_settings

_LENSES = ("voltage", "spherical", "astigmatism", "astigmatism_angle")


@click.command()
@click.argument("file", type=PATH)
@click.option("--frame", type=click.IntRange(0), help="Only this frame.  [default: all]")
@settings_options(FindParameters, "spacing", "confidence", "refine")
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
    outputs = _tables(file, "atoms", outputs, defects, overwrite=overwrite)
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
    click.echo("\n".join([*_describe(found), *found.remarks, *measures.describe(found)]))
    for output in outputs:
        found.save(output, overwrite=overwrite)
        click.echo(f"Wrote {output}.")
    listed = None
    if defects is not None or measures.lives is not None:
        listed = find_defects(movie, found, method=method)
        for remark in listed.remarks:
            click.echo(remark)
    if defects is not None and listed is not None:
        listed.save(defects, overwrite=overwrite)
        counts = Counter(listed.kind.tolist())
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "none"
        click.echo(f"Defects: {told}.\nWrote {defects}.")
    for text in measures.write(found, listed, overwrite=overwrite):
        click.echo(text)
    if truth is not None and radius is not None:
        click.echo("\n".join(_compare(score(found, read_atoms(truth, found.pixel_size), radius))))


def _tables(
    file: Path, kind: str, outputs: tuple[Path, ...], more: Path | None, *, overwrite: bool
) -> tuple[Path, ...]:
    """Return where tables go, beside `file` unless told, once nothing there is in the way."""
    outputs = outputs or (file.with_name(f"{file.stem}.{kind}.csv"),)
    for output in outputs:
        if output.suffix.lower() not in ATOM_SUFFIXES:
            raise InputError(f"{output} must end in {', '.join(ATOM_SUFFIXES)}.")
    for output in (*outputs, *([more] if more else [])):
        check_free(output, overwrite=overwrite)
    return outputs


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
    yield from told.remarks


@click.command()
@click.argument("file", type=PATH)
@click.option(
    "--defoci",
    type=Numbers(),
    metavar="NM,NM,…",
    help="Of each image; positive is underfocus.  [default: those in the file]",
)
@click.option("--pixel-size", type=float, metavar="NM", help="[default: that in the file]")
@click.option("--network", default=DEFAULT, show_default=True, help="Its name or .keras file.")
@settings_options(ColumnParameters, "material", "confidence", "check", register_images="register")
@settings_options(Microscope, *_LENSES[:3], astigmatism_angle="direction")
@click.option("--vacancies", "listed", type=PATH, metavar="CSV", help="Also list the vacancies.")
@outputs_option(f"Also write the columns: {', '.join(ATOM_SUFFIXES)}.  [default: FILE.columns.csv]")
@overwrite_option
def columns(
    file: Path,
    *,
    defoci: tuple[float, ...] | None,
    pixel_size: float | None,
    network: str,
    listed: Path | None,
    outputs: tuple[Path, ...],
    overwrite: bool,
    **settings: Any,
) -> None:
    """Name the columns of a layer MX2 in the focal series in FILE.

    FILE holds images (n, Y, X) of one field at n defoci, or such of several times (t, n, Y, X).
    Writes a table with place, class and confidence of each column, and prints how many there are
    and how dense vacancies are.
    """
    outputs = _tables(file, "columns", outputs, listed, overwrite=overwrite)
    lenses = {name: settings.pop(name) for name in _LENSES}
    series = read_series(file).told(defoci, pixel_size)
    named = iter_name_series(
        series.images,
        series.defoci,
        series.pixel_size,
        network=network,
        microscope=parse_settings(Microscope, **lenses),
        **settings,
    )
    tables, remarks = zip(*((each.atoms, each.remark) for each in named), strict=True)
    found = join(tables)
    for told, remark in zip(_describe_columns(found, series), remarks, strict=True):
        click.echo(f"{told}; {remark}" if remark else told)
    for output in outputs:
        found.save(output, overwrite=overwrite)
        click.echo(f"Wrote {output}.")
    if listed is not None:
        vacancies(found).save(listed, overwrite=overwrite)
        click.echo(f"Wrote {listed}.")


def _describe_columns(found: Atoms, series: Series) -> Iterator[str]:
    times = len(series.images)
    density = vacancy_density(found, series.images.shape, series=times)
    names = [name.removeprefix("p ") for name in found.more]
    for number in range(times):
        here = found.label[found.frame == number]
        counts = ", ".join(f"{np.sum(here == name)} {name}" for name in names)
        yield f"Series {number}: {counts}; {density.describe(number)}"
