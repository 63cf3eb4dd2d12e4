"""Crystals of which pictures are drawn: what is seen of each, along a low zone axis."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lattice_symmetry.crystals import (
    Crystal,
    Projection,
    project,
    prototype,
    read_structure,
)
from napari_lattice_symmetry.crystals.reading import structure_format
from napari_lattice_symmetry.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms as Structure

SCATTERED = "single atoms"
"""Atoms anywhere, on an amorphous support."""

_LAYERS = {
    "WS2": ("WS2", "2H", 3.18, 3.14),
    "MoSe2": ("MoSe2", "2H", 3.29, 3.34),
    "WSe2": ("WSe2", "2H", 3.28, 3.34),
    "MoS2 1T": ("MoS2", "1T", 3.18, 3.13),
    "WTe2 1T": ("WTe2", "1T", 3.50, 3.60),
    "PtSe2 1T": ("PtSe2", "1T", 3.73, 2.53),
}
"""Formula, polytype, a and thickness in angstrom of layers MX2, rounded."""

_BULK = {
    **{f"{name} [001]": (name, (0, 0, 1)) for name in ("SrTiO3", "BaTiO3 (cubic)")},
    **{f"{name} [110]": (name, (1, 1, 0)) for name in ("SrTiO3", "LaAlO3 (cubic)")},
    **{f"{name} [001]": (name, (0, 0, 1)) for name in ("Au", "Cu", "Fe", "W", "Si", "MgO")},
    **{f"{name} [110]": (name, (1, 1, 0)) for name in ("Al", "Pt", "Si", "Ge", "GaAs")},
    **{f"{name} [111]": (name, (1, 1, 1)) for name in ("Au", "Fe")},
    **{f"{name} [0001]": (name, (0, 0, 1)) for name in ("Ti", "Mg", "GaN")},
}


def _layer(formula: str, kind: str, a: float, thickness: float) -> Structure:
    from ase.build import mx2

    structure: Structure = mx2(formula, kind, a, thickness, vacuum=8.3)
    return structure


def _boron_nitride() -> Structure:
    from ase.build import graphene

    structure: Structure = graphene("BN", a=2.504, vacuum=10.0)
    return structure


MATERIALS: dict[str, Callable[[], tuple[Crystal, tuple[int, int, int]]]] = {
    "graphene": lambda: (prototype("graphene"), (0, 0, 1)),
    "hBN": lambda: (Crystal("hBN", _boron_nitride(), 1e-4), (0, 0, 1)),
    "MoS2": lambda: (prototype("MoS2 (monolayer)"), (0, 0, 1)),
    **{
        name: lambda name=name: (Crystal(name, _layer(*_LAYERS[name]), 1e-3), (0, 0, 1))  # type: ignore[misc]
        for name in _LAYERS
    },
    **{name: lambda name=name: (prototype(_BULK[name][0]), _BULK[name][1]) for name in _BULK},  # type: ignore[misc]
}
"""What can be drawn by name: a crystal and the axis along which it is seen."""


@cache
def material(name: str, zone: tuple[int, int, int] | None = None) -> tuple[Projection, float]:
    """Return what is seen of a material, and how thick it is at least.

    Parameters
    ----------
    name : str
        One of `MATERIALS`, or the path of a structure that `read_structure` reads.
    zone : tuple of int, optional
        Axis along which it is seen, instead of the usual one or [0 0 1].

    Returns
    -------
    seen : Projection
        Columns in nm.
    layer : float
        Thickness in nm of the cell of a single layer; 0 of a bulk crystal.

    Raises
    ------
    InputError
        If there is no such material or file.
    """
    if name in MATERIALS:
        crystal, usual = MATERIALS[name]()
    elif structure_format(Path(name)) is not None:
        crystal, usual = read_structure(name), (0, 0, 1)
    else:
        raise InputError(
            f"{name!r} is no material that can be drawn; choose one of {', '.join(MATERIALS)}, "
            f"{SCATTERED}, or a file with a structure."
        )
    axis = crystal.layer_axis
    along = zone or usual
    is_layer = axis is not None and all(
        (index == 0) != (i == axis) for i, index in enumerate(along)
    )
    thickness = 0.0
    if is_layer and axis is not None:
        lengths = crystal.conventional.atoms.cell.lengths()
        thickness = float(lengths[axis]) / 10
    return project(crystal, along), thickness
