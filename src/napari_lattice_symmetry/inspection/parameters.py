"""All that a sweep over simulated lattices can be told, once."""

from __future__ import annotations

from napari_lattice_symmetry.settings import SettingsModel, setting


class SweepParameters(SettingsModel):
    """Which parameter of a simulated lattice varies, and how."""

    parameter: str = setting(
        "disorder",
        "Vary",
        "Which parameter varies; all others stay as they are set.",
        choices=("disorder",),
    )
    first: float = setting(0.0, "From", "The first value.", step=0.01)
    last: float = setting(0.5, "To", "The last value.", step=0.01)
    steps: int = setting(
        21,
        "Values",
        "How many values, evenly spaced; for the dose by equal factors.",
        ge=2,
        le=200,
    )
    images: int = setting(
        16,
        "Images each",
        "How many images at each value, with other random numbers.",
        ge=1,
        le=1000,
    )
