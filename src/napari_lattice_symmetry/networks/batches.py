"""Batches of simulated spectra for one epoch, shuffled and turned from a seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.networks.keras_loading import keras


class SpectrumBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """One epoch of shuffled batches, from a seed.

    Parameters
    ----------
    spectra : ndarray, shape (n, rows, columns)
        Spectra, float16 to save memory.
    classes : ndarray, shape (n,)
        Class indices.
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
        classes: NDArray[np.uint8],
        batch: int,
        seed: tuple[int, ...],
        turn: bool,
    ) -> None:
        super().__init__(workers=1, max_queue_size=8)
        self.spectra, self.classes, self.batch = spectra, classes, batch
        self.seed, self.turn = seed, turn
        self.order = np.random.default_rng(seed).permutation(len(classes))

    def __len__(self) -> int:
        return len(self.order) // self.batch

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        rows = np.sort(self.order[index * self.batch : (index + 1) * self.batch])
        spectra = self.spectra[rows].astype(np.float32)
        if self.turn:
            spectra = turn_spectra(spectra, np.random.default_rng((*self.seed, index)))
        return spectra[..., np.newaxis], self.classes[rows]


def turn_spectra(spectra: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Turn and mirror each log-polar spectrum (n, angles, radii) at random."""
    n, angles, _ = spectra.shape
    direction = rng.choice([-1, 1], size=(n, 1))
    index = (rng.integers(angles, size=(n, 1)) + direction * np.arange(angles)) % angles
    return np.take_along_axis(spectra, index[:, :, np.newaxis], axis=1)
