"""The structures that families are measured on: none that a training has seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from metrics import share
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.families.data_set import Example, draw_example
from napari_lattice_symmetry.crystals.families.defects import Defects
from napari_lattice_symmetry.crystals.families.prototypes import FAMILIES

SEED = 2026
CONDITIONS = {
    "pristine": Defects(),
    "25 % vacancies": Defects(0.25),
    "50 % vacancies": Defects(0.5),
    "70 % vacancies": Defects(0.7),
    "displacements of 5 %": Defects(0, 0.05),
    "displacements of 10 %": Defects(0, 0.1),
    "displacements of 20 %": Defects(0, 0.2),
    "25 % vacancies and 5 %": Defects(0.25, 0.05),
    "50 % vacancies and 10 %": Defects(0.5, 0.1),
}
AIMS = {
    "pristine": 1.0,
    "25 % vacancies": 0.99,
    "50 % vacancies": 0.99,
    "displacements of 5 %": 0.99,
    "displacements of 10 %": 0.90,
}
"""Shares of right answers that were aimed at, of crystals along their axes."""

TURNED_AIM = 0.95
"""The same of crystals in any direction, whose cell is unknown."""

MAX_ERROR = 0.02
"""Of the probabilities, over all rows together."""

AIM_COLUMNS = ("structures", "by", "aim", "measured", "reached")


def draw_examples(
    count: int,
    part: int,
    seed: tuple[int, ...],
    defects: Defects | None,
    *,
    turned: bool = False,
    families: Sequence[str] = FAMILIES,
) -> list[Example]:
    """Draw as many clusters of every family."""
    rng = np.random.default_rng(seed)
    return [
        draw_example(family, part, rng, defects, turned=turned)
        for family in families
        for _ in range(count)
    ]


def aim_row(title: str, by: str, right: NDArray[np.bool_], aim: float) -> list[str]:
    """Lay out a share of right answers beside what was aimed at."""
    return [title, by, f"at least {aim:.2f}", share(right), tell_reached(right.mean() >= aim)]


def error_row(by: str, error: float) -> list[str]:
    """Lay out the calibration error of all rows together beside what was aimed at."""
    told = [f"at most {MAX_ERROR:.2f}", f"{error:.3f}", tell_reached(error <= MAX_ERROR)]
    return ["calibration error of all rows", by, *told]


def tell_reached(reached: bool | np.bool_) -> str:
    """Say whether an aim is reached."""
    return "yes" if reached else "no"
