"""Structure without labels: unmixing and embedding of spectra."""

from napari_lattice_symmetry.structure.embedding import (
    Embedding,
    WindowCluster,
    describe_cluster,
    embed,
)
from napari_lattice_symmetry.structure.parameters import UnmixingParameters
from napari_lattice_symmetry.structure.plots import plot_cluster, plot_embedding, plot_unmixing
from napari_lattice_symmetry.structure.unmixing import Unmixing, unmix

__all__ = [
    "Embedding",
    "Unmixing",
    "UnmixingParameters",
    "WindowCluster",
    "describe_cluster",
    "embed",
    "plot_cluster",
    "plot_embedding",
    "plot_unmixing",
    "unmix",
]
