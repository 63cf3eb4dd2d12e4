"""Monte-Carlo dropout in which a sample is one thinned network.

Sample k draws its dropout masks once, from (seed, k) alone, and every window of every frame
sees the same masks. So a result depends neither on batches nor on order, but for rounding: maps
are spatially coherent, and whatever stands before the first dropout is computed once a window.

Dropout as a Bayesian approximation: Gal and Ghahramani, ICML 2016. Predictive entropy and
mutual information as there and in Houlsby et al., arXiv:1112.5745.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Float32: TypeAlias = NDArray[np.float32]
Float64: TypeAlias = NDArray[np.float64]

# About as many values are held at a time for thinned networks: 16 MB.
_PART_VALUES = 2**22


@dataclass(frozen=True)
class Dropout:
    """A dropout layer.

    Parameters
    ----------
    width : int
        Number of units that enter it.
    rate : float
        Share of them that are turned off.
    """

    width: int
    rate: float


def draw_masks(dropouts: Sequence[Dropout], seed: int, samples: range) -> list[Float32]:
    """Draw the dropout masks of thinned networks.

    Parameters
    ----------
    dropouts : sequence of Dropout
        The dropout layers.
    seed : int
        Seed of the analysis.
    samples : range
        Which thinned networks; number k depends on `seed` and k alone.

    Returns
    -------
    list of ndarray, shape (len(samples), width), float32
        For each dropout layer: 0 where a unit is off, else 1 / (1 - rate).
    """
    masks = [np.empty((len(samples), dropout.width), np.float32) for dropout in dropouts]
    for row, k in enumerate(samples):
        rng = np.random.default_rng((seed, k))
        for dropout, mask in zip(dropouts, masks, strict=True):
            kept = rng.random(dropout.width) >= dropout.rate
            mask[row] = kept / (1 - dropout.rate)
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
    run : callable
        Gives the fields of `Sums` of features, the weights of the windows, and some masks as
        `masks` draws them.
    dropouts : sequence of Dropout
        The dropout layers of the head, which begins with the first of them.
    units : int
        Number of units of the dense layer after it.
    samples : int
        Number of thinned networks.
    seed : int
        Draws their masks.
    """

    def __init__(
        self,
        run: Callable[..., Iterable[Any]],
        dropouts: Sequence[Dropout],
        units: int,
        samples: int,
        seed: int,
    ) -> None:
        self.samples = samples
        self._run, self._dropouts, self._units, self._seed = run, dropouts, units, seed
        # A part is small; drawing masks anew is the slow part.
        self._masks = lru_cache(maxsize=128)(self._draw_masks)

    def sums(self, features: Any, weights: Float64) -> Sums:
        """Sum the probabilities of all thinned networks.

        Parameters
        ----------
        features : array, shape (n, width)
            What enters the first dropout, as `run` takes it.
        weights : ndarray, shape (n,), float64
            How much each window counts in the totals of the thinned networks.
        """
        parts = [self._run(features, weights, *masks) for masks in self.masks(len(weights))]
        p, squares, entropies, totals = zip(*parts, strict=True)
        return Sums(sum(p), sum(squares), sum(entropies), np.concatenate(totals))

    def masks(self, n: int) -> Iterator[list[NDArray[Any]]]:
        """Draw the masks of as many thinned networks at a time as memory allows for n windows.

        Yields
        ------
        list of ndarray
            Of the first dropout the units that are off, (s, most of them), int32, filled up with
            one that there is not; of the others what `draw_masks` gives.
        """
        first = self._dropouts[0]
        part = 1 + _PART_VALUES // int((first.rate * first.width + n) * (n + self._units))
        for start in range(0, self.samples, part):
            yield self._masks(start, min(start + part, self.samples))

    def _draw_masks(self, start: int, stop: int) -> list[NDArray[Any]]:
        first, *others = draw_masks(self._dropouts, self._seed, range(start, stop))
        off = first == 0
        units = np.argsort(~off, axis=1, kind="stable")[:, : off.sum(axis=1).max()]
        dropped = np.where(np.take_along_axis(off, units, axis=1), units, off.shape[1])
        return [dropped.astype(np.int32), *others]
