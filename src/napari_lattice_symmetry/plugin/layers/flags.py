"""Flags of the lattice fit as label values: a color each, and words for every sum of them."""

from __future__ import annotations

from typing import Any

from napari_lattice_symmetry.spectrum.lattice_fit import Flag

# The first of these flags that a window has gives its color.
_COLOR_OF_FLAG = {
    Flag.TWO_LATTICES: ("two lattices", "#D55E00"),
    Flag.FEW_PERIODS: ("too few periods", "#F0E442"),
    Flag.COARSE_SAMPLING: ("under 3 px a period", "#CC79A7"),
    Flag.MANY_PERIODS: ("too many periods", "#56B4E9"),
    Flag.NO_COMMON_LATTICE: ("no common lattice", "#0072B2"),
    Flag.ONE_DIRECTION: ("fringes only", "#009E73"),
    Flag.NO_SPOTS: ("no spots", "#000000"),
    Flag.MISSING_PIXELS: ("missing pixels", "#E69F00"),
}

_VALUES = range(1, sum(Flag) + 1)


def describe_flags(value: int) -> str:
    """Name the flags in a label value."""
    words = [words for flag, (words, _) in _COLOR_OF_FLAG.items() if value & flag]
    return ", ".join(words) or "none"


def flag_features() -> dict[str, Any]:
    """Name the flags in every label value there can be."""
    values = [0, *_VALUES]
    return {"index": values, "flags": [describe_flags(value) for value in values]}


FLAG_COLORS = {
    value: next(color for flag, (_, color) in _COLOR_OF_FLAG.items() if value & flag)
    for value in _VALUES
}
"""Color of every label value."""
