"""The networks, their training, Monte-Carlo dropout, and the shipped weights."""

from __future__ import annotations

import os

from napari_lattice_symmetry.bravais.classifier import Classifier
from napari_lattice_symmetry.networks.engine import ENGINES

__all__ = ["load_model"]


def load_model(network: str | os.PathLike[str] = "polar", engine: str = ENGINES[0]) -> Classifier:
    """Load a network.

    Parameters
    ----------
    network : str or path
        "polar" (default), "published" (the baseline of Vasudevan et al. 2018), or a .keras file.
    engine : {"onnx", "tensorflow"}
        What runs it: ONNX Runtime (default), or TensorFlow, which also runs networks with
        layers that ONNX Runtime is not told of.

    Returns
    -------
    Classifier
        Loaded once and shared by later calls.

    Raises
    ------
    ModelError
        If it does not exist, its hash is wrong, or it does not fit.
    """
    from napari_lattice_symmetry.bravais.registry import load

    return load(network, engine)
