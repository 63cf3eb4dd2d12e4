"""The command ``lattice-symmetry crystal``."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from napari_lattice_symmetry.commands.shared.options import PATH, outputs_option, overwrite_option
from napari_lattice_symmetry.commands.shared.outputs import check_outputs
from napari_lattice_symmetry.commands.shared.zone import ZONE, ZoneCommand
from napari_lattice_symmetry.crystals import (
    Crystal,
    Projection,
    classify,
    fitting_prototypes,
    project,
    read_structure,
    symmetry_families,
)
from napari_lattice_symmetry.crystals.families.defects import Defects
from napari_lattice_symmetry.crystals.families.plots import plot_family
from napari_lattice_symmetry.crystals.families.prototypes import ANSWERS, NONE, TITLES
from napari_lattice_symmetry.crystals.families.symmetry import TOLERANCES, outside_remark
from napari_lattice_symmetry.crystals.families.trial import try_families
from napari_lattice_symmetry.crystals.plots import plot_crystal
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import replacing
from napari_lattice_symmetry.results.plots import save_figure

_FIGURES = (".png", ".svg")
_ENDINGS = (".csv", *_FIGURES)


@click.command(cls=ZoneCommand)
@click.argument("file", type=PATH, required=False)
@click.option(
    "--zone",
    type=ZONE,
    default="0 0 1",
    show_default=True,
    metavar="U V W",
    help="Axis along which it is seen, on the axes of the conventional cell; or four indices, "
    "U V T W, of a hexagonal one.",
)
@click.option(
    "--like",
    type=(float, float, float),
    metavar="A B GAMMA",
    help="List the tabulated crystals that may show a cell of these sides (nm) and angle instead.",
)
@outputs_option(
    f"Also write the columns, or the picture and the space groups: {', '.join(_ENDINGS)}."
)
@click.option(
    "--family",
    type=PATH,
    metavar="PATH",
    help="Also draw its fingerprint, what networks call it and what they look at: .png, .svg.",
)
@overwrite_option
def crystal(
    file: Path | None,
    *,
    zone: tuple[int, ...],
    like: tuple[float, float, float] | None,
    outputs: tuple[Path, ...],
    family: Path | None,
    overwrite: bool,
) -> None:
    """Describe the structure in FILE and its view along a zone axis.

    CIF, POSCAR, xyz, extended xyz or geometry of FHI-aims. Prints the space group over the
    distances within which atoms count as equivalent, the cell, the family of the structure, and the
    projected lattice with its plane group and columns.
    """
    if file is None and like is not None:
        fitting = fitting_prototypes(*like)
        for each, strain in fitting:
            click.echo(f"distorted by {strain:.1%}: {_describe_lattice(each)}")
        if not fitting:
            click.echo("No tabulated crystal shows such a cell; sides are in nm.")
        return
    if file is None or like is not None:
        raise InputError("Give either a structure FILE or a measured cell by --like.")
    check_outputs(outputs, _ENDINGS, overwrite=overwrite)
    if family is not None:
        check_outputs((family,), _FIGURES, overwrite=overwrite)
    structure = read_structure(file)
    click.echo("\n".join((*_describe_structure(structure), *_describe_family(structure))))
    if family is not None:
        _draw_family(structure, family)
    if not structure.has_cell:
        if outputs:
            raise InputError(
                f"{structure.name} has no cell, so that there is no projection to write."
            )
        return
    seen = project(structure, zone)
    click.echo("\n".join(_describe_projection(seen)))
    for output in outputs:
        if output.suffix.lower() == ".csv":
            _write_columns(seen, output)
        else:
            save_figure(plot_crystal(structure, seen), output)
        click.echo(f"Wrote {output}.")


def _describe_structure(structure: Crystal) -> Iterator[str]:
    yield f"{structure.name}: {structure.formula}"
    if structure.remark:
        yield structure.remark
    if not structure.has_cell:
        yield "a cluster: no cell, no space group, no zone axes"
        return
    if structure.symmetry_remark:
        yield structure.symmetry_remark
    else:
        yield from _describe_symmetry(structure)
    cells = {"conventional cell": structure.conventional, "Niggli cell": structure.niggli}
    for title, cell in cells.items():
        a, b, c, alpha, beta, gamma = cell.atoms.cell.cellpar()
        yield (
            f"{title}: a = {a / 10:.5f}, b = {b / 10:.5f}, c = {c / 10:.5f} nm, "
            f"alpha = {alpha:.2f}, beta = {beta:.2f}, gamma = {gamma:.2f}°, {len(cell.atoms)} atoms"
        )


def _describe_symmetry(structure: Crystal) -> Iterator[str]:
    number, symbol = structure.space_group
    yield f"space group {symbol} ({number})" if number else "no space group was found"
    for low, high, each, name in structure.symmetry.plateaus():
        yield f"  {low:.1e} to {high:.1e} nm  {f'{name} ({each})' if each else 'none'}"


def _describe_family(structure: Crystal) -> Iterator[str]:
    """Say which family networks and space groups tell; a single atom has none."""
    if len(structure.atoms) < 2 and not structure.has_cell:
        return
    answer = classify([structure])
    chances, spread = answer.probabilities[0], np.append(answer.std[0], answer.outside_std[0])
    best = int(chances.argmax())
    name = TITLES[NONE] if ANSWERS[best] == NONE else ANSWERS[best]
    symmetry = symmetry_families(structure, TOLERANCES)
    told = [
        f"{tolerance:.0%} {found or 'none'}"
        for tolerance, (_, _, found) in zip(TOLERANCES, symmetry, strict=True)
    ]
    by_group = f"by space group within a share of the neighbor distance: {', '.join(told)}"
    yield (
        f"family by network: {name}, {chances[best]:.2f} ± {spread[best]:.2f} "
        f"({answer.network[0]}); {structure.symmetry_remark or by_group}"
    )
    if answer.remarks[0]:
        yield answer.remarks[0]
    if outside_remark(symmetry):
        yield outside_remark(symmetry)


def _draw_family(structure: Crystal, path: Path) -> None:
    trial = try_families(structure, Defects())
    symmetry = symmetry_families(structure, TOLERANCES)
    save_figure(plot_family(structure.name, trial, symmetry), path)
    click.echo(f"Wrote {path}.")


def _describe_lattice(seen: Projection) -> str:
    return (
        f"{seen.name}: a = {seen.a:.5f}, b = {seen.b:.5f} nm, gamma = {seen.gamma:.3f}°, "
        f"{seen.label}, plane group {seen.plane_group or 'not looked for'}"
    )


def _describe_projection(seen: Projection) -> Iterator[str]:
    yield _describe_lattice(seen)
    yield f"{'column':<12}{'x (nm)':>9}{'y (nm)':>9}{'mean Z':>8}{'atoms/nm':>10}{'contrast':>10}"
    columns = seen.columns
    for k, name in enumerate(columns.names):
        x, y = columns.position[k]
        yield (
            f"{name:<12}{x:>9.4f}{y:>9.4f}{columns.atomic_number[k]:>8.1f}"
            f"{columns.occupation[k]:>10.3f}{columns.contrast[k]:>10.2f}"
        )


def _write_columns(seen: Projection, path: Path) -> None:
    columns = seen.columns
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["column", "x (nm)", "y (nm)", "mean Z", "atoms/nm", "contrast"])
        for k, name in enumerate(columns.names):
            numbers = (
                *columns.position[k],
                columns.atomic_number[k],
                columns.occupation[k],
                columns.contrast[k],
            )
            rows.writerow([name, *(f"{value:.6g}" for value in numbers)])
