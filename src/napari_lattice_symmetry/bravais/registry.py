"""The networks that name a Bravais lattice, as they are shipped."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from napari_lattice_symmetry.bravais.classifier import Classifier
from napari_lattice_symmetry.networks.registry import NetworkFile, Registry

REGISTRY = Registry(Path(__file__).parent / "weights")


def load(network: str | os.PathLike[str]) -> Classifier:
    """Load a shipped network by name, or any by the path of its .keras file.

    Raises
    ------
    ModelError
        If there is no such network or file, the weights are not those that were shipped, or
        the network does not fit.
    """
    return _load(REGISTRY.find(os.fspath(network)))


@cache
def _load(file: NetworkFile) -> Classifier:
    from napari_lattice_symmetry.bravais import networks  # noqa: F401  (registers its layers)
    from napari_lattice_symmetry.bravais.classifier import Classifier

    return Classifier(file.read(), file.name, file.sha256)
