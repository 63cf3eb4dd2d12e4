"""How the network of defects is trained: on labels of simulated crops, new in every epoch."""

from __future__ import annotations

import json
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
from napari_lattice_symmetry.errors import ModelError, guard
from napari_lattice_symmetry.networks.drawing import draw_chunks
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.networks.registry import file_sha256
from napari_lattice_symmetry.networks.training import claim, fit, load_checkpoint, plot_history


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


class CropBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of one epoch, in memory and in an order of their own.

    Each is turned by quarters or mirrored as a whole, which no lattice minds.
    """

    def __init__(
        self, crops: NDArray[Any], labels: NDArray[Any], batch: int, rng: np.random.Generator
    ) -> None:
        super().__init__(workers=1)
        self.crops, self.labels = crops, labels
        n = len(crops) // batch
        self.rows = rng.permutation(len(crops))[: n * batch].reshape(n, batch)
        self.turns = rng.integers(8, size=n)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        rows, turn = self.rows[index], self.turns[index]
        crops = np.rot90(self.crops[rows].astype(np.float32), turn % 4, axes=(1, 2))
        return crops[:, :: 1 if turn < 4 else -1], self.labels[rows]


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
    settings: dict[str, Any] = {"network": "defects", "seed": seed, "recipe": asdict(recipe)}
    if start is not None:
        settings |= {"start": str(start), "start_sha256": file_sha256(start)}
    claim(output, settings)
    keras.utils.set_random_seed(seed)
    model, history = load_checkpoint(output, lambda: _create(recipe, start))
    per_epoch = -(-recipe.crops // CHUNK)

    def draw(stream: int, first: int, n: int) -> tuple[NDArray[Any], NDArray[Any]]:
        orders = [
            CropChunk(seed, stream, first + i, recipe.materials, recipe.augmented) for i in range(n)
        ]
        seen, labels = zip(*draw_chunks(orders, workers), strict=True)
        return np.concatenate(seen), np.concatenate(labels)

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
    plot_history(history, "defects").savefig(output / "training.png", dpi=120)
    path = output / "defects.keras"
    trained = defect_network(recipe.filters, recipe.head)
    trained.set_weights(model.get_weights())
    trained.save(path)
    if recipe.head != "dense":
        mapper = open_mapper(path.read_bytes(), Null())
        null = measure_null(mapper, seed, recipe.materials, recipe.augmented)
        (output / NULL_FILE).write_text(json.dumps({"null": asdict(null)}) + "\n", encoding="utf-8")
    return path


def _create(recipe: Recipe, start: Path | None) -> keras.Model:
    model = defect_network(recipe.filters, recipe.head)
    if start is not None:
        with guard(f"{start} is no network that maps defects", ModelError):
            model.set_weights(keras.saving.load_model(start).get_weights())
    steps = recipe.epochs * (recipe.crops // recipe.batch)
    rate = keras.optimizers.schedules.CosineDecay(
        0.1 * recipe.learning_rate,
        steps,
        warmup_target=recipe.learning_rate,
        warmup_steps=min(200, steps // 10),
    )
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[
            keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2"),
        ],
    )
    return model
