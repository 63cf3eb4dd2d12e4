"""How the networks that name a Bravais lattice are trained: on simulated windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.bravais import networks
from napari_lattice_symmetry.bravais.classifier import load
from napari_lattice_symmetry.bravais.dataset import (
    CHUNK,
    TRAINING,
    UNUSUAL_TRACK,
    VALIDATION,
    Chunk,
    draw_set,
    plan_chunks,
)
from napari_lattice_symmetry.errors import InputError, ModelError, first_line
from napari_lattice_symmetry.files import replacing
from napari_lattice_symmetry.networks.batches import SpectrumBatches
from napari_lattice_symmetry.networks.calibration import calibrate
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.networks.layers import TurnedDense
from napari_lattice_symmetry.networks.training import begin, build, finish, fit, note


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Parameters
    ----------
    windows, validation : int
        Simulated windows to train and to validate on.
    epochs, batch : int
        Passes over the training windows, windows a step.
    mix, validation_mix : tuple of str
        Tracks that the windows are drawn from, in turn.
    learning_rate : float
        Of Adam; falls to zero along a half cosine where `cosine` is set.
    turn : bool
        Turn and mirror spectra at random (log-polar spectra only).
    sampled_dropout : float
        Share of units that the thinned networks of the trained network lack; in training it is
        20 %.
    calibrate : bool
        Scale the trained network's logits on the validation windows, see `calibration`.
    teacher : str, optional
        A shipped network with the same spectra and the same head, whose weights the head starts
        from, and whose answer to a window of a track counts as much as the truth: it knows how
        alike two classes are (G. Hinton et al., arXiv:1503.02531).
    half : bool
        Multiply in bfloat16, weights being kept in single precision: twice as fast where the
        processor can, and slower where it cannot.
    """

    windows: int
    validation: int
    epochs: int
    batch: int
    mix: tuple[str, ...]
    validation_mix: tuple[str, ...]
    learning_rate: float
    cosine: bool
    turn: bool
    sampled_dropout: float
    calibrate: bool
    teacher: str | None = None
    half: bool = False


_POLAR = Recipe(
    windows=330_000,
    validation=6_000,
    epochs=6,
    batch=128,
    mix=("paper", "instrument", "field", "instrument", "paper"),
    validation_mix=("paper", "instrument"),
    learning_rate=1.5e-3,
    cosine=True,
    turn=True,
    sampled_dropout=0.05,
    calibrate=True,
)

RECIPES = {
    "polar": _POLAR,
    "compact": replace(
        _POLAR,
        windows=400_000,
        validation=24_000,
        epochs=5,
        mix=(
            *("paper", "instrument", "paper", "instrument", UNUSUAL_TRACK),
            *("paper", "instrument", "rough", "field", UNUSUAL_TRACK),
        ),
        teacher="polar",
        half=True,
    ),
    # Vasudevan et al. 2018: 19,200 + 4,800 windows, 30 epochs, Adam with Keras' defaults.
    "published": Recipe(
        windows=19_200,
        validation=4_800,
        epochs=30,
        batch=32,
        mix=("paper",),
        validation_mix=("paper",),
        learning_rate=1e-3,
        cosine=False,
        turn=False,
        sampled_dropout=0.2,
        calibrate=False,
    ),
}

# Going on from trained weights: new windows, rougher ones among them, in smaller steps.
REFINEMENTS = {
    "polar": replace(
        _POLAR,
        windows=160_000,
        validation=24_000,
        epochs=2,
        mix=("paper", "instrument", "rough", "rough"),
        learning_rate=3e-4,
    ),
    "compact": replace(
        RECIPES["compact"],
        windows=200_000,
        epochs=3,
        mix=("paper", "instrument", "paper", "instrument", UNUSUAL_TRACK, "paper", "instrument"),
        learning_rate=6e-4,
    ),
}

BUILDERS: dict[str, Callable[..., keras.Model]] = {
    "polar": networks.polar_network,
    "compact": networks.compact_network,
    "published": networks.published_network,
}


