from __future__ import annotations

import re

import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.evolution.beam import maximum_energy_transfer


def test_sulfur_takes_what_is_printed_and_tungsten_less():
    energies = maximum_energy_transfer("WS2", 100)
    assert list(energies) == ["W", "S"]
    assert energies["S"] == pytest.approx(7.5, abs=0.05)
    assert energies["W"] == pytest.approx(1.31, abs=0.01)  # 1.6 eV is printed


def test_carbon_is_knocked_on_above_86_kv():
    # 17 eV, the displacement threshold of graphene, Meyer et al., Phys. Rev. Lett. 108, 196102
    assert maximum_energy_transfer("C", 86)["C"] == pytest.approx(17.0, abs=0.2)


def test_mixed_crystals_have_all_their_elements():
    assert list(maximum_energy_transfer(" Mo0.1W0.9S2 ", 60)) == ["Mo", "W", "S"]


@pytest.mark.parametrize("formula", ["", "Xx", "ws2", "two atoms", "W[999]"])
def test_a_formula_that_is_none_is_named(formula):
    with pytest.raises(InputError, match=f"^{re.escape(repr(formula))} is not a chemical formula"):
        maximum_energy_transfer(formula, 100)


def test_the_voltage_is_positive():
    with pytest.raises(InputError, match="0 kV"):
        maximum_energy_transfer("C", 0)
