"""Networks run by Keras: any that it can load, and the reference for other engines."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

import napari_lattice_symmetry.networks.layers  # noqa: F401  (Keras has to know them)
from napari_lattice_symmetry.errors import ModelError
from napari_lattice_symmetry.networks.dropout import Dropout, ThinnedHeads
from napari_lattice_symmetry.networks.keras_loading import keras

Float32 = NDArray[np.float32]


def load_network(archive: bytes) -> keras.Model:
    """Load the content of a .keras file, and run no code that it may hold."""
    with TemporaryDirectory() as folder:  # Keras reads files alone
        file = Path(folder) / "network.keras"
        file.write_bytes(archive)
        return keras.saving.load_model(file, compile=False, safe_mode=True)


class KerasEngine:
    """A network run by Keras; see `Engine`.

    Parameters
    ----------
    network : keras.Model
        Spectrum in, probabilities out, with dropout before the last dense layers.

    Raises
    ------
    ModelError
        As in `split_at_dropout`.
    """

    def __init__(self, network: keras.Model) -> None:
        backend = keras.backend.backend()
        self.name = f"{'TensorFlow' if backend == 'tensorflow' else backend} {version(backend)}"
        self.network = network
        self.input_shape, self.n_outputs = network.input_shape[1:], network.output_shape[-1]
        trunk, self._head = split_at_dropout(network)
        self._trunk = compiled(trunk)

    def __reduce__(self) -> tuple[Callable[[bytes], KerasEngine], tuple[bytes]]:
        return _restore, (pickle.dumps(self.network),)

    def trunk(self, spectra: Float32) -> Any:
        """Compute what enters the first dropout, as a tensor."""
        return self._trunk(spectra)

    def last_features(self, features: Any) -> Float32:
        """Compute what the last layer decides on, without dropout."""
        dense = [layer for layer in self._head if isinstance(layer, keras.layers.Dense)]
        for layer in dense[:-1]:
            features = layer(features)
        converted: Float32 = keras.ops.convert_to_numpy(features)
        return converted

    def logits(self, features: Any) -> Float32:
        """Compute what enters the softmax, without dropout."""
        kernel, *bias = self._head[-1].get_weights()
        return np.asarray(self.last_features(features) @ kernel + sum(bias), np.float32)

    def heads(self, samples: int, seed: int) -> ThinnedHeads:
        """Draw thinned heads."""
        return thinned_heads(self._head, samples, seed)


def _restore(network: bytes) -> KerasEngine:
    return KerasEngine(pickle.loads(network))


def split_at_dropout(model: keras.Model) -> tuple[keras.Model, list[keras.Layer]]:
    """Split a network before its first dropout.

    Returns
    -------
    trunk : keras.Model
        From the spectrum to the features that enter the first dropout.
    head : list of keras.Layer
        The layers from the first dropout on.

    Raises
    ------
    ModelError
        If there is no dropout, a layer other than dropout and dense comes after it, or the
        first is not followed by a dense layer.
    """
    layers = model.layers
    first = next((i for i, layer in enumerate(layers) if _is_dropout(layer)), None)
    if first is None:
        raise ModelError(f"The network {model.name!r} has no dropout layer to sample from.")
    head = layers[first:]
    for layer in head:
        if not isinstance(layer, keras.layers.Dropout | keras.layers.Dense):
            raise ModelError(
                f"The network {model.name!r} has a {type(layer).__name__} layer after its first "
                "dropout; only Dense and Dropout layers can be sampled."
            )
    if len(head) < 2 or not isinstance(head[1], keras.layers.Dense):
        raise ModelError(
            f"The network {model.name!r} has no Dense layer right after its first dropout."
        )
    trunk = keras.Model(model.inputs[0], layers[first].input, name=f"{model.name}_trunk")
    return trunk, head


def _is_dropout(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.Dropout) and layer.rate > 0


def thinned_heads(head: list[keras.Layer], samples: int, seed: int) -> ThinnedHeads:
    """Draw thinned heads of the layers from the first dropout on."""
    run = compiled(partial(_sums, head))
    dropouts = [
        Dropout(layer.input.shape[-1], layer.rate)
        for layer in head
        if isinstance(layer, keras.layers.Dropout)
    ]
    return ThinnedHeads(
        lambda *inputs: map(keras.ops.convert_to_numpy, run(*inputs)),
        dropouts,
        head[1].units,
        samples,
        seed,
    )


def _sums(
    head: list[keras.Layer], features: Any, weights: Any, dropped: Any, *masks: Any
) -> tuple[Any, ...]:
    ops = keras.ops
    p = thinned(head, features, dropped, *masks)
    entropies = -ops.sum(p * ops.log(ops.maximum(p, 1e-12)), axis=-1)
    p = ops.cast(p, "float64")
    return (
        ops.sum(p, axis=0),
        ops.sum(ops.square(p), axis=0),
        ops.sum(ops.cast(entropies, "float64"), axis=0),
        ops.sum(p * weights[:, None], axis=1),
    )


def thinned(head: list[keras.Layer], features: Any, dropped: Any, *masks: Any) -> Any:
    """Run thinned heads.

    All units together are one product, and few are dropped: taking the dropped ones off
    again is several times cheaper than a product of the others for every thinned network.

    Parameters
    ----------
    head : list of keras.Layer
        The layers from the first dropout on.
    features : tensor, shape (n, width)
        What enters them.
    dropped, *masks
        As `ThinnedHeads` draws them, for s thinned networks.

    Returns
    -------
    tensor, shape (s, n, outputs)
        Their answers.
    """
    ops = keras.ops
    dropout, dense = head[:2]
    kernel = dense.kernel / (1 - dropout.rate)
    rows = ops.pad(ops.transpose(features), ((0, 1), (0, 0)))  # the row of no unit is zero
    left_out = ops.matmul(
        ops.transpose(ops.take(rows, dropped, axis=0), (0, 2, 1)),
        ops.take(kernel, ops.minimum(dropped, kernel.shape[0] - 1), axis=0),
    )
    everything = ops.matmul(features, kernel)
    if dense.use_bias:
        everything += dense.bias
    x = dense.activation(everything - left_out)
    remaining = iter(masks)
    for layer in head[2:]:
        is_dropout = isinstance(layer, keras.layers.Dropout)
        x = x * next(remaining)[:, None, :] if is_dropout else layer(x)
    return x


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of tensors where the backend has a compiler for it."""
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    compiled_function: Callable[..., Any] = tf.function(
        function, autograph=False, reduce_retracing=True
    )
    return compiled_function
