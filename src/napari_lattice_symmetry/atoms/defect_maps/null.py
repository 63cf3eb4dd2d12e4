"""How high the evidence for defects is where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_lattice_symmetry.atoms.defect_maps.examples import (
    NULL,
    PERFECT,
    TRAINED,
    draw_settings,
)
from napari_lattice_symmetry.atoms.defect_maps.mapper import DefectMapper, Null
from napari_lattice_symmetry.atoms.defect_maps.peaks import FALSE_ALARMS

PICTURES = 100
_CLEAN = {"contamination": 0.0, "support": 0.0}  # patches are no perfect crystal


def measure_null(
    mapper: DefectMapper,
    seed: int,
    materials: tuple[str, ...] = TRAINED,
    augmented: bool = True,
    pictures: int = PICTURES,
) -> Null:
    """Measure peaks of perfect crystals.

    Parameters
    ----------
    mapper : DefectMapper
        The network.
    seed : int
        Draws the pictures, in a stream of their own.
    materials, augmented
        As in `CropChunk`.
    pictures : int
        How many.

    Returns
    -------
    Null
        With a threshold that `FALSE_ALARMS` of 1,000 sites exceed.
    """
    loose = replace(mapper, null=Null())
    found, sites = [np.zeros(1)], 0
    for index in range(pictures):
        rng = np.random.default_rng((seed, NULL, index))
        image, _ = draw_settings(rng, str(rng.choice(materials)), PERFECT, augmented)
        picture = image.model_copy(update=_CLEAN).draw()
        sites += len(picture.atoms)
        found.append(loose.peaks(picture.image, picture.spacing)[2])
    highest = np.sort(np.concatenate(found))[::-1]
    allowed = max(1, round(FALSE_ALARMS * sites / 1000))
    wider = highest[: 3 * allowed]  # the tail of a law whose logarithm is a straight line
    scale = max(float((wider - wider[-1]).mean()), 1e-3)
    return Null(round(float(highest[min(allowed, len(highest) - 1)]), 4), round(scale, 4))
