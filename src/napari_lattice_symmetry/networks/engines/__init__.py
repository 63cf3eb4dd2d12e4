"""What runs a network: ONNX Runtime where it can, else TensorFlow, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import ModelError
from napari_lattice_symmetry.networks import ENGINES
from napari_lattice_symmetry.networks.archive import ForeignNetworkError
from napari_lattice_symmetry.networks.dropout import ThinnedHeads

if TYPE_CHECKING:
    import keras

Float32 = NDArray[np.float32]


class Engine(Protocol):
    """A network with dropout in its dense head, ready to be sampled; it can be pickled.

    Attributes
    ----------
    name : str
        Of the library that computes, with its version.
    input_shape : tuple of int
        Of a spectrum, channels last.
    n_outputs : int
        Number of probabilities.
    network : keras.Model
        The same network in Keras, loaded when it is asked for.
    """

    name: str
    input_shape: tuple[int, ...]
    n_outputs: int

    @property
    def network(self) -> keras.Model:
        """The same network in Keras."""

    def trunk(self, spectra: Float32) -> Any:
        """Compute what enters the first dropout, (n, width), in the engine's own arrays."""

    def last_features(self, features: Any) -> Float32:
        """Compute what the last layer decides on, without dropout, of what `trunk` gives."""

    def logits(self, features: Any) -> Float32:
        """Compute what enters the softmax, without dropout, of what `trunk` gives."""

    def heads(self, samples: int, seed: int) -> ThinnedHeads:
        """Draw thinned heads, which take what `trunk` gives."""


def open_engine(archive: bytes, engine: str = ENGINES[0]) -> Engine:
    """Make a network ready to run.

    Parameters
    ----------
    archive : bytes
        Content of a .keras file.
    engine : {"onnx", "tensorflow"}
        What shall run it; TensorFlow takes what ONNX Runtime has no translation for.

    Raises
    ------
    ModelError
        If there is no such engine, or the network cannot be sampled.
    """
    if engine not in ENGINES:
        raise ModelError(f"{engine!r} is no engine; use {' or '.join(map(repr, ENGINES))}.")
    if engine == "onnx":
        from napari_lattice_symmetry.networks.engines.onnx_engine import OnnxEngine

        try:
            return OnnxEngine(archive)
        except (ForeignNetworkError, LookupError, TypeError, ValueError):
            pass  # layers, or settings of theirs, that the translation does not expect
    from napari_lattice_symmetry.networks.engines.keras_engine import KerasEngine, load_network

    return KerasEngine(load_network(archive))
