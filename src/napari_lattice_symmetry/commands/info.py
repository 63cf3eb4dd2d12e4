"""The command ``lattice-symmetry info``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from napari_lattice_symmetry.bravais.registry import REGISTRY
from napari_lattice_symmetry.commands.shared.describe import describe_movie, describe_result, tree
from napari_lattice_symmetry.commands.shared.options import PATH, file_options, frames_option
from napari_lattice_symmetry.commands.shared.results import find_result
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.io.axes import FramesAre
from napari_lattice_symmetry.results import versions


@click.command()
@click.argument("file", type=PATH, required=False)
@file_options
@frames_option
def info(
    file: Path | None, dataset: str | None, channel: str | None, frames_are: FramesAre | None
) -> None:
    """Describe a movie, a result or, without FILE, this installation."""
    if file is None:
        lines = _installation()
    elif (result := find_result(file)) is not None:
        lines = tree(describe_result(result))
    else:
        movie = read_movie(file, dataset=dataset, channel=channel, frames_are=frames_are)
        lines = tree(describe_movie(movie))
    click.echo("\n".join(lines))


def _installation() -> Iterator[str]:
    from napari_lattice_symmetry.atoms.finding.finder import REGISTRY as ATOMS

    return tree({"versions": versions(), "networks": REGISTRY.entries | ATOMS.entries})
