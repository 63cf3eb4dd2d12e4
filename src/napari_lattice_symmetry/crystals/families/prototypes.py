"""Structure families: arrangements of atoms over ranges of their free parameters.

The seven families are those of A. Ziletti et al., Nat. Commun. 9, 2775 (2018), in the order in
which networks give their probabilities. A family is told by where atoms are, whatever they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ase import Atoms

Float = NDArray[np.float64]
Ranges = tuple[tuple[float, float], ...]

FAMILIES = ("sc", "fcc", "diamond", "bcc", "bct139", "bct141", "hex/rh")
"""Simple, face-centered and diamond cubic, body-centered cubic, body-centered tetragonal of one
atom (I4/mmm) and of two (I4_1/amd), and hexagonal or rhombohedral."""

TITLES = {
    "sc": "simple cubic",
    "fcc": "face-centered cubic",
    "diamond": "diamond",
    "bcc": "body-centered cubic",
    "bct139": "body-centered tetragonal, I4/mmm",
    "bct141": "body-centered tetragonal, I4₁/amd",
    "hex/rh": "hexagonal or rhombohedral",
    "none": "none of the seven families",
}
"""What each is in words."""

NONE = "none"
"""The answer for a structure of none of the families."""

ANSWERS = (*FAMILIES, NONE)
"""In the order in which networks give their probabilities."""

COLORS = {
    "sc": "#E69F00",
    "fcc": "#56B4E9",
    "diamond": "#009E73",
    "bcc": "#F0E442",
    "bct139": "#0072B2",
    "bct141": "#D55E00",
    "hex/rh": "#CC79A7",
    "none": "#999999",
}
"""Okabe and Ito's color-blind-safe set."""

TRAINING, VALIDATION, TEST = 0, 1, 2
"""Which structures and compositions: what one has, no other has."""

TURNS = (TRAINING, TRAINING, TEST, TRAINING, VALIDATION)
"""The part of intervals of a free parameter, and of elements, in turn: six in ten to train on."""

_SLICES = 10

_Places = Sequence[tuple[float, float, float]]

_BODY: _Places = ((0, 0, 0), (0.5, 0.5, 0.5))
_FACE: _Places = ((0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0))
_TIN: _Places = ((0, 0, 0), (0.5, 0.5, 0.5), (0, 0.5, 0.25), (0.5, 0, 0.75))
_RHOMB: _Places = ((0, 0, 0), (2 / 3, 1 / 3, 1 / 3), (1 / 3, 2 / 3, 2 / 3))
_ONE, _TWO, _THREE = (0.0, 0.0), (1 / 3, 2 / 3), (2 / 3, 1 / 3)


@dataclass(frozen=True)
class Prototype:
    """An arrangement of atoms with free parameters.

    Parameters
    ----------
    name : str
        Of the prototype.
    family : str
        One of `FAMILIES`.
    places : callable
        Gives the places of atoms, fractions of the conventional cell, from a second parameter.
    ratio : tuple of (float, float)
        Ranges of c/a; those in which it is another family's are left out. Empty for 1.
    second : (float, float)
        Range of the second parameter.
    hexagonal : bool
        Whether gamma is 120 degrees.
    """

    name: str
    family: str
    places: Callable[[float], Any]
    ratio: Ranges = ()
    second: tuple[float, float] = (0.0, 0.0)
    hexagonal: bool = False

    def cell(self, ratio: float = 1.0, second: float | None = None) -> Atoms:
        """Build the conventional cell with a = 1 and carbon, a along x and c along z."""
        from ase import Atoms

        gamma = 120 if self.hexagonal else 90
        places = self.places(sum(self.second) / 2 if second is None else second)
        return Atoms(
            ["C"] * len(places),
            scaled_positions=places,
            cell=[1, 1, ratio, 90, 90, gamma],
            pbc=True,
        )


def _arsenic(u: float) -> Float:
    return np.concatenate([np.array(_RHOMB) + (0, 0, u), np.array(_RHOMB) - (0, 0, u)]) % 1


