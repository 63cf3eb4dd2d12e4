"""All that an unmixing can be told, once."""

from __future__ import annotations

from napari_lattice_symmetry.bravais.parameters import WindowParameters
from napari_lattice_symmetry.settings import setting

MAX_COMPONENTS = 8
"""More than these nobody can tell apart on a map."""


class UnmixingParameters(WindowParameters):
    """Settings of one unmixing.

    Raises
    ------
    pydantic.ValidationError
        If a value is of the wrong type or out of its range.
    """

    components: int | None = setting(
        None,
        "Components",
        "Number of pure spectra; as suggested by where the variance of the spectra drops.",
        none="suggested",
        ge=1,
        le=MAX_COMPONENTS,
    )
