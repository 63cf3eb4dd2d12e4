"""Monte-Carlo dropout in which a sample is one thinned network.

Sample k draws its dropout masks once, from (seed, k) alone, and every window of every frame
sees the same masks. So a result depends neither on batches nor on order, but for rounding: maps
are spatially coherent, and whatever stands before the first dropout is computed once a window.

Dropout as a Bayesian approximation: Gal and Ghahramani, ICML 2016. Predictive entropy and
mutual information as there and in Houlsby et al., arXiv:1112.5745.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import ModelError
from napari_lattice_symmetry.networks.engine import keras

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# About as many values are held at a time for thinned networks: 32 MB.
_PART_VALUES = 2**23


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


@dataclass(frozen=True)
class Sums:
    """What the probabilities of n windows add up to.

    Parameters
    ----------
    probabilities, squares : ndarray, shape (n, 6), float64
        Sum of the probabilities and of their squares over the thinned networks.
    entropies : ndarray, shape (n,), float64
        Sum over the thinned networks, in nats.
    thinned_totals : ndarray, shape (samples, 6), float64
        Probabilities of each thinned network, summed over the windows that count.
    """

    probabilities: Float64
    squares: Float64
    entropies: Float64
    thinned_totals: Float64


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
        self._forward, self._summed = compiled(self._thinned), compiled(self._sums)
        # A part is small; drawing masks anew is the slow part.
        self._masks = lru_cache(maxsize=128)(self._draw_masks)

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
        for masks in self._parts(len(features)):
            yield keras.ops.convert_to_numpy(self._forward(features, *masks))

    def sums(self, features: Any, weights: Float64) -> Sums:
        """Sum the probabilities of all thinned networks.

        Parameters
        ----------
        features : tensor, shape (n, width)
            Output of the trunk.
        weights : ndarray, shape (n,), float64
            How much each window counts in the totals of the thinned networks.
        """
        parts = [self._summed(features, weights, *masks) for masks in self._parts(len(features))]
        p, squares, entropies, totals = (
            [keras.ops.convert_to_numpy(values) for values in column]
            for column in zip(*parts, strict=True)
        )
        return Sums(sum(p), sum(squares), sum(entropies), np.concatenate(totals))

    def _parts(self, n: int) -> Iterator[list[Any]]:
        """Give the masks of as many thinned networks at a time as memory allows."""
        dropout, dense = self.head[:2]
        width, units = dense.kernel.shape
        part = 1 + _PART_VALUES // int((dropout.rate * width + n) * (n + units))
        for start in range(0, self.samples, part):
            yield self._masks(start, min(start + part, self.samples))

    def _sums(self, features: Any, weights: Any, *masks: Any) -> tuple[Any, ...]:
        ops = keras.ops
        p = self._thinned(features, *masks)
        entropies = -ops.sum(p * ops.log(ops.maximum(p, 1e-12)), axis=-1)
        p = ops.cast(p, "float64")
        return (
            ops.sum(p, axis=0),
            ops.sum(ops.square(p), axis=0),
            ops.sum(ops.cast(entropies, "float64"), axis=0),
            ops.sum(p * weights[:, None], axis=1),
        )

    def _thinned(self, features: Any, dropped: Any, *masks: Any) -> Any:
        """Run thinned heads, shape (s, n, 6).

        All units together are one product, and few are dropped: taking the dropped ones off
        again is several times cheaper than a product of the others for every thinned network.
        """
        ops = keras.ops
        dropout, dense = self.head[:2]
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
        for layer in self.head[2:]:
            is_dropout = isinstance(layer, keras.layers.Dropout)
            x = x * next(remaining)[:, None, :] if is_dropout else layer(x)
        return x

    def _draw_masks(self, start: int, stop: int) -> list[Any]:
        """Draw the first mask as the units dropped, filled up with one that is none, and others."""
        first, *others = draw_masks(self.head, self.seed, range(start, stop))
        off = first == 0
        units = np.argsort(~off, axis=1, kind="stable")[:, : off.sum(axis=1).max()]
        dropped = np.where(np.take_along_axis(off, units, axis=1), units, off.shape[1])
        return [keras.ops.convert_to_tensor(mask) for mask in (dropped.astype(np.int32), *others)]


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of tensors where the backend has a compiler for it."""
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    compiled_function: Callable[..., Any] = tf.function(
        function, autograph=False, reduce_retracing=True
    )
    return compiled_function
