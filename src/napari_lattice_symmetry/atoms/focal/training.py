"""How the networks that name columns are trained: one recipe for both, on simulated series."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms.finding.calibration import fit_confidence
from napari_lattice_symmetry.atoms.finding.finder import CALIBRATION
from napari_lattice_symmetry.atoms.focal.examples import (
    CROP,
    TRAINING,
    VALIDATION,
    WAVES,
    SeriesChunk,
    WaveFile,
)
from napari_lattice_symmetry.atoms.focal.namer import ColumnNamer, Marks
from napari_lattice_symmetry.atoms.focal.networks import MSD_NET, U_NET, column_loss, msd_net, u_net
from napari_lattice_symmetry.atoms.focal.seeing import PIXEL
from napari_lattice_symmetry.atoms.score import match
from napari_lattice_symmetry.networks.batches import Batches
from napari_lattice_symmetry.networks.drawing import draw_pairs
from napari_lattice_symmetry.networks.engines.image_engine import ImageEngine
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.networks.training import begin, build, finish, fit, note, warmed_adam

Float = NDArray[np.float64]

RADIUS = 0.06
"""nm within which a mark is a column."""

_SAMPLES = 20  # of those that calibrate
_SIDES = np.arange(40, CROP + 1, 8)  # px; multiples of 8, which a U-net halves three times

BUILDERS: dict[str, Callable[..., keras.Model]] = {U_NET: u_net, MSD_NET: msd_net}


@dataclass(frozen=True)
class Recipe:
    """How a network that names columns is trained.

    Parameters
    ----------
    series, validation : int
        Focal series of an epoch, and those that are never trained on.
    microscopes : int
        Series of each exit wave, through as many microscopes.
    epochs, batch : int
        Epochs, series a step.
    images : int
        Of a series.
    learning_rate : float
        Of Adam; falls to zero along half a cosine.
    half : bool
        Multiply in bfloat16, weights being kept in single precision.
    network : dict
        Of the builder of the network, such as its width.
    """

    series: int = 10_000
    validation: int = 500
    microscopes: int = 4
    epochs: int = 6
    batch: int = 8
    images: int = 3
    learning_rate: float = 2e-3
    half: bool = True
    network: dict[str, Any] | None = None


class SeriesBatches(Batches):
    """Batches of series, turned and cut otherwise in every epoch.

    A U-net that has seen one size alone names columns by how far the border is, and is wrong in
    images of another size.
    """

    def __init__(
        self, seen: NDArray[np.float16], marks: NDArray[np.uint8], batch: int, seed: tuple[int, int]
    ) -> None:
        super().__init__(seen, marks, batch, np.random.default_rng(seed))
        self.seed = seed

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
        rng = np.random.default_rng((*self.seed, index))
        turns, mirrored = rng.integers((4, 2))
        side = _SIDES[index % len(_SIDES)]  # Keras asks the first two what differs between batches
        top, left = rng.integers(0, CROP - side + 1, 2)
        seen, marks = (
            np.rot90(
                each[:, top : top + side, left : left + side][:, :: 1 - 2 * mirrored],
                turns,
                axes=(1, 2),
            )
            for each in super().__getitem__(index)
        )
        return seen, marks.astype(np.float32) / np.float32(255)


def train_columns(
    output: Path,
    *,
    network: str = MSD_NET,
    waves: Path | None = None,
    series: int | None = None,
    epochs: int | None = None,
    images: int | None = None,
    validation: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
    **shape: Any,
) -> Path:
    """Train a network that names columns, or go on with a training that was interrupted.

    Parameters
    ----------
    output : path
        Folder for checkpoints, ``history.csv``, ``training.png``, ``training.json`` and, in the
        end, the weights. A training found there is continued.
    network : {"msd", "unet"}
        Which.
    waves : path, optional
        Folder of the exit waves, which both networks share; ``waves`` beside `output` by default.
        Those that are there already are not computed again.
    series, validation, epochs, images : int, optional
        Instead of the recipe's.
    seed : int
        Draws the waves, the microscopes, the first weights and the dropout.
    workers : int, optional
        Processes that draw; all cores by default.
    progress : bool
        Show progress bars.
    **shape
        Of the builder of the network, such as ``filters``, or ``depth`` and ``width``.

    Returns
    -------
    path
        The trained network, ``<output>/<network>.keras``.

    Raises
    ------
    InputError
        If `output` holds a training with other settings, or abTEM is not installed.
    """
    recipe = Recipe(network=shape or None)
    recipe = replace(
        recipe,
        series=series or recipe.series,
        epochs=epochs or recipe.epochs,
        images=images or recipe.images,
        validation=validation or recipe.validation,
    )
    folder = waves or output.parent / "waves"

    def create(half: bool) -> keras.Model:
        return build(BUILDERS[network], half, images=recipe.images, **shape)

    model, history = begin(
        output, network, seed, recipe, create=lambda: _compile(create(recipe.half), recipe)
    )
    folder.mkdir(parents=True, exist_ok=True)

    def draw(stream: int, n: int, turns: int) -> tuple[NDArray[Any], NDArray[Any]]:
        orders = [
            SeriesChunk(WaveFile(str(folder), seed, stream, i), recipe.images, turn)
            for i in range(-(-n // (WAVES * turns)))
            for turn in range(turns)
        ]
        return draw_pairs(orders, workers)

    checked, right = draw(VALIDATION, recipe.validation, 1)
    seen, marks = draw(TRAINING, recipe.series, recipe.microscopes)
    began = time.process_time()
    fit(
        model,
        history,
        output,
        epochs=recipe.epochs,
        seed=seed,
        batches=lambda epoch: SeriesBatches(seen, marks, recipe.batch, (seed, epoch)),
        validation=(checked.astype(np.float32), right.astype(np.float32) / 255),
        progress=progress,
    )
    trained = create(half=False)
    trained.set_weights(model.get_weights())
    path = finish(output, network, history, trained)
    again = [
        SeriesChunk(WaveFile(str(folder), seed, VALIDATION, i), recipe.images, turn=1)
        for i in range(-(-recipe.validation // WAVES))
    ]
    weights = calibrate(ColumnNamer(ImageEngine(path.read_bytes())), again)
    note(output / CALIBRATION, calibration=weights)
    seconds = round(time.process_time() - began)
    note(output / "cost.json", weights=trained.count_params(), processor_s=seconds)
    return path


def calibrate(namer: ColumnNamer, chunks: Sequence[SeriesChunk]) -> tuple[float, ...]:
    """Fit what makes the confidence of a network hold, on series of waves that it has not seen.

    Parameters
    ----------
    namer : ColumnNamer
        The network.
    chunks : sequence of SeriesChunk
        The series.
    """
    features, right = [], []
    for chunk in chunks:
        seen, _ = chunk.draw()
        for image, (places, kind) in zip(seen, chunk.columns(), strict=True):
            marks = namer.mark_seen(image.astype(np.float32), _SAMPLES)
            features.append(marks.features)
            right.append(right_marks(marks, places, kind))
    return fit_confidence(np.concatenate(features), np.concatenate(right))


def right_marks(marks: Marks, places: Float, kind: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which marks are columns of the class with the greatest share, (n,).

    Parameters
    ----------
    marks : Marks
        In pixels that are seen.
    places : ndarray, shape (m, 2)
        True columns in the same pixels.
    kind : ndarray of int, shape (m,)
        Their classes.
    """
    right = np.zeros(len(marks.place), bool)
    found, true = match(marks.place, places, RADIUS / PIXEL)
    right[found] = marks.shares[found].argmax(axis=1) == kind[true]
    return right


def _compile(model: keras.Model, recipe: Recipe) -> keras.Model:
    steps = recipe.epochs * (recipe.series // recipe.batch)
    adam = warmed_adam(recipe.learning_rate, steps)
    model.compile(optimizer=adam, loss=column_loss, metrics=[named_share])
    return model


@keras.saving.register_keras_serializable(package="lattice_symmetry")  # type: ignore[untyped-decorator]
def named_share(marks: Any, logits: Any) -> Any:
    """Return the share of the pixels at columns that are given the right class."""
    ops = keras.ops
    at_column = ops.cast(marks[..., 0] < 0.3, "float32")
    right = ops.argmax(marks[..., 1:], -1) + 1 == ops.argmax(logits, -1)
    count = ops.maximum(ops.sum(at_column), 1.0)
    return ops.sum(at_column * ops.cast(right, "float32")) / count
