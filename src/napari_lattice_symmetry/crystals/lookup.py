"""The other way: which tabulated crystals may show a lattice that was measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from napari_lattice_symmetry.crystals.comparison import LatticeMaps, Windows, compare
from napari_lattice_symmetry.crystals.matching import list_candidates
from napari_lattice_symmetry.crystals.projection import Projection
from napari_lattice_symmetry.crystals.prototypes import prototypes
from napari_lattice_symmetry.data.movie import NANOMETER
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import cell, lattice_parameters, reduce_basis

_LOOKED_AT = 4000  # windows


def fitting_prototypes(
    a: float, b: float, gamma: float, zones: int = 1, tolerance: float = 0.03
) -> list[tuple[Projection, float]]:
    """Return which tabulated crystals have a lattice like a measured one along some axis.

    Parameters
    ----------
    a, b : float
        Sides of any cell of the lattice, in nm.
    gamma : float
        Angle in degrees.
    zones : int
        Greatest index of the zone axes.
    tolerance : float
        Greatest distortion, as a share.

    Returns
    -------
    list of (Projection, float)
        With the distortion of each, the least first.

    Raises
    ------
    InputError
        If there is no such cell.
    """
    if not (np.isfinite([a, b, gamma]).all() and a > 0 and b > 0 and 0 < gamma < 180):
        raise InputError(f"a = {a}, b = {b} nm, gamma = {gamma}° is no cell.")
    candidates = list_candidates(list(prototypes().values()), zones)
    strain = compare(reduce_basis(cell(a, b, gamma))[np.newaxis], candidates).strain[:, 0]
    order = np.argsort(strain, kind="stable")
    return [(candidates[k], float(strain[k])) for k in order if strain[k] <= tolerance]


@dataclass(frozen=True)
class CommonLattice:
    """The lattice that most windows have about.

    Parameters
    ----------
    a, b : float
        Sides of its reduced cell in nm.
    gamma : float
        Angle in degrees.
    share : float
        Of the windows with a lattice alone, those that have about this one.
    """

    a: float
    b: float
    gamma: float
    share: float

    def __str__(self) -> str:
        return f"{self.a:.3f}, {self.b:.3f} nm, {self.gamma:.1f}° ({self.share:.0%} of the windows)"


def common_lattice(fitted: LatticeMaps, tolerance: float = 0.03) -> CommonLattice:
    """Return the lattice that most windows have about: where lattices lie densest.

    The median of all may be that of none, where there are several.

    Parameters
    ----------
    fitted : MovieResult or LatticeFits
        With lengths in nm.
    tolerance : float
        By which share sides, and angles in radians, may differ.

    Returns
    -------
    CommonLattice
        The medians over the windows around it.

    Raises
    ------
    InputError
        If there are no lattices, or their unit is the pixel.
    """
    bases = Windows(fitted).some(_LOOKED_AT)
    if not len(bases):
        raise InputError("This result has no lattices; analyze again with lattice maps.")
    if fitted.unit != NANOMETER:
        raise InputError(
            "Lengths are in pixels: give the pixel size before crystals are suggested."
        )
    cells = np.array([lattice_parameters(each) for each in bases])
    places = np.column_stack([np.log(cells[:, :2]), np.deg2rad(cells[:, 2])])
    neighbors = cKDTree(places).query_ball_point(places, tolerance, return_length=True)
    densest = places[np.argmax(neighbors)]
    near = np.linalg.norm(places - densest, axis=1) <= tolerance
    a, b, gamma = np.median(cells[near], axis=0)
    return CommonLattice(float(a), float(b), float(gamma), float(near.mean()))


def suggest_prototypes(
    fitted: LatticeMaps, zones: int = 1, tolerance: float = 0.03
) -> list[tuple[Projection, float]]:
    """Return which tabulated crystals have a lattice like the one that most windows have.

    Parameters
    ----------
    fitted : MovieResult or LatticeFits
        With lengths in nm.
    zones : int
        Greatest index of the zone axes.
    tolerance : float
        Greatest distortion, as a share.

    Returns
    -------
    list of (Projection, float)
        With the distortion of each from the `common_lattice`, the least first; each crystal once.

    Raises
    ------
    InputError
        If there are no lattices, or their unit is the pixel.
    """
    common = common_lattice(fitted, tolerance)
    first: dict[str, tuple[Projection, float]] = {}
    for seen, strain in fitting_prototypes(common.a, common.b, common.gamma, zones, tolerance):
        first.setdefault(seen.crystal, (seen, strain))
    return list(first.values())
