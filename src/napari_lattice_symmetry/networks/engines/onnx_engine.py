"""Networks run by ONNX Runtime, which starts at once, of the very weights that Keras stored."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.networks.archive import (
    Float32,
    ForeignNetworkError,
    Layer,
    read_layers,
)
from napari_lattice_symmetry.networks.dropout import Dropout, ThinnedHeads
from napari_lattice_symmetry.networks.engines.onnx_graph import heads_graph, layers_graph

if TYPE_CHECKING:
    import keras

Run: TypeAlias = Callable[..., list[NDArray[Any]]]

_ROWS = 64
"""Spectra that run at a time: as quick as twice as many, whose layers take 80 MB more."""


class OnnxEngine:
    """A network run by ONNX Runtime; see `Engine`.

    Parameters
    ----------
    archive : bytes
        Content of its .keras file.

    Raises
    ------
    ForeignNetworkError
        If it has layers without translation, or does not end in dropout and dense layers.
    """

    def __init__(self, archive: bytes) -> None:
        import onnxruntime

        self.name = f"ONNX Runtime {onnxruntime.__version__}"
        self._archive = archive
        first, *layers = read_layers(archive)
        if first.kind != "InputLayer":
            raise ForeignNetworkError(f"a {first.kind} layer that comes first")
        self.input_shape = tuple(first.settings["batch_shape"][1:])
        trunk, self._head = _split(layers)
        model, (width,) = layers_graph(trunk, self.input_shape)
        self._trunk, self._heads = open_session(model), open_session(heads_graph(self._head, width))
        self._dropouts = _dropouts(self._head, width)
        self.n_outputs = self._head[-1].settings["units"]

    def __reduce__(self) -> tuple[type[OnnxEngine], tuple[bytes]]:
        return OnnxEngine, (self._archive,)

    @cached_property
    def network(self) -> keras.Model:
        """The same network in Keras."""
        from napari_lattice_symmetry.networks.engines.keras_engine import load_network

        return load_network(self._archive)

    def trunk(self, spectra: Float32) -> Float32:
        """Compute what enters the first dropout."""
        starts = range(0, len(spectra), _ROWS)
        return np.concatenate([self._trunk(x=spectra[i : i + _ROWS])[0] for i in starts])

    def last_features(self, features: Float32) -> Float32:
        """Compute what the last layer decides on, without dropout."""
        return self._last(x=features)[0]

    def logits(self, features: Float32) -> Float32:
        """Compute what enters the softmax, without dropout."""
        kernel, *bias = self._head[-1].weights
        return np.asarray(self.last_features(features) @ kernel + sum(bias), np.float32)

    @cached_property
    def _last(self) -> Run:
        dense = [layer for layer in self._head if layer.kind == "Dense"]
        model, _ = layers_graph(dense[:-1], (self._dropouts[0].width,))
        return open_session(model)

    def heads(self, samples: int, seed: int) -> ThinnedHeads:
        """Draw thinned heads."""
        units = self._head[1].settings["units"]
        return ThinnedHeads(self._sum, self._dropouts, units, samples, seed)

    def _sum(
        self,
        features: Float32,
        weights: NDArray[np.float64],
        dropped: NDArray[np.int32],
        *masks: Float32,
    ) -> list[NDArray[Any]]:
        more = {f"mask {i}": mask for i, mask in enumerate(masks, start=1)}
        return self._heads(features=features, weights=weights, dropped=dropped, **more)


def _split(layers: Sequence[Layer]) -> tuple[list[Layer], list[Layer]]:
    """Split before the first dropout; one that drops nothing is left out there."""
    places = [
        i for i, each in enumerate(layers) if each.kind == "Dropout" and each.settings["rate"]
    ]
    start = places[0] if places else len(layers)
    head = layers[start:]
    kinds = [layer.kind for layer in head]
    if not kinds[1:2] == kinds[-1:] == ["Dense"] or not {*kinds} == {"Dense", "Dropout"}:
        raise ForeignNetworkError("a network without a dense head after a dropout")
    return [layer for layer in layers[:start] if layer.kind != "Dropout"], [*head]


def _dropouts(head: Sequence[Layer], width: int) -> list[Dropout]:
    dropouts = []
    for layer in head:
        if layer.kind == "Dropout":
            dropouts.append(Dropout(width, layer.settings["rate"]))
        else:
            width = layer.settings["units"]
    return dropouts


def _n_threads() -> int:
    """Return how many threads OpenMP is told to use, at the outermost level, or all."""
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(told) if told.isdecimal() and int(told) else os.cpu_count() or 1


def open_session(model: bytes) -> Run:
    """Return what runs a model, by the names of its inputs."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = _n_threads()
    # Between two blocks the processor is for the spectra, and between two runs for others.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda **inputs: session.run(None, inputs)
