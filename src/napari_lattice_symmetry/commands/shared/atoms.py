"""What the command can measure on the atoms that it has found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from napari_lattice_symmetry.atoms import (
    Atoms,
    Bonds,
    Defects,
    classify,
    displacements,
    find_bonds,
    find_grains,
    find_rings,
    follow_defects,
    known_bonds,
    polarization,
    track,
)
from napari_lattice_symmetry.atoms.writing import write_columns
from napari_lattice_symmetry.commands.shared.options import PATH
from napari_lattice_symmetry.commands.shared.outputs import beside
from napari_lattice_symmetry.commands.shared.results import require_result
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import check_free
from napari_lattice_symmetry.inspection import symmetry_at_atoms

_OPTIONS = (
    click.option(
        "--classes",
        metavar="NAMES",
        help="Label the columns by brightness: names from the dimmest to the brightest class, such "
        "as S,Mo.",
    ),
    click.option("--grains", is_flag=True, help="Tell of which grain each atom is."),
    click.option(
        "--displacements", is_flag=True, help="Tell how far each atom lies from its lattice site."
    ),
    click.option(
        "--polarization",
        metavar="NAME,COUNT",
        help="Tell how far atoms of a class lie from the center of so many neighbors of others, "
        "such as Ti,4.",
    ),
    click.option("--tracks", is_flag=True, help="Number atoms that are the same in all frames."),
    click.option(
        "--result", type=PATH, metavar="ZARR", help="Tell lattice and plane group by this result."
    ),
    click.option("--bonds", type=PATH, metavar="CSV", help="Also list bonds, in this file."),
    click.option("--rings", type=PATH, metavar="CSV", help="Also list rings of bonds."),
    click.option(
        "--material", help="Compare bonds with those of this material, such as graphene or MoS2."
    ),
    click.option(
        "--lives",
        type=PATH,
        metavar="CSV",
        help="Also follow missing atoms: when each appears and ends; beside it, how many there are "
        "in each frame.",
    ),
)


def measure_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of all measures to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Measures:
    """What is to be measured; each as the option of its name says."""

    classes: str | None
    grains: bool
    displacements: bool
    polarization: str | None
    tracks: bool
    result: Path | None
    bonds: Path | None
    rings: Path | None
    material: str | None
    lives: Path | None

    def check(self, *, overwrite: bool) -> None:
        """Refuse what cannot be written or measured, before anything is.

        Raises
        ------
        InputError
            If a file is in the way or has another ending, or a name is none.
        """
        counts = None if self.lives is None else beside(self.lives, "counts.csv")
        for path in (self.bonds, self.rings, self.lives, counts):
            if path is not None and path.suffix.lower() != ".csv":
                raise InputError(f"{path} must end in .csv.")
            if path is not None:
                check_free(path, overwrite=overwrite)
        if self.polarization is not None:
            _split(self.polarization)
            if self.classes is None:
                raise InputError("--polarization needs the classes that --classes names.")
        if self.material is not None:
            known_bonds(self.material)

    def add_columns(self, movie: Movie, found: Atoms) -> Atoms:
        """Return the atoms with what was measured of each.

        Raises
        ------
        InputError
            If something cannot be measured on them.
        """
        if self.classes is not None:
            names = [name.strip() for name in self.classes.split(",")]
            found = classify(movie, found, names=names)
        if self.grains:
            found = find_grains(found)
        if self.displacements:
            found = displacements(movie, found)
        if self.polarization is not None:
            found = polarization(found, *_split(self.polarization))
        if self.tracks:
            found = track(found)
        if self.result is not None:
            found = symmetry_at_atoms(found, require_result(self.result))
        return found

    def describe(self, found: Atoms) -> Iterator[str]:
        """Say what the columns hold."""
        if self.classes is not None:
            names, counts = np.unique(found.label, return_counts=True)
            yield "classes: " + ", ".join(
                f"{n} {name}" for name, n in zip(names, counts, strict=True)
            )
        if self.grains:
            yield f"grains: {int(found.more['grain'].max(initial=0))}"
        for name in ("displacement", "polarization"):
            if name in found.more and np.isfinite(found.more[name]).any():
                yield f"{name}: {np.nanmedian(found.more[name]):.3g} px (median)"
        if self.tracks:
            yield f"tracks: {len(np.unique(found.more['track']))}"

    def write(self, found: Atoms, defects: Defects | None, *, overwrite: bool) -> Iterator[str]:
        """Write tables, and say what they hold."""
        if self.bonds is not None or self.material is not None:
            bonds = find_bonds(found)
            yield from _describe_bonds(bonds, self.material)
            if self.bonds is not None:
                bonds.save(self.bonds, overwrite=overwrite)
                yield f"Wrote {self.bonds}."
        if self.rings is not None:
            rings = find_rings(found)
            counts = ", ".join(f"{n} of {size}" for size, n in rings.counts().items()) or "none"
            rings.save(self.rings, overwrite=overwrite)
            yield f"rings: {counts}\nWrote {self.rings}."
        if self.lives is not None and defects is not None:
            lives = follow_defects(defects, found)
            lives.save(self.lives, overwrite=overwrite)
            counts_path = beside(self.lives, "counts.csv")
            write_columns(lives.counts(), counts_path, overwrite=overwrite)
            yield (
                f"missing atoms: {len(lives)} followed, {lives.alive[-1]} in the last frame, each "
                f"seen in {lives.detection:.0%} of the frames in between; mean life "
                f"{lives.mean_life:.3g} ± {lives.mean_life_error:.2g} frames\n"
                f"Wrote {self.lives} and {counts_path}."
            )


def _split(text: str) -> tuple[str, int]:
    name, _, count = text.partition(",")
    if not count.strip().isdigit():
        raise InputError(
            f"{text!r} is no class with a number of neighbors; write one such as Ti,4."
        )
    return name.strip(), int(count)


def _describe_bonds(bonds: Bonds, material: str | None) -> Iterator[str]:
    def middle(values: Any) -> str:
        return f"{np.median(values):.4g}" if len(values) else "none"

    yield (
        f"bonds: {len(bonds)}, length {middle(bonds.length)} {bonds.unit}, angle "
        f"{middle(bonds.angle)}° (medians)"
    )
    if material is not None:
        known = known_bonds(material)
        lengths = ", ".join(f"{each:.4f}" for each in known.lengths)
        angles = ", ".join(f"{each:.4g}" for each in known.angles) or "none"
        yield f"of {material}: length {lengths} nm, angle {angles}°"
