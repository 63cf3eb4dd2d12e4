"""Prototype crystals: elements as ASE lists them, and common compounds."""

from __future__ import annotations

from functools import cache

from napari_lattice_symmetry.crystals.structure import Crystal
from napari_lattice_symmetry.errors import InputError

_Sites = tuple[tuple[str, tuple[float, float, float]], ...]


def _rock_salt(one: str, other: str) -> _Sites:
    return ((one, (0, 0, 0)), (other, (0.5, 0.5, 0.5)))


def _zinc_blende(one: str, other: str) -> _Sites:
    return ((one, (0, 0, 0)), (other, (0.25, 0.25, 0.25)))


def _fluorite(one: str, other: str) -> _Sites:
    return ((one, (0, 0, 0)), (other, (0.25, 0.25, 0.25)))


def _perovskite(one: str, other: str) -> _Sites:
    return ((one, (0.5, 0.5, 0.5)), (other, (0, 0, 0)), ("O", (0.5, 0, 0)))


def _wurtzite(one: str, other: str, u: float) -> _Sites:
    return ((one, (1 / 3, 2 / 3, 0)), (other, (1 / 3, 2 / 3, u)))


def _rutile(metal: str, u: float) -> _Sites:
    return ((metal, (0, 0, 0)), ("O", (u, u, 0)))


# Space group, a, b and c in angstrom and gamma, and one atom of each orbit. Lattice constants are
# those of the CRC Handbook of Chemistry and Physics and of Wyckoff, Crystal Structures, rounded.
_COMPOUNDS: dict[str, tuple[int, tuple[float, float, float], float, _Sites]] = {
    "NaCl": (225, (5.640, 5.640, 5.640), 90, _rock_salt("Na", "Cl")),
    "MgO": (225, (4.212, 4.212, 4.212), 90, _rock_salt("Mg", "O")),
    "TiN": (225, (4.240, 4.240, 4.240), 90, _rock_salt("Ti", "N")),
    "PbTe": (225, (6.462, 6.462, 6.462), 90, _rock_salt("Pb", "Te")),
    "CsCl": (221, (4.123, 4.123, 4.123), 90, _rock_salt("Cs", "Cl")),
    "GaAs": (216, (5.653, 5.653, 5.653), 90, _zinc_blende("Ga", "As")),
    "CdTe": (216, (6.482, 6.482, 6.482), 90, _zinc_blende("Cd", "Te")),
    "ZnS": (216, (5.409, 5.409, 5.409), 90, _zinc_blende("Zn", "S")),
    "CeO2": (225, (5.411, 5.411, 5.411), 90, _fluorite("Ce", "O")),
    "SrTiO3": (221, (3.905, 3.905, 3.905), 90, _perovskite("Sr", "Ti")),
    "LaAlO3 (cubic)": (221, (3.790, 3.790, 3.790), 90, _perovskite("La", "Al")),
    "BaTiO3 (cubic)": (221, (4.010, 4.010, 4.010), 90, _perovskite("Ba", "Ti")),
    "TiO2 (rutile)": (136, (4.594, 4.594, 2.959), 90, _rutile("Ti", 0.305)),
    "TiO2 (anatase)": (141, (3.785, 3.785, 9.514), 90, (("Ti", (0, 0, 0)), ("O", (0, 0, 0.208)))),
    "GaN": (186, (3.189, 3.189, 5.185), 120, _wurtzite("Ga", "N", 0.377)),
    "ZnO": (186, (3.250, 3.250, 5.207), 120, _wurtzite("Zn", "O", 0.382)),
    "MoS2": (
        194,
        (3.161, 3.161, 12.295),
        120,
        (("Mo", (1 / 3, 2 / 3, 0.25)), ("S", (1 / 3, 2 / 3, 0.621))),
    ),
    "WSe2": (
        194,
        (3.282, 3.282, 12.960),
        120,
        (("W", (1 / 3, 2 / 3, 0.25)), ("Se", (1 / 3, 2 / 3, 0.621))),
    ),
    "graphite": (
        194,
        (2.461, 2.461, 6.708),
        120,
        (("C", (0, 0, 0.25)), ("C", (1 / 3, 2 / 3, 0.25))),
    ),
    "hBN": (
        194,
        (2.504, 2.504, 6.661),
        120,
        (("B", (1 / 3, 2 / 3, 0.25)), ("N", (1 / 3, 2 / 3, 0.75))),
    ),
    "graphene": (191, (2.461, 2.461, 20.0), 120, (("C", (1 / 3, 2 / 3, 0)),)),
    "MoS2 (monolayer)": (
        187,
        (3.161, 3.161, 20.0),
        120,
        (("Mo", (1 / 3, 2 / 3, 0)), ("S", (2 / 3, 1 / 3, 0.0785))),
    ),
    "LaMnO3": (
        62,
        (5.700, 7.672, 5.538),
        90,
        (
            ("La", (0.549, 0.25, 0.010)),
            ("Mn", (0, 0, 0)),
            ("O", (-0.014, 0.25, -0.070)),
            ("O", (0.309, 0.039, 0.224)),
        ),
    ),
}
_TOLERANCE = 1e-4  # nm: these are exact
_SYMMETRIES = ("fcc", "bcc", "hcp", "diamond", "sc")
_CHAINS = ("Se", "Te")  # hexagonal, but not close-packed


@cache
def prototypes() -> dict[str, Crystal]:
    """Return the tabulated crystals by name: elements first, then compounds.

    Elements are those that ASE lists as fcc, bcc, hcp, diamond or simple cubic, with its lattice
    constants.

    Returns
    -------
    dict of str to Crystal
        The crystal of every name.
    """
    from ase.build import bulk
    from ase.data import chemical_symbols, reference_states
    from ase.spacegroup import crystal

    found = {}
    for symbol, state in zip(chemical_symbols, reference_states, strict=False):
        if state is not None and state["symmetry"] in _SYMMETRIES and symbol not in _CHAINS:
            found[symbol] = Crystal(symbol, bulk(symbol), _TOLERANCE)
    for name, (group, (a, b, c), gamma, sites) in _COMPOUNDS.items():
        symbols, places = zip(*sites, strict=True)
        atoms = crystal(
            symbols,
            places,
            spacegroup=group,
            cellpar=(a, b, c, 90, 90, gamma),
            onduplicates="error",
        )
        found[name] = Crystal(name, atoms, _TOLERANCE)
    return found


def prototype(name: str) -> Crystal:
    """Return a tabulated crystal.

    Parameters
    ----------
    name : str
        One of `prototypes()`, such as "Si" or "SrTiO3".

    Returns
    -------
    Crystal
        With its conventional cell in angstrom.

    Raises
    ------
    InputError
        If it is not listed.
    """
    known = prototypes()
    if name not in known:
        raise InputError(f"{name!r} is not listed; choose one of {', '.join(known)}.")
    return known[name]