def train(
    network: str,
    output: str | Path,
    *,
    start: str | Path | None = None,
    windows: int | None = None,
    validation: int | None = None,
    epochs: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Train a network, or go on with a training; see `bravais.train`."""
    recipes = RECIPES if start is None else REFINEMENTS
    if network not in recipes:
        choice = " or ".join(map(repr, recipes))
        raise InputError(f"No network {network!r} can be trained so; use {choice}.")
    recipe = recipes[network]
    recipe = replace(
        recipe,
        windows=windows or recipe.windows,
        validation=validation or recipe.validation,
        epochs=epochs or recipe.epochs,
    )
    output, start = Path(output), None if start is None else Path(start)
    model, history = begin(
        output,
        network,
        seed,
        recipe,
        create=lambda: _create(network, recipe, start),
        start=start,
    )
    plans = {
        "training": plan_chunks(network, recipe.mix, recipe.windows, seed, TRAINING),
        "validation": plan_chunks(
            network, recipe.validation_mix, recipe.validation, seed, VALIDATION
        ),
    }
    sets = {name: draw_set(plan, output, name, workers, progress) for name, plan in plans.items()}
    (spectra, targets), held_out = sets["training"], sets["validation"]
    if recipe.teacher is not None:
        targets = _taught(recipe.teacher, plans["training"], spectra, targets, output)
    fit(
        model,
        history,
        output,
        epochs=recipe.epochs,
        seed=seed,
        batches=lambda epoch: SpectrumBatches(
            spectra, targets, recipe.batch, (seed, epoch), recipe.turn
        ),
        validation=(held_out[0].astype("float32")[..., None], held_out[1]),
        progress=progress,
    )
    trained = BUILDERS[network](recipe.sampled_dropout)
    trained.set_weights(model.get_weights())
    if recipe.calibrate:
        factors, shifts = calibrate(trained, held_out[0], held_out[1].argmax(axis=1))
        scaling = {"factors": factors.round(4).tolist(), "shifts": shifts.round(4).tolist()}
        note(output / "calibration.json", **scaling)
    return finish(output, network, history, trained)


def _create(network: str, recipe: Recipe, start: Path | None) -> keras.Model:
    """Return a new network, compiled for its recipe."""
    model = build(BUILDERS[network], recipe.half)
    if start is not None:
        _take_weights(model, start)
    elif recipe.teacher is not None:
        _take_head(model, recipe.teacher)
    rate: Any = recipe.learning_rate
    if recipe.cosine:
        steps = recipe.epochs * (recipe.windows // recipe.batch)
        rate = keras.optimizers.schedules.CosineDecay(
            0.1 * rate, steps, warmup_target=rate, warmup_steps=min(300, steps // 10)
        )
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.CategoricalCrossentropy(),
        metrics=[
            keras.metrics.CategoricalAccuracy(name="accuracy"),
            keras.metrics.TopKCategoricalAccuracy(2, name="top2"),
        ],
    )
    return model


def _taught(
    teacher: str,
    plan: list[Chunk],
    spectra: NDArray[np.float16],
    targets: NDArray[np.float32],
    output: Path,
) -> NDArray[np.float32]:
    """Return targets halfway to a teacher's answers, where windows are of a track."""
    file = output / "taught.npy"
    if not file.exists():
        network = load(teacher).network
        taught = np.array(targets)
        for i, chunk in enumerate(plan):
            if chunk.track != UNUSUAL_TRACK:
                rows = slice(i * CHUNK, (i + 1) * CHUNK)
                answers = network.predict_on_batch(spectra[rows].astype(np.float32)[..., None])
                taught[rows] = (taught[rows] + answers) / 2
        with replacing(file) as partial, partial.open("wb") as opened:
            np.save(opened, taught)
    return np.asarray(np.load(file))


def _take_head(model: keras.Model, teacher: str) -> None:
    """Let a network begin with what another one makes of the features of a spectrum."""
    of_both = zip(_head(model), _head(load(teacher).network), strict=True)
    for layer, of_teacher in of_both:
        layer.set_weights(of_teacher.get_weights())


def _head(model: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if isinstance(layer, TurnedDense | keras.layers.Dense)]


def _take_weights(model: keras.Model, start: Path) -> None:
    try:
        model.set_weights(load(start).network.get_weights())
    except ValueError as error:
        raise ModelError(
            f"{start} is not a {model.name!r} network: {first_line(error)}."
        ) from error
