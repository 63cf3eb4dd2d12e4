"""The networks, their training, Monte-Carlo dropout, and the shipped weights."""

from __future__ import annotations

import os

from napari_lattice_symmetry.bravais.classifier import Classifier

__all__ = ["load_model"]


def load_model(network: str | os.PathLike[str] = "polar") -> Classifier:
    """Load a network.

    Parameters
    ----------
    network : str or path
        "polar" (default), "published" (the baseline of Vasudevan et al. 2018), or a .keras file.

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

    return load(network)
