"""How the networks that name a family are trained: on clusters with and without defects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_lattice_symmetry.crystals.families import networks
from napari_lattice_symmetry.crystals.families.data_set import draw_set, plan_chunks
from napari_lattice_symmetry.crystals.families.prototypes import TRAINING, VALIDATION
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.networks.batches import Batches
from napari_lattice_symmetry.networks.calibration import calibrate, sharpen
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.networks.training import (
    begin,
    build,
    class_metrics,
    finish,
    fit,
    note,
)


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
    half : bool
        Multiply in bfloat16 while it is trained.
    sharpened : int
        Clusters of their own, drawn as those to validate on, on which one more factor of all
        logits makes the calibration error least; 0 for none.
    """

    structures: int
    validation: int
    epochs: int
    batch: int
    learning_rate: float
    calibrate: bool = True
    half: bool = False
    sharpened: int = 0


RECIPES = {
    "fingerprint": FamilyRecipe(13_500, 1_800, epochs=3, batch=32, learning_rate=1e-3, half=True),
    "pairs": FamilyRecipe(22_500, 2_700, epochs=40, batch=64, learning_rate=1e-3, sharpened=2_700),
}

BUILDERS: dict[str, Callable[[], keras.Model]] = {
    "fingerprint": networks.fingerprint_network,
    "pairs": networks.pairs_network,
}


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
    model, history = begin(output, network, seed, recipe, create=lambda: _create(network, recipe))
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
        batches=lambda epoch: Batches(
            *training, recipe.batch, np.random.default_rng((seed, epoch))
        ),
        validation=validation,
        progress=progress,
    )
    whole = BUILDERS[network]()
    whole.set_weights(model.get_weights())
    trained = networks.without_normalization(whole)
    if recipe.calibrate:
        factors, shifts = calibrate(trained, *validation)
        if recipe.sharpened:
            plan = plan_chunks(network, VALIDATION, recipe.sharpened, seed + 1)
            held_out = draw_set(plan, output / "sharpened.npz", workers, progress)
            sharpness = sharpen(trained, *held_out)
            factors, shifts = sharpness * factors, sharpness * shifts
        scaling = {"factors": factors.round(4).tolist(), "shifts": shifts.round(4).tolist()}
        note(output / "calibration.json", **scaling)
    return finish(output, network, history, trained)


def _create(network: str, recipe: FamilyRecipe) -> keras.Model:
    """Return a new network, compiled for its recipe."""
    model = build(BUILDERS[network], recipe.half)
    steps = recipe.epochs * max(1, recipe.structures // recipe.batch)
    rate: Any = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=class_metrics(),
    )
    return model
