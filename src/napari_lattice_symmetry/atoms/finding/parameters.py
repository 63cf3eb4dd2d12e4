"""All that a search for atoms can be told, once."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from napari_lattice_symmetry.settings import setting

MIN_SPACING = 4.0
"""Pixels that neighbors have to be apart."""


class FindParameters(BaseModel):
    """Settings of a search for atoms.

    Raises
    ------
    pydantic.ValidationError
        If a value is of the wrong type or out of its range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    spacing: float | None = setting(
        None,
        "Spacing (px)",
        "Distance of neighboring atoms in pixels; measured by the lattice if not given.",
        gt=0,
        le=1000,
    )
    confidence: float = setting(
        0.5,
        "Confidence",
        "The least of an atom; those that are less probable are left out.",
        step=0.05,
        ge=0.02,
        le=1,
    )
    samples: int = setting(
        8, "Samples", "Thinned networks that are asked of each frame; 0 for the whole one.", ge=0
    )
    seed: int = setting(0, "Seed", "Draws the thinned networks.", ge=0)
    refine: bool = setting(
        True, "Refine", "Fit a Gaussian to each atom in the pixels of the frame."
    )
