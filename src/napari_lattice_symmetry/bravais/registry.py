"""The networks that name a Bravais lattice, as they are shipped."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from threading import Lock

from napari_lattice_symmetry.bravais.classifier import Classifier
from napari_lattice_symmetry.networks.registry import NetworkFile, Registry

REGISTRY = Registry(Path(__file__).parent / "weights")
_LOADING = Lock()


def load(network: str | os.PathLike[str]) -> Classifier:
    """Load a shipped network by name, or any by the path of its .keras file.

    A thread that asks for one that another thread loads waits for it.

    Raises
    ------
    ModelError
        If there is no such network or file, the weights are not those that were shipped, or
        the network does not fit.
    """
    file = REGISTRY.find(os.fspath(network))
    with _LOADING:
        return _load(file)


@cache
def _load(file: NetworkFile) -> Classifier:
    from napari_lattice_symmetry.bravais import networks  # noqa: F401  (registers its layers)

    return Classifier(file.read(), file.name, file.sha256)