def _stacked(*layers: tuple[float, float]) -> Callable[[float], Float]:
    """Stack layers of one atom each."""
    heights = (np.arange(len(layers)) + 0.5) / len(layers)
    return lambda _: np.column_stack([layers, heights])


def _lonsdaleite(u: float) -> Float:
    return np.array([(*_TWO, u), (*_THREE, 0.5 + u), (*_TWO, 0.5 - u), (*_THREE, 1 - u)])


def _graphite(*layers: tuple[tuple[float, float], ...]) -> Callable[[float], Float]:
    """Stack layers of two atoms each."""
    heights = (np.arange(len(layers)) + 0.25) / len(layers)
    places = [
        (*place, height) for layer, height in zip(layers, heights, strict=True) for place in layer
    ]
    return lambda _: np.array(places)


_HCP, _DHCP = _stacked(_TWO, _THREE), _stacked(_ONE, _TWO, _ONE, _THREE)
_HIGH = (0.75, 1.25), (1.6, 2.4)

PROTOTYPES = (
    Prototype("simple cubic", "sc", lambda _: [(0, 0, 0)]),
    Prototype("copper", "fcc", lambda _: _FACE),
    Prototype("diamond", "diamond", lambda _: [*_FACE, *(np.array(_FACE) + 0.25)]),
    Prototype("tungsten", "bcc", lambda _: _BODY),
    # c/a of 1 is bcc and of 1.414 fcc.
    Prototype("indium", "bct139", lambda _: _BODY, ((0.72, 0.92), (1.09, 1.31), (1.51, 1.75))),
    # c/a of 1.414 is diamond; white tin has 0.546.
    Prototype("white tin", "bct141", lambda _: _TIN, ((0.45, 0.70), *_HIGH)),
    Prototype("magnesium", "hex/rh", _HCP, ((1.45, 1.90),), hexagonal=True),
    Prototype("lanthanum", "hex/rh", _DHCP, ((2.95, 3.75),), hexagonal=True),
    Prototype("simple hexagonal", "hex/rh", _stacked(_ONE), ((0.80, 1.25),), hexagonal=True),
    # c/a of 0.612 is bcc, of 1.225 sc, of 2.449 fcc.
    Prototype(
        "mercury",
        "hex/rh",
        lambda _: _RHOMB,
        ((0.35, 0.52), (0.72, 1.08), (1.40, 2.20), (2.75, 4.20)),
        hexagonal=True,
    ),
    Prototype("arsenic", "hex/rh", _arsenic, ((2.50, 2.90),), (0.222, 0.238), hexagonal=True),
    # Molecules that stand upright.
    Prototype("oxygen", "hex/rh", _arsenic, ((2.80, 4.20),), (0.045, 0.075), hexagonal=True),
    Prototype("lonsdaleite", "hex/rh", _lonsdaleite, ((1.57, 1.73),), (0.058, 0.067), True),
    Prototype(
        "graphite",
        "hex/rh",
        _graphite((_ONE, _TWO), (_ONE, _THREE)),
        ((2.40, 3.00),),
        hexagonal=True,
    ),
    Prototype(
        "rhombohedral graphite",
        "hex/rh",
        _graphite((_ONE, _TWO), (_TWO, _THREE), (_THREE, _ONE)),
        ((3.60, 4.50),),
        hexagonal=True,
    ),
)
"""All prototypes, family after family."""


def draw_cell(family: str, part: int, rng: np.random.Generator) -> tuple[Prototype, float, Atoms]:
    """Draw a prototype of a family, its c/a, and its conventional cell with a = 1."""
    choices = [each for each in PROTOTYPES if each.family == family]
    prototype = choices[rng.integers(len(choices))]
    ratio = _draw_ratio(prototype.ratio, part, rng)
    return prototype, ratio, prototype.cell(ratio, rng.uniform(*prototype.second))


def _draw_ratio(ranges: Ranges, part: int, rng: np.random.Generator) -> float:
    if not ranges:
        return 1.0
    low, high = ranges[rng.integers(len(ranges))]
    slices = [k for k in range(_SLICES) if TURNS[k % len(TURNS)] == part]
    return low + (high - low) * (slices[rng.integers(len(slices))] + rng.random()) / _SLICES
