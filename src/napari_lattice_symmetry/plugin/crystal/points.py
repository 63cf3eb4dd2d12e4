"""A structure file as points: the columns that are seen along its c axis, over a few cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.atoms import read_atoms
from napari_lattice_symmetry.crystals import Crystal, Projection, project, read_structure
from napari_lattice_symmetry.crystals.plots import KIND_COLORS
from napari_lattice_symmetry.crystals.projection import MAX_COLUMNS
from napari_lattice_symmetry.crystals.reading import is_in_nanometers, structure_format
from napari_lattice_symmetry.crystals.structure import ANGSTROM
from napari_lattice_symmetry.data.movie import NANOMETER, PIXEL
from napari_lattice_symmetry.lattice.basis import lattice_points

if TYPE_CHECKING:
    from napari.types import LayerData

    Reader = Callable[[str], list[LayerData]]

_WIDTH = 3.0  # nm, of which columns are listed
_HEAD = 4096  # bytes that tell whether a file is what its ending may mean
_SIZE = 0.12  # nm
_PLACE = ("frame", "y", "x")
# What is in files whose endings have other uses: points of other programs, settings of others.
_LOOKS_RIGHT = {
    "extxyz": re.compile(r"\A\s*\d+\s*\n.*\n\s*[A-Z][a-z]?\d*(\s+-?\d+\.?\d*){3}"),
    "aims": re.compile(r"^\s*atom(_frac)?(\s+[-+.\deE]+){3}\s+[A-Z][a-z]?\s*$", re.MULTILINE),
}


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Choose the reader for a structure; None if the file is none, whatever its ending."""
    kind = structure_format(path) if isinstance(path, str) else None
    if kind is None or not Path(str(path)).is_file():
        return None
    if kind == "extxyz" and is_in_nanometers(Path(str(path))):
        return read_found
    if kind in _LOOKS_RIGHT:
        with Path(str(path)).open("rb") as file:
            head = file.read(_HEAD).decode("utf-8", "replace")
        if not _LOOKS_RIGHT[kind].search(head):
            return None
    return read_columns


def read_columns(path: str) -> list[LayerData]:
    """Read the columns of a crystal, or the atoms of a cluster, as seen along its z axis.

    Raises
    ------
    InputError
        If the file is no structure.
    """
    crystal = read_structure(path)
    return [column_points(project(crystal)) if crystal.has_cell else _atoms(crystal)]


def read_found(path: str) -> list[LayerData]:
    """Read atoms that were found in an image, over frames, y and x in nm.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    atoms = read_atoms(path, 1.0)  # as if a pixel were a nm
    features = {name: values for name, values in atoms.columns().items() if name not in _PLACE}
    about = _look(atoms.name, features, "label", {})
    about |= {"units": (PIXEL, NANOMETER, NANOMETER), "axis_labels": ("t", "y", "x")}
    return [(np.column_stack([atoms.frame, atoms.y, atoms.x]), about, "points")]


def column_points(seen: Projection) -> LayerData:
    """Lay the columns of a projection out over at least 3 nm, as points in nm."""
    points = np.full((1, 2), 0.5)  # of a large cell once
    if len(seen.columns) <= MAX_COLUMNS:
        side = max(_WIDTH, 2 * seen.b)
        points = lattice_points(seen.basis, (1, 1), (0.5, 0.5), side / 2)
    places = (points[:, np.newaxis] - 0.5 + seen.columns.position).reshape(-1, 2)
    columns = seen.columns
    repeated = {
        "column": np.tile(columns.names, len(points)),
        "mean Z": np.tile(columns.atomic_number, len(points)),
        "atoms per nm": np.tile(columns.occupation, len(points)),
        "contrast": np.tile(columns.contrast, len(points)),
    }
    about = {"plane group": seen.plane_group, "lattice": seen.label, "basis": seen.basis.tolist()}
    return places[:, ::-1], _look(seen.name, repeated, "column", about), "points"


def _atoms(crystal: Crystal) -> LayerData:
    features = {
        "atom": np.array(crystal.atoms.get_chemical_symbols()),
        "Z": crystal.atoms.numbers,
    }
    x, y, _ = (crystal.atoms.positions * ANGSTROM).T
    return np.column_stack([y, x]), _look(crystal.name, features, "atom", {}), "points"


def _look(name: str, features: dict[str, Any], kind: str, about: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "features": features,
        "face_color": kind,
        "face_color_cycle": KIND_COLORS,
        "border_width": 0,
        "size": _SIZE,
        "units": (NANOMETER, NANOMETER),
        "axis_labels": ("y", "x"),
        "metadata": about,
    }
