"""Training from a seed, resumable after any interruption: what every network shares."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_lattice_symmetry.errors import InputError, ModelError, guard
from napari_lattice_symmetry.files import replacing
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.networks.registry import file_sha256

if TYPE_CHECKING:
    from matplotlib.figure import Figure

History: TypeAlias = list[dict[str, float]]

CHECKPOINT, HISTORY, SETTINGS = "checkpoint.keras", "history.csv", "training.json"


def begin(
    output: Path,
    network: str,
    seed: int,
    recipe: Any,
    *,
    create: Callable[[], keras.Model],
    start: Path | None = None,
) -> tuple[keras.Model, History]:
    """Claim a folder for a training by a recipe, and return network and history as they are there.

    A trained network that is refined (`start`) is one of the settings, and a recipe a dataclass.
    """
    settings = {"network": network, "seed": seed, "recipe": asdict(recipe)}
    if start is not None:
        settings |= {"start": str(start), "start_sha256": file_sha256(start)}
    claim(output, settings)
    keras.utils.set_random_seed(seed)
    return load_checkpoint(output, create)


def finish(output: Path, network: str, history: History, trained: keras.Model) -> Path:
    """Draw how a training went, save its network, and return where."""
    plot_history(history, network).savefig(output / "training.png", dpi=120)
    path = output / f"{network}.keras"
    trained.save(path)
    return path


def note(file: Path, **values: Any) -> None:
    """Write down what was found of a network, for whoever loads it."""
    file.write_text(json.dumps(values) + "\n", encoding="utf-8")


def build(builder: Callable[..., keras.Model], half: bool, **shape: Any) -> keras.Model:
    """Build a network, if `half` one that multiplies in bfloat16; weights keep their 32 bits.

    Training takes half the time then where a processor knows numbers of 16 bits.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if half else before)
    try:
        return builder(**shape)
    finally:
        keras.config.set_dtype_policy(before)


def warmed_adam(learning_rate: float, steps: int) -> keras.Optimizer:
    """Return Adam whose steps grow at first, and then fall along half a cosine to zero."""
    return keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(
            0.1 * learning_rate,
            steps,
            warmup_target=learning_rate,
            warmup_steps=min(200, steps // 10),
        )
    )


def class_metrics() -> list[keras.Metric]:
    """Return how often the first answer is right, and how often one of the first two."""
    return [
        keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
        keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2"),
    ]


def take_weights(model: keras.Model, start: Path | None, skill: str) -> None:
    """Give a network the weights of one that is refined, if any, which needs the same skill."""
    if start is not None:
        with guard(f"{start} is no network that {skill}", ModelError):
            model.set_weights(keras.saving.load_model(start).get_weights())


def claim(output: Path, settings: dict[str, Any]) -> None:
    """Note the settings of a training in its folder, or compare them with what is there.

    Parameters
    ----------
    output : pathlib.Path
        The folder; it is made where there is none.
    settings : dict
        All that the training depends on, in values that JSON knows.

    Raises
    ------
    InputError
        If the folder holds a training with other settings.
    """
    output.mkdir(parents=True, exist_ok=True)
    file = output / SETTINGS
    settings = json.loads(json.dumps(settings))
    if not file.exists():
        file.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    elif json.loads(file.read_text(encoding="utf-8")) != settings:
        raise InputError(
            f"{output} holds a training with other settings (see {file.name}); "
            "choose another folder or the same settings."
        )


def load_checkpoint(output: Path, create: Callable[[], keras.Model]) -> tuple[keras.Model, History]:
    """Return the network and the history of the last whole epoch, or a new one and an empty list.

    Parameters
    ----------
    output : pathlib.Path
        The folder of the training.
    create : callable
        Makes the compiled network where no epoch is done yet.
    """
    file = output / CHECKPOINT
    if not file.exists():
        return create(), []
    with (output / HISTORY).open(newline="", encoding="utf-8") as table:
        history = [
            {name: float(value) for name, value in row.items() if name != "epoch"}
            for row in csv.DictReader(table)
        ]
    return keras.saving.load_model(file), history


def fit(
    model: keras.Model,
    history: History,
    output: Path,
    *,
    epochs: int,
    seed: int,
    batches: Callable[[int], Any],
    validation: tuple[Any, Any],
    progress: bool = True,
) -> None:
    """Train to the last epoch, and write a checkpoint after each.

    Parameters
    ----------
    model : keras.Model
        Compiled; changed in place.
    history : list of dict
        The epochs that are done; the others are appended.
    output : pathlib.Path
        Where the checkpoints go.
    epochs : int
        Number of epochs in all.
    seed : int
        Draws the dropout of every epoch.
    batches : callable
        Gives the batches of an epoch, shuffled already: a pure function of its number.
    validation : tuple of ndarray
        Inputs and targets that are never trained on.
    progress : bool
        Show progress bars.
    """
    for epoch in range(len(history), epochs):
        seed_dropout(model, seed, epoch)
        fitted = model.fit(
            batches(epoch),
            validation_data=validation,
            validation_batch_size=256,
            shuffle=False,  # the batches are shuffled already, from the seed
            initial_epoch=epoch,
            epochs=epoch + 1,
            verbose=_verbosity(progress),
        )
        history.append({name: values[-1] for name, values in fitted.history.items()})
        save_checkpoint(output, model, history)


def seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Draw the dropout of an epoch from its number, whether or not the training was resumed."""
    for i, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout):
            words = np.random.SeedSequence((seed, epoch, i)).generate_state(2)
            layer.seed_generator.state.assign(words)


def save_checkpoint(output: Path, model: keras.Model, history: History) -> None:
    """Write history and weights so that a kill at any moment leaves a whole pair."""
    with replacing(output / HISTORY) as new_table, replacing(output / CHECKPOINT) as new_model:
        with new_table.open("w", newline="", encoding="utf-8") as table:
            writer = csv.DictWriter(table, ["epoch", *history[0]])
            writer.writeheader()
            writer.writerows({"epoch": i, **row} for i, row in enumerate(history, start=1))
        model.save(new_model)  # which takes its place first


def plot_history(history: History, network: str) -> Figure:
    """Draw accuracy over the epochs, or the loss of a network that names nothing."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    names = "training (dropout on)", "validation", "validation, top 2"
    measure = "accuracy" if "accuracy" in history[0] else "loss"
    for key, name in zip((measure, f"val_{measure}", "val_top2"), names, strict=True):
        if key in history[0]:
            values = [row[key] for row in history]
            axes.plot(range(1, len(values) + 1), values, marker=".", label=name)
    axes.set(xlabel="epoch", ylabel=measure, title=f"{network} network")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    return figure


def _verbosity(progress: bool) -> int:
    if not progress:
        return 0
    return 1 if sys.stdout.isatty() else 2
