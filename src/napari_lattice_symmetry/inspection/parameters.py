"""All that a sweep over simulated lattices can be told, once."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from napari_lattice_symmetry.settings import setting


class SweepParameters(BaseModel):
    """Which parameter of a simulated lattice varies, and how.

    Raises
    ------
    pydantic.ValidationError
        If a value is of the wrong type or out of its range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

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
