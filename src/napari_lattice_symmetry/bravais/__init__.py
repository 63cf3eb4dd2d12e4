"""The networks, their training, Monte-Carlo dropout, and the shipped weights."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lattice_symmetry.bravais.registry import DEFAULT
from napari_lattice_symmetry.networks import ENGINES

if TYPE_CHECKING:
    from napari_lattice_symmetry.bravais.classifier import Classifier

__all__ = ["load_model", "train"]


def load_model(network: str | os.PathLike[str] = DEFAULT, engine: str = ENGINES[0]) -> Classifier:
    """Load a network.

    Parameters
    ----------
    network : str or path
        "compact" (default), "polar" (three times as costly, its teacher), "published" (the
        baseline of Vasudevan et al. 2018), or a .keras file.
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
    # Settings and saved results import this package, and need no engine.
    from napari_lattice_symmetry.bravais.classifier import load

    return load(network, engine)


def train(
    network: str,
    output: str | Path,
    *,
    start: str | Path | None = None,
    windows: int | None = None,
    validation: int | None = None,
    epochs: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Train a network, or go on with a training that was interrupted.

    Parameters
    ----------
    network : {"compact", "polar", "published"}
        Which network, with its own recipe.
    output : str or pathlib.Path
        Folder for the simulated set, checkpoints, ``history.csv``, ``training.png``,
        ``training.json``, ``calibration.json`` and, in the end, the weights. A training found
        there is continued.
    start : str or pathlib.Path, optional
        A trained network to refine, instead of training from nothing.
    windows, validation, epochs : int, optional
        Windows to train on and to validate on, and passes over the former, instead of the
        recipe's.
    seed : int
        Draws the windows, the first weights, the order and the dropout.
    workers : int, optional
        Processes that simulate; all cores by default.
    progress : bool
        Show progress bars.

    Returns
    -------
    pathlib.Path
        The trained network, ``<output>/<network>.keras``; `load_model` takes it.

    Raises
    ------
    InputError
        If the network is not known or has no recipe for refinement, or `output` holds a
        training with other settings.
    ModelError
        If `start` is not a network of this kind.
    """
    from napari_lattice_symmetry.bravais import training

    return training.train(
        network,
        output,
        start=start,
        windows=windows,
        validation=validation,
        epochs=epochs,
        seed=seed,
        workers=workers,
        progress=progress,
    )
