"""All that a search for atoms can be told, once."""

from __future__ import annotations

from napari_lattice_symmetry.settings import SettingsModel, setting

MIN_SPACING = 4.0
"""Pixels that neighbors have to be apart."""


class FindParameters(SettingsModel):
    """Settings of a search for atoms.

    Raises
    ------
    pydantic.ValidationError
        If a value is of the wrong type or out of its range.
    """

    spacing: float | None = setting(
        None,
        "Spacing",
        "Distance of neighboring atoms in pixels, which gives the scale; measured by the lattice "
        "if not given, so needed where there is none, as in a nanoparticle.",
        step=0.5,
        decimals=2,
        unit=" px",
        none="measured",
        of_one_image=True,
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
