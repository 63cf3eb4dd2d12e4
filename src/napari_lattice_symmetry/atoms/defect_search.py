"""Defects of an image, in one of three ways."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from napari_lattice_symmetry.atoms.defect_maps.bragg import bragg_defects
from napari_lattice_symmetry.atoms.defect_maps.mapper import load_mapper
from napari_lattice_symmetry.atoms.defect_table import Defects
from napari_lattice_symmetry.atoms.defects import (
    check_frame,
    lattice_defects,
    lattice_of,
    spacing_of,
)
from napari_lattice_symmetry.atoms.finding.scaling import fill_gaps
from napari_lattice_symmetry.atoms.table import Atoms
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
        As `find_atoms` gives them.
    method : {"lattice", "activation", "bragg"}
        How: each atom against those a lattice vector away; class activation maps of a network that
        learned from labels of crops, which needs no common lattice; or the frame without its
        periodic part, against its noise.

    Returns
    -------
    Defects
        Of the kinds "missing", "extra", "brighter" and "dimmer", frame after frame; by the lattice
        also "displaced", by activation also "rotated bond".

    Raises
    ------
    InputError
        If there is no such method, the atoms of a frame are too few, lie on no common lattice, or
        are not of this movie.

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
    parts = [_of_frame(movie, atoms[atoms.frame == number], number, method) for number in numbers]
    if not parts:
        return Defects.at([], [], [])
    columns = {
        title: np.concatenate([each.columns()[title] for each in parts])
        for title in ("kind", "y", "x", "confidence", "frame")
    }
    return Defects(**columns)


def _of_frame(movie: Movie, atoms: Atoms, number: int, method: str) -> Defects:
    if method == "lattice":
        return lattice_defects(movie, atoms, number)
    check_frame(movie, atoms, number)
    gray = fill_gaps(movie.frame(number))
    if method == "activation":
        spacing = spacing_of(atoms)
        found = load_mapper().defects(gray, spacing, len(atoms))
    else:
        seen = lattice_of(movie, atoms, number)
        assert seen.basis is not None, "or it was told"
        found = bragg_defects(gray, seen.places, seen.basis, seen.spacing)
    return replace(found, frame=np.full(len(found), number, np.int64))
