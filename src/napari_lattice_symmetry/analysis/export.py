"""A result as images and labels that other programs know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lattice_symmetry.hyperstack import Hyperstack
from napari_lattice_symmetry.lattice import CLASSES, COLOURS, LABELS

if TYPE_CHECKING:
    from napari_lattice_symmetry.analysis.result import MovieResult

ENTROPY, MUTUAL_INFORMATION = "predictive entropy", "mutual information"
LABEL_MAP = "classes"


def result_hyperstack(result: MovieResult) -> Hyperstack:
    """Give the maps of a result: six class probabilities, both uncertainties, and the classes.

    Returns
    -------
    Hyperstack
        With the colours and names of the classes; its metadata tell how the result was made.
    """
    parameters = result.parameters
    time = result.frame_time or 1.0
    return Hyperstack(
        name=result.name,
        images={
            **dict(zip(CLASSES, result.mean, strict=True)),
            ENTROPY: result.entropy,
            MUTUAL_INFORMATION: result.mutual_information,
        },
        labels={LABEL_MAP: result.labels},
        scale=(time * parameters.frame_step, *result.grid.scale(result.pixel_size)),
        translate=(time * parameters.first_frame, *result.grid.translate(result.pixel_size)),
        unit=result.unit,
        timed=result.frame_time is not None,
        values={LABELS[name]: (name, colour) for name, colour in COLOURS.items()},
        colours=COLOURS,
        metadata={
            "source": result.source,
            "parameters": parameters.model_dump(mode="json"),
            "provenance": result.provenance,
        },
    )
