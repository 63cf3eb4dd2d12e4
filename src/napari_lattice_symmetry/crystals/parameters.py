"""All that a match can be told, once."""

from __future__ import annotations

from napari_lattice_symmetry.settings import SettingsModel, setting


class MatchParameters(SettingsModel):
    """Settings of a match of crystals to maps.

    Raises
    ------
    pydantic.ValidationError
        If a value is of the wrong type or out of its range.
    """

    zones: int = setting(
        2,
        "Zone axes up to",
        "Greatest index of the zone axes along which each crystal may be seen.",
        ge=1,
        le=4,
    )
    tolerance: float = setting(
        0.03,
        "Distortion",
        "How far a lattice may be stretched from that of its crystal, as a share: by strain, drift "
        "and the error of the pixel size together. Half of it counts as one standard deviation.",
        gt=0,
        le=0.2,
        step=0.005,
    )
