"""The structures that families are measured on: none that a training has seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
