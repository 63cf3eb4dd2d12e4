"""All that an unmixing can be told, once."""

from __future__ import annotations

from typing import Literal

from napari_lattice_symmetry.bravais.parameters import WindowParameters
from napari_lattice_symmetry.settings import SettingsModel, setting

MAX_COMPONENTS = 8
"""More than these nobody can tell apart on a map."""

MAX_EMBEDDED = 10_000
"""Windows that are embedded where the movie has more."""

NEIGHBORS = {"t-SNE": 30, "UMAP": 15}
"""How many windows each window is kept near to: t-SNE's perplexity, UMAP's neighbors."""


class UnmixingParameters(WindowParameters):
    """Settings of one unmixing."""

    components: int | None = setting(
        None,
        "Components",
        "Number of pure spectra; as suggested by where the variance of the spectra drops.",
        none="suggested",
        ge=1,
        le=MAX_COMPONENTS,
    )


class EmbeddingParameters(SettingsModel):
    """Settings of one embedding."""

    method: Literal["t-SNE", "UMAP"] = setting(
        "t-SNE",
        "Method",
        "Two ways to lay out points; what is a cluster in both is hardly an artifact.",
    )
    at_most: int = setting(
        MAX_EMBEDDED,
        "At most",
        "Where there are more windows, so many are chosen at random.",
        step=1000,
        ge=100,
        le=10 * MAX_EMBEDDED,
    )
