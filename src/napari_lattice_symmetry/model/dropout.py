"""Monte-Carlo dropout in which a sample is one thinned network.

Sample k draws its dropout masks once, from (seed, k) alone, and every window of every frame
sees the same masks. So a result depends neither on batches nor on order, maps are spatially
coherent, and whatever stands before the first dropout is computed once a window.

Dropout as a Bayesian approximation: Gal and Ghahramani, ICML 2016. Predictive entropy and
mutual information as there and in Houlsby et al., arXiv:1112.5745.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.errors import ModelError
from napari_lattice_symmetry.model.engine import keras

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float32 = NDArray[np.float32]

# Greatest number of values in a head's widest activation: 32 MB.
_ACTIVATION_VALUES = 2**23


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
        If there is no dropout, or a layer other than dropout and dense comes after it.
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
    trunk = keras.Model(model.inputs[0], layers[first].input, name=f"{model.name}_trunk")
    return trunk, head


def _is_dropout(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.Dropout) and layer.rate > 0


def draw_masks(head: list[keras.Layer], seed: int, samples: range) -> list[Float32]:
    """Draw the dropout masks of thinned networks.

    Parameters
    ----------
    head : list of keras.Layer
        The layers from the first dropout on.
    seed : int
        Seed of the analysis.
    samples : range
        Which thinned networks; number k depends on `seed` and k alone.

    Returns
    -------
    list of ndarray, shape (len(samples), width), float32
        For each dropout layer: 0 where a unit is off, else 1 / (1 - rate).
    """
    dropouts = [layer for layer in head if isinstance(layer, keras.layers.Dropout)]
    masks = [np.empty((len(samples), layer.input.shape[-1]), np.float32) for layer in dropouts]
    for row, k in enumerate(samples):
        rng = np.random.default_rng((seed, k))
        for layer, mask in zip(dropouts, masks, strict=True):
            kept = rng.random(mask.shape[1]) >= layer.rate
            mask[row] = kept / (1 - layer.rate)
    return masks


class ThinnedHeads:
    """The sampled part of a network: many thinned heads over shared features.

    Parameters
    ----------
    head : list of keras.Layer
        The layers from the first dropout on, see `split_at_dropout`.
    samples : int
        Number of thinned networks.
    seed : int
        Draws their masks.
    """

    def __init__(self, head: list[keras.Layer], samples: int, seed: int) -> None:
        self.head, self.samples, self.seed = head, samples, seed
        self._forward = compiled(self._thinned)
        # A part is half a megabyte in blocks of 64 windows; drawing masks anew is the slow part.
        self._masks = lru_cache(maxsize=128)(self._draw_masks)

    def _thinned(self, features: Any, *masks: Any) -> Any:
        remaining = iter(masks)
        x = features[None]
        for layer in self.head:
            dropout = isinstance(layer, keras.layers.Dropout)
            x = x * next(remaining)[:, None, :] if dropout else layer(x)
        return x

    def __call__(self, features: Any) -> Iterator[Float32]:
        """Yield the probabilities of successive thinned networks.

        Parameters
        ----------
        features : tensor, shape (n, width)
            Output of the trunk.

        Yields
        ------
        ndarray, shape (s, n, 6), float32
            For the next s thinned networks.
        """
        width = max(int(layer.input.shape[-1]) for layer in self.head)
        part = max(1, _ACTIVATION_VALUES // (features.shape[0] * width))
        for start in range(0, self.samples, part):
            masks = self._masks(range(start, min(start + part, self.samples)))
            yield keras.ops.convert_to_numpy(self._forward(features, *masks))

    def _draw_masks(self, samples: range) -> list[Any]:
        return [
            keras.ops.convert_to_tensor(mask) for mask in draw_masks(self.head, self.seed, samples)
        ]


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of tensors where the backend has a compiler for it."""
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    compiled_function: Callable[..., Any] = tf.function(
        function, autograph=False, reduce_retracing=True
    )
    return compiled_function
