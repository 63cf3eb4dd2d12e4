"""The other way: which tabulated crystals may show a lattice that was measured."""

from __future__ import annotations

import numpy as np

from napari_lattice_symmetry.crystals.matching import LatticeMaps, compare, list_candidates
from napari_lattice_symmetry.crystals.projection import Projection
from napari_lattice_symmetry.crystals.prototypes import prototypes
from napari_lattice_symmetry.data.movie import NANOMETER
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import cell, reduce_basis


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
    strain, _ = compare(reduce_basis(cell(a, b, gamma))[np.newaxis], candidates)
    order = np.argsort(strain[:, 0], kind="stable")
    return [(candidates[k], float(strain[k, 0])) for k in order if strain[k, 0] <= tolerance]


def suggest_prototypes(
    fitted: LatticeMaps, zones: int = 1, tolerance: float = 0.03
) -> list[tuple[Projection, float]]:
    """Return which tabulated crystals have a lattice like the median one of a result.

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
        With the distortion of each, the least first; each crystal once.

    Raises
    ------
    InputError
        If there are no lattices, or their unit is the pixel.
    """
    if fitted.a is None or not np.isfinite(np.asarray(fitted.a)).any():
        raise InputError("This result has no lattices; analyze again with lattice maps.")
    if fitted.unit != NANOMETER:
        raise InputError(
            "Lengths are in pixels: give the pixel size before crystals are suggested."
        )
    a, b, gamma = (float(np.nanmedian(each)) for each in (fitted.a, fitted.b, fitted.gamma))
    first: dict[str, tuple[Projection, float]] = {}
    for seen, strain in fitting_prototypes(a, b, gamma, zones, tolerance):
        first.setdefault(seen.crystal, (seen, strain))
    return list(first.values())
