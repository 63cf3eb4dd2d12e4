"""The command ``lattice-symmetry match``."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from napari_lattice_symmetry.commands.shared.options import (
    PATH,
    outputs_option,
    overwrite_option,
    settings_options,
)
from napari_lattice_symmetry.commands.shared.outputs import check_outputs
from napari_lattice_symmetry.commands.shared.results import require_result
from napari_lattice_symmetry.crystals import (
    Crystal,
    CrystalMatch,
    MatchParameters,
    prototype,
    prototypes,
    read_structure,
)
from napari_lattice_symmetry.crystals import match as match_crystals
from napari_lattice_symmetry.crystals.plots import plot_match
from napari_lattice_symmetry.files import replacing
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.results.plots import save_figure

_ENDINGS = (".csv", ".png", ".svg")


@click.command()
@click.argument("result", type=PATH)
@click.argument("structures", nargs=-1, required=True, metavar="CRYSTAL...")
@settings_options(MatchParameters)
@outputs_option(f"Also write the phase fractions or the map: {', '.join(_ENDINGS)}.")
@overwrite_option
def match(
    result: Path,
    structures: tuple[str, ...],
    *,
    zones: int,
    tolerance: float,
    outputs: tuple[Path, ...],
    overwrite: bool,
) -> None:
    """Tell which CRYSTAL a saved RESULT shows, along which zone axis.

    A CRYSTAL is a structure file, or the name of a tabulated one such as Cu or SrTiO3. The result
    needs lattice maps; without a pixel size they are matched by shape alone. Those that cannot be
    told apart are named together.
    """
    check_outputs(outputs, _ENDINGS, overwrite=overwrite)
    loaded = require_result(result)
    crystals = [_find(name) for name in structures]
    found = match_crystals(loaded, crystals, zones, tolerance)
    click.echo("\n".join(_describe(found)))
    for output in outputs:
        if output.suffix.lower() == ".csv":
            write_fractions(found, loaded, output)
        else:
            label = "Frame" if loaded.frame_time is None else "Time (s)"
            save_figure(plot_match(found, loaded.times, loaded.name, label), output)
        click.echo(f"Wrote {output}.")


def _find(name: str) -> Crystal:
    if Path(name).exists() or name not in prototypes():
        return read_structure(name)
    return prototype(name)


def _describe(found: CrystalMatch) -> Iterator[str]:
    yield f"{len(found.candidates)} candidates, distortion up to {found.parameters.tolerance:.1%}"
    if found.remark:
        yield found.remark
    if not (found.labels > 0).any():
        yield "no window has a lattice alone"
        return
    shares = np.bincount(found.labels.ravel(), minlength=len(found.phases) + 1)[1:]
    for value, (phase, share) in enumerate(
        zip(found.phases, shares / shares.sum(), strict=True), 1
    ):
        strain = ""
        if phase.candidate >= 0:
            strain = f", distorted by {np.nanmedian(found.distortion[found.labels == value]):.1%}"
        yield f"{share:>7.1%}  {phase.name}{strain}"


def write_fractions(found: CrystalMatch, result: MovieResult, path: Path) -> None:
    """Write a row a frame: its index, its time, and the share of every phase."""
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        unit = "frame" if result.frame_time is None else "s"
        rows.writerow(["frame", f"time_{unit}", *found.names])
        for index, time, shares in zip(
            result.frame_indices, result.times, found.fractions, strict=True
        ):
            rows.writerow([index, f"{time:g}", *(f"{share:.4f}" for share in shares)])
