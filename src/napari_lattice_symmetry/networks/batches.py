"""Batches of one epoch, shuffled and turned from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.networks.keras_loading import keras


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches in memory; the incomplete last one is left out.

    Parameters
    ----------
    seen : ndarray, shape (n, ...)
        What the network sees, float16 to save memory.
    targets : ndarray, shape (n, ...)
        What it is to answer.
    batch : int
        Batch size.
    rng : numpy.random.Generator, optional
        Shuffles; in the order that they have, if not given.
    """

    def __init__(
        self,
        seen: NDArray[Any],
        targets: NDArray[Any],
        batch: int,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(workers=1)
        self.seen, self.targets = seen, targets
        order = np.arange(len(seen)) if rng is None else rng.permutation(len(seen))
        self.rows = order[: len(seen) // batch * batch].reshape(-1, batch)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
        seen, targets = self.seen[self.rows[index]], self.targets[self.rows[index]]
        is_a_class = targets.dtype.kind == "u"
        return seen.astype(np.float32), targets if is_a_class else targets.astype(np.float32)


class SpectrumBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """One epoch of shuffled batches, from a seed.

    Parameters
    ----------
    spectra : ndarray, shape (n, rows, columns)
        Spectra, float16 to save memory.
    targets : ndarray, shape (n, ...)
        What is right: class indices, or probabilities.
    batch : int
        Batch size; the incomplete last batch is left out.
    seed : tuple of int
        Seed of this epoch.
    turn : bool
        Turn (roll) and mirror (flip) every spectrum along the angle, at random.
    """

    def __init__(
        self,
        spectra: NDArray[np.float16],
        targets: NDArray[Any],
        batch: int,
        seed: tuple[int, ...],
        turn: bool,
    ) -> None:
        super().__init__(workers=1, max_queue_size=8)
        self.spectra, self.targets, self.batch = spectra, targets, batch
        self.seed, self.turn = seed, turn
        self.order = np.random.default_rng(seed).permutation(len(targets))

    def __len__(self) -> int:
        return len(self.order) // self.batch

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
        rows = np.sort(self.order[index * self.batch : (index + 1) * self.batch])
        spectra = self.spectra[rows].astype(np.float32)
        if self.turn:
            spectra = turn_spectra(spectra, np.random.default_rng((*self.seed, index)))
        return spectra[..., np.newaxis], self.targets[rows]


def turn_spectra(spectra: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Turn and mirror each log-polar spectrum (n, angles, radii) at random."""
    n, angles, _ = spectra.shape
    direction = rng.choice([-1, 1], size=(n, 1))
    index = (rng.integers(angles, size=(n, 1)) + direction * np.arange(angles)) % angles
    return np.take_along_axis(spectra, index[:, :, np.newaxis], axis=1)
