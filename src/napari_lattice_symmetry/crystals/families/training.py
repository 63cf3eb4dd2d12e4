"""How the networks that name a family are trained: on clusters with and without defects."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.families import networks
from napari_lattice_symmetry.crystals.families.data_set import draw_set, plan_chunks
from napari_lattice_symmetry.crystals.families.prototypes import TRAINING, VALIDATION
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.networks.calibration import calibrate
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.networks.training import claim, fit, load_checkpoint, plot_history


@dataclass(frozen=True)
class FamilyRecipe:
    """How a network is trained.

    Parameters
    ----------
    structures, validation : int
        Clusters to train and to validate on, as many of every family and two shares of none.
    epochs, batch : int
        Passes over the clusters, clusters a step.
    learning_rate : float
        Of Adam; falls to zero along a half cosine.
    calibrate : bool
        Scale the trained network's logits on the validation clusters.
    precision : {"float32", "mixed_bfloat16"}
        What layers compute in while they are trained; weights are of 32 bits in any case. Mixed, a
        training takes half the time where a processor knows numbers of 16 bits.
    """

    structures: int
    validation: int
    epochs: int
    batch: int
    learning_rate: float
    calibrate: bool = True
    precision: str = "float32"


RECIPES = {
    "fingerprint": FamilyRecipe(
        13_500, 1_800, epochs=3, batch=32, learning_rate=1e-3, precision="mixed_bfloat16"
    ),
    "pairs": FamilyRecipe(22_500, 2_700, epochs=40, batch=64, learning_rate=1e-3),
}

BUILDERS: dict[str, Callable[[], keras.Model]] = {
    "fingerprint": networks.fingerprint_network,
    "pairs": networks.pairs_network,
}


class ShuffledBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """One epoch of shuffled batches, from a seed; the incomplete last one is left out.

    Parameters
    ----------
    inputs : ndarray, shape (n, ...), float32
        What the network sees.
    families : ndarray, shape (n,)
        Family indices.
    batch : int
        Batch size.
    seed : tuple of int
        Seed of this epoch.
    """

    def __init__(
        self,
        inputs: NDArray[np.float32],
        families: NDArray[np.uint8],
        batch: int,
        seed: tuple[int, ...],
    ) -> None:
        super().__init__(workers=1)
        self.inputs, self.families, self.batch = inputs, families, batch
        self.order = np.random.default_rng(seed).permutation(len(families))

    def __len__(self) -> int:
        return len(self.order) // self.batch

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        rows = self.order[index * self.batch : (index + 1) * self.batch]
        return self.inputs[rows], self.families[rows]


def train(
    network: str,
    output: Path,
    *,
    structures: int | None = None,
    epochs: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Train a network, or go on with a training that was interrupted.

    Parameters
    ----------
    network : {"fingerprint", "pairs"}
        For fingerprints of crystals with a cell, or for clusters in any orientation.
    output : path
        Folder for the clusters, checkpoints, ``history.csv``, ``training.png``, ``training.json``,
        ``calibration.json`` and, in the end, the weights. A training found there is continued.
    structures, epochs : int, optional
        Instead of the recipe's.
    seed : int
        Draws the clusters, the first weights, the order and the dropout.
    workers : int, optional
        Processes that draw; all cores by default.
    progress : bool
        Show progress bars.

    Returns
    -------
    path
        The trained network, ``<output>/<network>.keras``.

    Raises
    ------
    InputError
        If the network is not known, or `output` holds a training with other settings.
    """
    if network not in RECIPES:
        raise InputError(
            f"No network {network!r} can be trained so; use {' or '.join(map(repr, RECIPES))}."
        )
    recipe = RECIPES[network]
    recipe = replace(
        recipe, structures=structures or recipe.structures, epochs=epochs or recipe.epochs
    )
    claim(output, {"network": network, "seed": seed, "recipe": asdict(recipe)})
    keras.utils.set_random_seed(seed)
    model, history = load_checkpoint(output, lambda: _create(network, recipe))
    training, validation = (
        draw_set(plan_chunks(network, part, count, seed), output / f"{name}.npz", workers, progress)
        for name, part, count in (
            ("training", TRAINING, recipe.structures),
            ("validation", VALIDATION, recipe.validation),
        )
    )
    fit(
        model,
        history,
        output,
        epochs=recipe.epochs,
        seed=seed,
        batches=lambda epoch: ShuffledBatches(*training, recipe.batch, (seed, epoch)),
        validation=validation,
        progress=progress,
    )
    plot_history(history, network).savefig(output / "training.png", dpi=120)
    whole = BUILDERS[network]()
    whole.set_weights(model.get_weights())
    trained = networks.without_normalization(whole)
    if recipe.calibrate:
        factors, shifts = calibrate(trained, *validation)
        scaling = {"factors": factors.round(4).tolist(), "shifts": shifts.round(4).tolist()}
        (output / "calibration.json").write_text(json.dumps(scaling) + "\n")
    path = output / f"{network}.keras"
    trained.save(path)
    return path


def _create(network: str, recipe: FamilyRecipe) -> keras.Model:
    """Return a new network, compiled for its recipe."""
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(recipe.precision)
    model = BUILDERS[network]()
    keras.mixed_precision.set_dtype_policy(before)
    steps = recipe.epochs * max(1, recipe.structures // recipe.batch)
    rate: Any = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=[
            keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2"),
        ],
    )
    return model
