"""How the network of defects is trained: on labels of simulated crops, new in every epoch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms.defect_maps.examples import (
    CHUNK,
    TRAINED,
    TRAINING,
    VALIDATION,
    CropChunk,
)
from napari_lattice_symmetry.atoms.defect_maps.mapper import NULL_FILE, Null, open_mapper
from napari_lattice_symmetry.atoms.defect_maps.network import Head, defect_network
from napari_lattice_symmetry.atoms.defect_maps.null import measure_null
from napari_lattice_symmetry.networks.batches import Batches
from napari_lattice_symmetry.networks.drawing import draw_pairs
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.networks.training import (
    begin,
    class_metrics,
    finish,
    fit,
    note,
    take_weights,
    warmed_adam,
)


@dataclass(frozen=True)
class Recipe:
    """How the network is trained.

    Parameters
    ----------
    crops, validation : int
        Crops in every epoch, and crops that are never trained on.
    repeats : int
        Epochs that show the same crops, before new ones are drawn.
    epochs, batch : int
        Epochs, crops a step.
    filters : int
        Width of the network.
    head : {"average", "maximum", "dense"}
        What comes after the last maps.
    learning_rate : float
        Of Adam; falls to zero along half a cosine.
    materials : tuple of str
        Of the pictures.
    augmented : bool
        As in `CropChunk`.
    """

    crops: int
    validation: int
    repeats: int
    epochs: int
    batch: int
    filters: int
    head: Head
    learning_rate: float
    materials: tuple[str, ...] = TRAINED
    augmented: bool = True


RECIPE = Recipe(
    crops=9_600,
    validation=1_920,
    repeats=3,
    epochs=24,
    batch=32,
    filters=16,
    head="average",
    learning_rate=2e-3,
)

# Going on from trained weights: other crops, in smaller steps.
REFINEMENT = replace(RECIPE, epochs=6, learning_rate=1e-3)


class CropBatches(Batches):
    """Batches of crops, each turned by quarters or mirrored as a whole, which no lattice minds."""

    def __init__(
        self, crops: NDArray[Any], labels: NDArray[Any], batch: int, rng: np.random.Generator
    ) -> None:
        super().__init__(crops, labels, batch, rng)
        self.turns = rng.integers(8, size=len(self))

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
        (crops, labels), turn = super().__getitem__(index), self.turns[index]
        return np.rot90(crops, turn % 4, axes=(1, 2))[:, :: 1 if turn < 4 else -1], labels


def train_defects(
    output: Path,
    *,
    start: Path | None = None,
    crops: int | None = None,
    epochs: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    recipe: Recipe = RECIPE,
    progress: bool = True,
) -> Path:
    """Train the network of defects, or go on with a training that was interrupted.

    Parameters
    ----------
    output : path
        Folder for checkpoints, ``history.csv``, ``training.png``, ``training.json`` and, in the
        end, the weights and ``null.json``. A training found there is continued.
    start : path, optional
        A trained network, or the checkpoint of a training, to refine.
    crops, epochs : int, optional
        Instead of the recipe's.
    seed : int
        Draws the crops and the first weights.
    workers : int, optional
        Processes that draw; all cores by default.
    recipe : Recipe
        All else.
    progress : bool
        Show progress bars.

    Returns
    -------
    path
        The trained network, ``<output>/defects.keras``.

    Raises
    ------
    InputError
        If `output` holds a training with other settings.
    ModelError
        If `start` is no network of this kind.
    """
    if start is not None and recipe is RECIPE:
        recipe = REFINEMENT
    recipe = replace(recipe, crops=crops or recipe.crops, epochs=epochs or recipe.epochs)
    model, history = begin(
        output, "defects", seed, recipe, create=lambda: _create(recipe, start), start=start
    )
    per_epoch = -(-recipe.crops // CHUNK)

    def draw(stream: int, first: int, n: int) -> tuple[NDArray[Any], NDArray[Any]]:
        orders = [
            CropChunk(seed, stream, first + i, recipe.materials, recipe.augmented) for i in range(n)
        ]
        return draw_pairs(orders, workers)

    @lru_cache(maxsize=1)
    def crops_of(part: int) -> tuple[NDArray[Any], NDArray[Any]]:
        return draw(TRAINING, part * per_epoch, per_epoch)

    def batches(epoch: int) -> CropBatches:
        rng = np.random.default_rng((seed, epoch))
        return CropBatches(*crops_of(epoch // recipe.repeats), recipe.batch, rng)

    seen, labels = draw(VALIDATION, 0, -(-recipe.validation // CHUNK))
    fit(
        model,
        history,
        output,
        epochs=recipe.epochs,
        seed=seed,
        batches=batches,
        validation=(seen.astype(np.float32), labels),
        progress=progress,
    )
    trained = defect_network(recipe.filters, recipe.head)
    trained.set_weights(model.get_weights())
    path = finish(output, "defects", history, trained)
    if recipe.head != "dense":
        mapper = open_mapper(path.read_bytes(), Null())
        null = measure_null(mapper, seed, recipe.materials, recipe.augmented)
        note(output / NULL_FILE, null=asdict(null))
    return path


def _create(recipe: Recipe, start: Path | None) -> keras.Model:
    model = defect_network(recipe.filters, recipe.head)
    take_weights(model, start, "maps defects")
    model.compile(
        optimizer=warmed_adam(recipe.learning_rate, recipe.epochs * (recipe.crops // recipe.batch)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=class_metrics(),
    )
    return model
