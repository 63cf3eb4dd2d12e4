from __future__ import annotations

import math

import pytest

from napari_lattice_symmetry.io.calibration import is_reciprocal, pixel_size_nm, seconds


@pytest.mark.parametrize(
    ("unit", "nanometers"),
    [
        ("nm", 1),
        (" nm ", 1),
        ("n_m", 1),
        ("Nanometers", 1),
        ("nanometres", 1),
        ("pm", 1e-3),
        ("A", 0.1),
        ("Å", 0.1),
        ("\N{ANGSTROM SIGN}", 0.1),
        ("\\u00C5", 0.1),
        ("Ångström", 0.1),
        ("angstroms", 0.1),
        ("um", 1e3),
        ("\N{MICRO SIGN}m", 1e3),
        ("\N{GREEK SMALL LETTER MU}m", 1e3),
        ("\\u00B5m", 1e3),
        ("micron", 1e3),
        ("microns", 1e3),
        ("mm", 1e6),
        ("m", 1e9),
        ("meter", 1e9),
    ],
)
def test_a_length_is_given_in_nanometers(unit, nanometers):
    assert pixel_size_nm(2, 3, unit) == pytest.approx((2 * nanometers, 3 * nanometers))


@pytest.mark.parametrize("unit", ["", None, "pixel", "inch", "cm", "1/nm", "nm^-1", "V", "s"])
def test_what_is_no_length_is_no_calibration(unit):
    assert pixel_size_nm(2, 3, unit) is None


def test_sizes_keep_their_own_units_and_lose_their_signs():
    assert pixel_size_nm(-20, 1, "pm", "nm") == pytest.approx((0.02, 1))


def test_a_size_that_is_left_out_is_that_of_the_other_axis():
    assert pixel_size_nm(0, 3, "µm", "nm") == (3, 3)
    assert pixel_size_nm(3, 0, "nm", "µm") == (3, 3)


@pytest.mark.parametrize("size", [0, math.nan, math.inf])
def test_a_size_that_cannot_be_is_no_calibration(size):
    assert pixel_size_nm(size, size, "nm") is None


@pytest.mark.parametrize(
    ("time", "unit", "expected"),
    [(2, "s", 2), (2, "sec", 2), (500, "ms", 0.5), (2, "min", 120), (5, "µs", 5e-6)],
)
def test_a_time_is_given_in_seconds(time, unit, expected):
    assert seconds(time, unit) == pytest.approx(expected)


@pytest.mark.parametrize(("time", "unit"), [(0, "s"), (math.nan, "s"), (1, "frame")])
def test_a_time_that_cannot_be_is_none(time, unit):
    assert seconds(time, unit) is None


@pytest.mark.parametrize("unit", ["1/nm", "1 / µm", "A^-1", "nm⁻¹", "[n_m^-1]", "mrad"])
def test_units_of_diffraction_patterns(unit):
    assert is_reciprocal(unit)


@pytest.mark.parametrize("unit", ["nm", "", None, "V", "s"])
def test_units_of_images_are_not_reciprocal(unit):
    assert not is_reciprocal(unit)
