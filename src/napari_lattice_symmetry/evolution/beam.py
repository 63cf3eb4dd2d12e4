"""What an electron of the beam can give to a nucleus at most."""

from __future__ import annotations

from napari_lattice_symmetry.errors import InputError


def maximum_energy_transfer(formula: str, voltage: float) -> dict[str, float]:
    """Return the energy that an electron transfers to each element in a head-on collision.

    With the kinetic energy E of the electron, its rest energy E0 and the mass M of the atom,
    that is ``2 (E + 2 E0) E / (M c²)``.

    Parameters
    ----------
    formula : str
        Chemical formula, such as "WS2" or "Mo0.1W0.9S2".
    voltage : float
        Acceleration voltage in kV.

    Returns
    -------
    dict of str to float
        Energy in eV for each element, in the order of the formula.

    Raises
    ------
    InputError
        If the formula cannot be read, or the voltage is not positive.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> energies = nls.evolution.maximum_energy_transfer("WS2", 100)
    >>> {name: round(energy, 1) for name, energy in energies.items()}
    {'W': 1.3, 'S': 7.5}
    """
    from periodictable import formula as parse
    from scipy.constants import physical_constants

    try:
        atoms = parse(formula.strip()).atoms
    except Exception:  # of its parser's library, KeyError of an isotope, ValueError of an element
        atoms = {}
    if not atoms:
        raise InputError(f"{formula!r} is not a chemical formula; write one such as WS2.")
    if not voltage > 0:
        raise InputError(f"The voltage is {voltage} kV; it must be positive.")
    energy = 1e3 * voltage
    rest_energy = 1e6 * physical_constants["electron mass energy equivalent in MeV"][0]
    mass_unit = 1e6 * physical_constants["atomic mass constant energy equivalent in MeV"][0]
    transfer = 2 * (energy + 2 * rest_energy) * energy / mass_unit
    return {str(atom): float(transfer / atom.mass) for atom in atoms}
