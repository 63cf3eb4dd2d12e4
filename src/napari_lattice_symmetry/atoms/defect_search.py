"""Defects of an image, in one of three ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from napari_lattice_symmetry.atoms.defect_maps.bragg import bragg_defects
from napari_lattice_symmetry.atoms.defect_maps.mapper import load_mapper
from napari_lattice_symmetry.atoms.defect_table import Defects
from napari_lattice_symmetry.atoms.defects import (
    Unjudged,
    check_frame,
    lattice_defects,
    lattice_of,
)
from napari_lattice_symmetry.atoms.finding.scaling import fill_gaps
from napari_lattice_symmetry.atoms.table import Atoms, list_frames, spacing_of
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError

Method: TypeAlias = Literal["lattice", "activation", "bragg"]
"""Atoms against their lattice, class activation maps, what is left of the periodic part."""

METHODS: tuple[Method, ...] = get_args(Method)


def find_defects(frame: Movie | ArrayLike, atoms: Atoms, *, method: str = "lattice") -> Defects:
    """Find what departs from the lattice of the atoms.

    Parameters
    ----------
    frame : Movie or array_like, shape (Y, X) or (T, Y, X)
        Where they were found.
    atoms : Atoms
        As `find_atoms` gives them; by the lattice, with the column ``grain`` of `find_grains`, each
        grain has its own, and what lies between grains is left out.
    method : {"lattice", "activation", "bragg"}
        How: each atom against those a lattice vector away; class activation maps of a network that
        learned from labels of crops, which needs no common lattice; or the frame without its
        periodic part, against its noise.

    Returns
    -------
    Defects
        Of the kinds "missing", "extra", "brighter" and "dimmer", frame after frame; by the lattice
        also "displaced", by activation also "rotated bond". Its ``left_out`` lists frames that
        cannot be judged among others that can, and its ``remarks`` say what was not judged.

    Raises
    ------
    InputError
        If there is no such method, the atoms are not of this movie, or in all frames they are too
        few or lie on no common lattice.

    Examples
    --------
    >>> picture = nls.atoms.AtomImage(spacing=14, size=160, vacancies=0.02, seed=1).draw()
    >>> found = nls.atoms.find_defects(picture.image, picture.atoms)
    >>> set(found.kind.tolist())
    {'missing'}
    """
    if method not in METHODS:
        raise InputError(
            f"{method!r} is no way to find defects; use {', '.join(map(repr, METHODS))}."
        )
    movie = frame if isinstance(frame, Movie) else Movie.from_array(frame, name=atoms.name)
    numbers = np.unique(atoms.frame).tolist()
    for number in numbers:
        check_frame(movie, atoms, number)
    parts: list[Defects] = []
    unjudged: dict[int, Unjudged] = {}
    refused: dict[int, InputError] = {}
    for number in numbers:
        try:
            found, unjudged[number] = _of_frame(movie, atoms[atoms.frame == number], number, method)
        except InputError as error:
            refused[number] = error
        else:
            parts.append(found)
    if refused and not parts:
        raise next(iter(refused.values()))
    if not parts:
        return Defects.at([], [], [])
    columns = {
        title: np.concatenate([each.columns()[title] for each in parts])
        for title in ("kind", "y", "x", "confidence", "frame")
    }
    left_out = tuple(refused)
    return Defects(**columns, left_out=left_out, remarks=tuple(_remarks(left_out, unjudged)))


def _of_frame(movie: Movie, atoms: Atoms, number: int, method: str) -> tuple[Defects, Unjudged]:
    if method == "lattice":
        return lattice_defects(movie, atoms, number)
    gray = fill_gaps(movie.frame(number))
    if method == "activation":
        found = load_mapper().defects(gray, spacing_of(atoms), len(atoms))
    else:
        seen = lattice_of(movie, atoms, number)
        assert seen.basis is not None, "or it was told"
        found = bragg_defects(gray, seen.places, seen.basis, seen.spacing)
    return replace(found, frame=np.full(len(found), number, np.int64)), Unjudged()


def _remarks(left_out: tuple[int, ...], unjudged: dict[int, Unjudged]) -> Iterator[str]:
    """Say in a sentence each what was left out of all frames."""
    if left_out:
        yield f"Too few atoms or no common lattice, so left out: {list_frames(left_out)}."
    between = sum(each.between for each in unjudged.values())
    if between:
        yield f"Between grains, so not judged: {between} atoms."
    without = [number for number, each in unjudged.items() if each.grains]
    if without:
        count = sum(len(each.grains) for each in unjudged.values())
        yield (
            f"Without a lattice of their own, so not judged: {count} grain"
            f"{'' if count == 1 else 's'} of {list_frames(without)}."
        )
    strange = sum(each.strange for each in unjudged.values())
    if strange:
        yield (
            f"On another lattice than most, or on none, so not judged: {strange} atoms; tell "
            "grains apart first."
        )
