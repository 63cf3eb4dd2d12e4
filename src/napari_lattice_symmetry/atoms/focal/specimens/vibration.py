"""How far atoms are from their places, for heat: the fewer neighbors, the farther."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import constants
from scipy.integrate import quad
from scipy.spatial import KDTree

from napari_lattice_symmetry.atoms.focal.specimens.layer import Sheet

Float = NDArray[np.float64]

DEBYE_TEMPERATURE = {16: 600.0, 34: 600.0, 52: 600.0, 42: 600.0, 74: 600.0, 6: 1000.0}
"""In kelvin by atomic number: of MoS2 by low-energy electron diffraction (Z. Dai et al., Surf. Sci.
660, 16 (2017)), taken for the other layers, too; of carbon for motions in the plane of graphene."""

FULL = {16: 3, 34: 3, 52: 3, 42: 6, 74: 6, 6: 3}
"""Neighbors of an atom of a layer without defects, by atomic number."""

_BOND = 0.275  # nm: no bond of these layers is longer, and no next neighbor nearer


def coordination(sheet: Sheet) -> NDArray[np.int64]:
    """Count the bonds of every atom, shape (n,).

    Parameters
    ----------
    sheet : Sheet
        Atoms; those of one layer are bonded to others of it alone.
    """
    count = np.zeros(len(sheet.numbers), np.int64)
    substrate, metal = sheet.columns < 0, np.isin(sheet.numbers, (42, 74))
    for one, other, reach in (
        (metal, ~metal & ~substrate, _BOND + 0.01),
        (~metal & ~substrate, metal, _BOND + 0.01),
        (substrate, substrate, 0.18),
    ):
        if one.any() and other.any():
            near = KDTree(sheet.places[other]).query_ball_point(
                sheet.places[one], reach, return_length=True
            )
            count[one] = near - (one is other)
    return count


def amplitudes(sheet: Sheet, temperature: float = 300.0, by_coordination: bool = True) -> Float:
    """Return the standard deviation along each axis of every atom about its place, in nm, (n,).

    That of an atom with all its neighbors is of the Debye model (e.g. B. T. M. Willis and A. W.
    Pryor, *Thermal Vibrations in Crystallography*, 1975),

    ``u2 = 3 hbar2 T / (m k Theta2) (phi(Theta / T) + Theta / 4T)``.

    Each bond is a spring of the same strength, so that of one with fewer neighbors is
    ``sqrt(full / there)`` times as large.

    Parameters
    ----------
    sheet : Sheet
        Atoms.
    temperature : float
        In kelvin.
    by_coordination : bool
        Whether missing neighbors count; without, atoms of an element move alike.
    """
    wide = np.zeros(len(sheet.numbers))
    for number in np.unique(sheet.numbers):
        wide[sheet.numbers == number] = _debye(int(number), temperature)
    if by_coordination:
        full = np.array([FULL[int(number)] for number in sheet.numbers])
        wide *= np.sqrt(full / np.clip(coordination(sheet), 1, full))
    return wide


def _debye(number: int, temperature: float) -> float:
    import periodictable

    mass = periodictable.elements[number].mass * constants.atomic_mass
    ratio = DEBYE_TEMPERATURE[number] / temperature
    area, _ = quad(lambda t: t / np.expm1(t) if t else 1.0, 0, ratio)
    scale = 3 * constants.hbar**2 * temperature
    scale /= mass * constants.k * DEBYE_TEMPERATURE[number] ** 2
    return float(1e9 * np.sqrt(scale * (area / ratio + ratio / 4)))


def shake(
    sheet: Sheet,
    rng: np.random.Generator,
    temperature: float = 300.0,
    by_coordination: bool = True,
) -> Sheet:
    """Return the sheet at one instant: a configuration of frozen phonons.

    Parameters
    ----------
    sheet : Sheet
        Atoms at rest.
    rng : numpy.random.Generator
        Source of randomness.
    temperature, by_coordination
        As for `amplitudes`.
    """
    wide = amplitudes(sheet, temperature, by_coordination)
    return sheet.moved(wide[:, None] * rng.standard_normal(sheet.places.shape))
