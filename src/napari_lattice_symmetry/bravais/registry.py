"""The networks that name a Bravais lattice, as they are shipped."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from threading import Lock

from napari_lattice_symmetry.bravais.classifier import Classifier, not_finite
from napari_lattice_symmetry.errors import ModelError, guard
from napari_lattice_symmetry.networks.archive import is_finite
from napari_lattice_symmetry.networks.engine import open_engine
from napari_lattice_symmetry.networks.registry import NetworkFile, Registry

REGISTRY = Registry(Path(__file__).parent / "weights")
_LOADING = Lock()

DEFAULT = "compact"
"""The network that is asked if no other is."""


def load(network: str | os.PathLike[str], engine: str) -> Classifier:
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
        return _load(file, engine)


@cache
def _load(file: NetworkFile, engine: str) -> Classifier:
    archive = file.read()
    if not is_finite(archive):
        raise not_finite(file.name)
    with guard(f"{file.path} cannot be read as a Keras network", ModelError):
        return Classifier(open_engine(archive, engine), file.name, file.sha256)
