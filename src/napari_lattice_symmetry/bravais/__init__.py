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

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> model = nls.load_model()
    >>> window = nls.LatticeImage(lattice="square", a=12).draw()
    >>> answer = model.classify(window[np.newaxis], samples=20)
    >>> nls.CLASSES[answer.label[0] - 1], answer.mean.shape
    ('square', (1, 6))
    """
    from napari_lattice_symmetry.bravais.registry import load

    return load(network, engine)
