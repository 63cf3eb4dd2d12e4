"""The command ``lattice-symmetry columns``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from napari_lattice_symmetry.atoms import (
    Atoms,
    ColumnParameters,
    Microscope,
    find_columns,
    vacancies,
    vacancy_density,
)
from napari_lattice_symmetry.atoms.focal.namer import DEFAULT
from napari_lattice_symmetry.atoms.focal.reading import Series, read_series
from napari_lattice_symmetry.atoms.focal.specimens.layer import LAYERS
from napari_lattice_symmetry.atoms.writing import ATOM_SUFFIXES
from napari_lattice_symmetry.commands.shared.options import PATH, outputs_option, overwrite_option
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import check_free

_FIELDS, _LENSES = ColumnParameters.model_fields, Microscope.model_fields


class Numbers(click.ParamType[tuple[float, ...]]):
    """Numbers with commas between them."""

    name = "numbers"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Make numbers of the text."""
        try:
            return tuple(float(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not numbers with commas between them.", param, ctx)


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
@click.option(
    "--material",
    type=click.Choice(tuple(LAYERS)),
    default=_FIELDS["material"].default,
    show_default=True,
    help=_FIELDS["material"].description,
)
@click.option(
    "--confidence",
    type=float,
    default=_FIELDS["confidence"].default,
    show_default=True,
    help=_FIELDS["confidence"].description,
)
@click.option(
    "--register/--no-register",
    default=True,
    show_default=True,
    help=_FIELDS["register_images"].description,
)
@click.option(
    "--check/--no-check", default=True, show_default=True, help=_FIELDS["check"].description
)
@click.option(
    "--voltage",
    type=float,
    default=_LENSES["voltage"].default,
    show_default=True,
    metavar="KV",
    help="Of the electrons.",
)
@click.option(
    "--spherical",
    type=float,
    default=_LENSES["spherical"].default,
    show_default=True,
    metavar="µm",
    help="Spherical aberration of the objective lens.",
)
@click.option("--vacancies", "listed", type=PATH, metavar="CSV", help="Also list the vacancies.")
@outputs_option(f"Also write the columns: {', '.join(ATOM_SUFFIXES)}.  [default: FILE.columns.csv]")
@overwrite_option
def columns(
    file: Path,
    *,
    defoci: tuple[float, ...] | None,
    pixel_size: float | None,
    network: str,
    material: str,
    confidence: float,
    register: bool,
    check: bool,
    voltage: float,
    spherical: float,
    listed: Path | None,
    outputs: tuple[Path, ...],
    overwrite: bool,
) -> None:
    """Name the columns of a layer MX2 in the focal series in FILE.

    FILE holds images (n, Y, X) of one field at n defoci, or such of several times (t, n, Y, X).
    Writes a table with place, class and confidence of each column, and prints how many there are
    and how dense vacancies are.
    """
    outputs = outputs or (file.with_name(f"{file.stem}.columns.csv"),)
    for output in outputs:
        if output.suffix.lower() not in ATOM_SUFFIXES:
            raise InputError(f"{output} must end in {', '.join(ATOM_SUFFIXES)}.")
    for output in (*outputs, *([listed] if listed else [])):
        check_free(output, overwrite=overwrite)
    series = read_series(file).told(defoci, pixel_size)
    found = find_columns(
        series.images,
        series.defoci,
        series.pixel_size,
        network=network,
        microscope=Microscope(voltage=voltage, spherical=spherical),
        material=material,
        confidence=confidence,
        register_images=register,
        check=check,
    )
    click.echo("\n".join(_describe(found, series)))
    for output in outputs:
        found.save(output, overwrite=overwrite)
        click.echo(f"Wrote {output}.")
    if listed is not None:
        vacancies(found).save(listed, overwrite=overwrite)
        click.echo(f"Wrote {listed}.")


def _describe(found: Atoms, series: Series) -> Iterator[str]:
    times = len(series.images)
    density = vacancy_density(found, series.images.shape, series=times)
    names = [name.removeprefix("p ") for name in found.more]
    for number in range(times):
        here = found.label[found.frame == number]
        counts = ", ".join(f"{np.sum(here == name)} {name}" for name in names)
        yield f"Series {number}: {counts}; {density.describe(number)}"
