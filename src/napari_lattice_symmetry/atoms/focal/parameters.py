"""All that naming the columns of a focal series can be told, once."""

from __future__ import annotations

from napari_lattice_symmetry.atoms.focal.registration import REACH
from napari_lattice_symmetry.atoms.focal.specimens.layer import LAYERS
from napari_lattice_symmetry.settings import SettingsModel, setting


class ColumnParameters(SettingsModel):
    """Settings of a search for the columns of a layer MX2."""

    material: str = setting(
        "MoS2", "Material", "The layer; its lattice checks the pixel size.", choices=tuple(LAYERS)
    )
    confidence: float = setting(
        0.5, "Confidence", "The least of a column and its class.", step=0.05, ge=0.02, le=1
    )
    samples: int = setting(
        20, "Samples", "Thinned networks that are asked; 0 for the whole one.", ge=0
    )
    seed: int = setting(0, "Seed", "Draws the thinned networks.", ge=0)
    register_images: bool = setting(
        True, "Register", "Move the images over each other before they are looked at."
    )
    reach: float = setting(
        REACH,
        "Drift (nm)",
        "Farthest between two images; with no more than a crystal to be seen, less than half its "
        "lattice constant.",
        step=0.01,
        gt=0,
        le=5,
    )
    check: bool = setting(
        True,
        "Check foci",
        "Refuse a series that one specimen does not explain at the defoci as told.",
    )
