"""How the finder's network is trained: on simulated pictures that are new in every epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_lattice_symmetry.atoms.finding.calibration import ScoredChunk, fit_confidence
from napari_lattice_symmetry.atoms.finding.engine import FinderEngine
from napari_lattice_symmetry.atoms.finding.examples import CHUNK, TRAINING, VALIDATION, ExampleChunk
from napari_lattice_symmetry.atoms.finding.finder import CALIBRATION, Finder
from napari_lattice_symmetry.atoms.finding.network import finder_network, mark_loss
from napari_lattice_symmetry.networks.batches import Batches
from napari_lattice_symmetry.networks.drawing import draw_pairs
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.networks.training import (
    begin,
    finish,
    fit,
    note,
    take_weights,
    warmed_adam,
)

_SCORED, _CHUNKS = 10_000, 30  # chunks of pictures that calibrate, and the first of them


@dataclass(frozen=True)
class Recipe:
    """How the finder is trained.

    Parameters
    ----------
    pictures, validation : int
        New pictures in every epoch, and pictures that are never trained on.
    epochs, batch : int
        Epochs, pictures a step.
    crop : int
        Side of what is seen of a picture.
    filters : int
        Width of the network.
    dropout : float
        Share of channels turned off.
    learning_rate : float
        Of Adam; falls to zero along half a cosine.
    """

    pictures: int
    validation: int
    epochs: int
    batch: int
    crop: int
    filters: int
    dropout: float
    learning_rate: float


RECIPE = Recipe(
    pictures=2_400,
    validation=400,
    epochs=16,
    batch=16,
    crop=96,
    filters=16,
    dropout=0.1,
    learning_rate=2e-3,
)

# Going on from trained weights: other pictures, in smaller steps.
REFINEMENT = replace(RECIPE, epochs=4, learning_rate=8e-4)


def train_finder(
    output: Path,
    *,
    start: Path | None = None,
    pictures: int | None = None,
    epochs: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Train the finder's network, or go on with a training that was interrupted.

    Parameters
    ----------
    output : path
        Folder for checkpoints, ``history.csv``, ``training.png``, ``training.json`` and, in the
        end, the weights. A training found there is continued.
    start : path, optional
        A trained network, or the checkpoint of a training, to refine.
    pictures, epochs : int, optional
        Instead of the recipe's.
    seed : int
        Draws the pictures, the first weights and the dropout.
    workers : int, optional
        Processes that draw; all cores by default.
    progress : bool
        Show progress bars.

    Returns
    -------
    path
        The trained network, ``<output>/atoms.keras``.

    Raises
    ------
    InputError
        If `output` holds a training with other settings.
    ModelError
        If `start` is no network of this kind.
    """
    recipe = RECIPE if start is None else REFINEMENT
    recipe = replace(recipe, pictures=pictures or recipe.pictures, epochs=epochs or recipe.epochs)
    model, history = begin(
        output, "atoms", seed, recipe, create=lambda: _create(recipe, start), start=start
    )
    per_epoch = -(-recipe.pictures // CHUNK)

    def draw(stream: int, first: int, n: int) -> tuple[NDArray[Any], NDArray[Any]]:
        orders = [ExampleChunk(seed, stream, first + i, recipe.crop) for i in range(n)]
        return draw_pairs(orders, workers)

    seen, marks = draw(VALIDATION, 0, -(-recipe.validation // CHUNK))
    fit(
        model,
        history,
        output,
        epochs=recipe.epochs,
        seed=seed,
        batches=lambda epoch: Batches(*draw(TRAINING, epoch * per_epoch, per_epoch), recipe.batch),
        validation=(seen.astype("float32"), marks.astype("float32")),
        progress=progress,
    )
    trained = finder_network(recipe.filters, recipe.dropout)
    trained.set_weights(model.get_weights())
    path = finish(output, "atoms", history, trained)
    note(output / CALIBRATION, calibration=calibrate(path, seed, workers))
    return path


def calibrate(path: Path, seed: int, workers: int | None = None) -> tuple[float, ...]:
    """Fit what makes the confidence of a network hold, on pictures of the stream of validation.

    Parameters
    ----------
    path : pathlib.Path
        The network.
    seed : int
        Draws the pictures.
    workers : int, optional
        Processes that draw.
    """
    finder = Finder(FinderEngine(path.read_bytes()))
    orders = [ScoredChunk(finder, seed, VALIDATION, _SCORED + i) for i in range(_CHUNKS)]
    return fit_confidence(*draw_pairs(orders, workers))


def _create(recipe: Recipe, start: Path | None) -> keras.Model:
    model = finder_network(recipe.filters, recipe.dropout)
    take_weights(model, start, "finds atoms")
    steps = recipe.epochs * (recipe.pictures // recipe.batch)
    model.compile(optimizer=warmed_adam(recipe.learning_rate, steps), loss=mark_loss)
    return model
