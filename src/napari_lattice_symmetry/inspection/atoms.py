"""What the maps of a result say at atoms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms import Atoms
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.results.maps import MAPS

_COLUMNS = {"lattice_class": "labels", "plane_group": "plane_group"}
_SAME_SIZE = 0.01  # share by which pixel sizes of one movie differ at most


def symmetry_at_atoms(atoms: Atoms, result: MovieResult) -> Atoms:
    """Name the lattice and the plane group of the window around each atom.

    Parameters
    ----------
    atoms : Atoms
        As `find_atoms` gives them.
    result : MovieResult
        Of the same movie.

    Returns
    -------
    Atoms
        With the column ``lattice_class``, and ``plane_group`` where the result has such a map: of
        the window whose center is nearest; empty where it was not analyzed, resolves none, or does
        not reach the atom.

    Raises
    ------
    InputError
        If the result is of a movie of other pixels or other frames.
    """
    _check(atoms, result)
    half, stride = (result.grid.window - 1) / 2, result.grid.stride
    cell = np.rint((atoms.positions - half) / stride).astype(np.int64)
    cell = np.clip(cell, 0, np.array(result.grid.shape) - 1)
    reached = (np.abs(atoms.positions - (half + stride * cell)) <= half + 0.5).all(axis=1)
    time = np.searchsorted(result.frame_indices, atoms.frame)
    time = np.minimum(time, len(result.frame_indices) - 1)
    reached &= (result.frame_indices[time] == atoms.frame) & result.done[time]
    columns: dict[str, NDArray[np.str_]] = {}
    for title, name in _COLUMNS.items():
        maps = result.maps.get(name)
        if maps is None:
            continue
        names = {value: text for value, (text, _) in MAPS[name].values.items()}
        texts = np.full(len(atoms), "", dtype=f"U{max(map(len, names.values()))}")
        for position in np.unique(time[reached]).tolist():
            rows = np.flatnonzero(reached & (time == position))
            values = np.asarray(maps[position])[cell[rows, 0], cell[rows, 1]]
            texts[rows] = [names.get(value, "") for value in values.tolist()]
        columns[title] = texts
    return atoms.with_columns(**columns)


def _check(atoms: Atoms, result: MovieResult) -> None:
    height, width = result.grid.frame_shape
    outside = len(atoms) and (atoms.y.max() > height - 0.5 or atoms.x.max() > width - 0.5)
    if outside:
        raise InputError(
            f"{atoms.name} has atoms outside of the {height} x {width} px of {result.name}; give "
            "the result of the movie in which they were found."
        )
    if atoms.pixel_size is None or result.unit != "nm":
        return
    if not np.allclose(atoms.pixel_size, result.pixel_size, rtol=_SAME_SIZE):
        raise InputError(
            f"The pixels of {result.name} are {result.pixel_size[0]:.4g} nm, and those of "
            f"{atoms.name} {atoms.pixel_size[0]:.4g} nm; give the result of the same movie."
        )
