"""What is measured on the atoms of a layer, off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_lattice_symmetry.atoms import (
    Atoms,
    DefectLives,
    DefectMaps,
    Defects,
    Rings,
    classify,
    displacements,
    find_defects,
    find_grains,
    find_rings,
    follow_defects,
    map_defects,
    polarization,
    track,
)
from napari_lattice_symmetry.atoms.defect_search import METHODS
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.inspection import symmetry_at_atoms
from napari_lattice_symmetry.plugin.atoms.layers import FoundAtoms
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.settings import SettingsModel, setting


class MeasureParameters(SettingsModel):
    """What some measures want to know."""

    method: str = setting(
        METHODS[0],
        "Defects by",
        "lattice: each atom against those a lattice vector away, of each grain if these were told; "
        "activation: maps of a network that learned from labels of crops, for atoms on no common "
        "lattice; bragg: what is left of the image without its periodic part, against its noise.",
        choices=METHODS,
    )
    names: str = setting(
        "",
        "Names",
        "Names of the classes from the dimmest to the brightest, one to three, such as S, Mo; "
        "light, mixed and heavy if there are none.",
    )
    label: str = setting("", "Class", "Whose polarization is measured.", choices=("",))
    count: int = setting(
        3,
        "Neighbors",
        "Neighbors of other classes around one: 4 in a perovskite [001].",
        ge=3,
        le=12,
    )
    stretch: float = setting(
        5,
        "Arrows x",
        "How many times as long as they are arrows are drawn.",
        step=1,
        decimals=1,
        ge=0.1,
        le=1000,
    )


@dataclass(frozen=True, eq=False)
class Request:
    """What is to be measured.

    Parameters
    ----------
    kind : str
        A key of `MEASURES`.
    found : FoundAtoms
        What the layer was made of.
    atoms : Atoms
        As they are in it now.
    settings : MeasureParameters
        What is set.
    result : MovieResult, optional
        Of the image.
    """

    kind: str
    found: FoundAtoms
    atoms: Atoms
    settings: MeasureParameters
    result: MovieResult | None = None


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured.

    Parameters
    ----------
    request : Request
        What was asked.
    atoms : Atoms
        With new columns, if there are any.
    text : str
        What there is to say.
    defects, lives, maps, rings : Defects, DefectLives, DefectMaps, Rings
        Where these were asked for.
    """

    request: Request
    atoms: Atoms
    text: str
    defects: Defects | None = None
    lives: DefectLives | None = None
    maps: DefectMaps | None = None
    rings: Rings | None = None


def measure(request: Request, _should_stop: Callable[[], bool]) -> Measured:
    """Measure what is asked for.

    Raises
    ------
    InputError
        If the layer has no atoms, or they do not allow it.
    """
    if not len(request.atoms):
        raise InputError(f"{request.atoms.name} has no atoms left; find atoms anew.")
    return MEASURES[request.kind](request)


def _classes(request: Request) -> Measured:
    given = [name.strip() for name in request.settings.names.split(",") if name.strip()]
    atoms = classify(request.found.source.movie, request.atoms, names=given or None)
    names, counts = np.unique(atoms.label, return_counts=True)
    told = ", ".join(f"{count} {name}" for name, count in zip(names, counts, strict=True))
    return Measured(request, atoms, f"Classes: {told}.")


def _defects(request: Request) -> Measured:
    atoms, movie, method = request.atoms, request.found.source.movie, request.settings.method
    defects = find_defects(movie, atoms, method=method)
    maps = map_defects(movie, atoms) if method == "activation" else None
    names, counts = np.unique(defects.kind, return_counts=True)
    told = ", ".join(f"{n} {name}" for name, n in zip(names, counts, strict=True)) or "none"
    text, lives = f"Defects: {told}.", None
    if len(request.found.frames) > 1:
        lives = follow_defects(defects, atoms)
        text += f" {len(lives)} missing ones were followed"
        known = np.isfinite(lives.detection)
        text += f", each seen in {lives.detection:.0%} of its frames." if known else "."
    text = " ".join([text, *defects.remarks])
    return Measured(request, atoms, text, defects, lives, maps)


def _displacements(request: Request) -> Measured:
    atoms = displacements(request.found.source.movie, request.atoms)
    return Measured(request, atoms, _median(atoms, "displacement"))


def _polarization(request: Request) -> Measured:
    atoms = polarization(request.atoms, request.settings.label, request.settings.count)
    return Measured(request, atoms, _median(atoms, "polarization"))


def _median(atoms: Atoms, name: str) -> str:
    known = atoms.more[name][np.isfinite(atoms.more[name])]
    if not known.size:
        raise InputError(
            f"{atoms.name}: no atom has the neighbors that its {name} is measured against; tell "
            "grains apart first, or choose other settings."
        )
    text = f"Median {name} of {known.size} atoms: {np.median(known):.3g} px"
    nm = atoms.table().get(f"{name}_nm")
    return text + ("." if nm is None else f" = {1000 * np.nanmedian(nm):.3g} pm.")


def _grains(request: Request) -> Measured:
    atoms = find_grains(request.atoms)
    counts = np.bincount(atoms.more["grain"])
    told = ", ".join(map(str, counts[1:])) or "none"
    return Measured(request, atoms, f"Atoms of the grains: {told}; of none: {counts[0]}.")


def _tracks(request: Request) -> Measured:
    if len(request.found.frames) < 2:
        raise InputError("Atoms are followed through several frames; find those of all frames.")
    atoms = track(request.atoms)
    lengths = np.bincount(atoms.more["track"])
    whole = int((lengths == len(request.found.frames)).sum())
    return Measured(request, atoms, f"{len(lengths)} tracks, {whole} of them in all frames.")


def _rings(request: Request) -> Measured:
    rings = find_rings(request.atoms)
    told = ", ".join(f"{count} of {size}" for size, count in rings.counts().items()) or "none"
    return Measured(request, request.atoms, f"Rings: {told}.", rings=rings)


def _symmetry(request: Request) -> Measured:
    if request.result is None:
        raise InputError("The image has no result yet: run an analysis of it, or open its result.")
    atoms = symmetry_at_atoms(request.atoms, request.result)
    known = int((atoms.more["lattice_class"] != "").sum())
    return Measured(request, atoms, f"{known} of {len(atoms)} atoms lie in windows with a lattice.")


MEASURES: dict[str, Callable[[Request], Measured]] = {
    "defects": _defects,
    "track": _tracks,
    "displacement": _displacements,
    "polarization": _polarization,
    "grain": _grains,
    "rings": _rings,
    "lattice_class": _symmetry,
    "label": _classes,
}
"""By what the atoms are colored by after it, where it is a column."""
