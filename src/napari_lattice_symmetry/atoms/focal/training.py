"""How the networks that name columns are trained: one recipe for both, on simulated series."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms.finding.calibration import fit_confidence
from napari_lattice_symmetry.atoms.focal.examples import (
    TRAINING,
    VALIDATION,
    WAVES,
    SeriesChunk,
    WaveFile,
)
from napari_lattice_symmetry.atoms.focal.namer import CALIBRATION, ColumnNamer, Marks
from napari_lattice_symmetry.atoms.focal.networks import MSD_NET, U_NET, column_loss, msd_net, u_net
from napari_lattice_symmetry.atoms.focal.seeing import PIXEL
from napari_lattice_symmetry.atoms.image_engine import ImageEngine
from napari_lattice_symmetry.atoms.score import match
from napari_lattice_symmetry.networks.drawing import draw_chunks
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.networks.training import claim, fit, load_checkpoint, plot_losses

Float = NDArray[np.float64]

RADIUS = 0.06
"""nm within which a mark is a column."""

_SAMPLES = 20  # of those that calibrate

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
    network : dict
        Of the builder of the network, such as its width.
    """

    series: int = 10_000
    validation: int = 500
    microscopes: int = 4
    epochs: int = 8
    batch: int = 16
    images: int = 3
    learning_rate: float = 2e-3
    network: dict[str, Any] | None = None


class SeriesBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of one epoch, in another order and turned otherwise in each."""

    def __init__(
        self, seen: NDArray[np.float16], marks: NDArray[np.uint8], batch: int, seed: tuple[int, int]
    ) -> None:
        super().__init__(workers=1)
        self.seen, self.marks, self.batch, self.seed = seen, marks, batch, seed
        self.order = np.random.default_rng(seed).permutation(len(seen))

    def __len__(self) -> int:
        return len(self.seen) // self.batch

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rows = self.order[index * self.batch : (index + 1) * self.batch]
        turns, mirrored = np.random.default_rng((*self.seed, index)).integers((4, 2))
        seen, marks = (
            np.rot90(each[rows][:, :: 1 - 2 * mirrored], turns, axes=(1, 2)).astype(np.float32)
            for each in (self.seen, self.marks)
        )
        return seen, marks / np.float32(255)


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
    claim(output, {"network": network, "seed": seed, "recipe": asdict(recipe)})
    folder = waves or output.parent / "waves"
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(seed)

    def draw(stream: int, n: int, turns: int) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
        orders = [
            SeriesChunk(WaveFile(str(folder), seed, stream, i), recipe.images, turn)
            for i in range(-(-n // (WAVES * turns)))
            for turn in range(turns)
        ]
        seen, marks = zip(*draw_chunks(orders, workers), strict=True)
        return np.concatenate(seen), np.concatenate(marks)

    def build() -> keras.Model:
        return BUILDERS[network](recipe.images, **shape)

    model, history = load_checkpoint(output, lambda: _compile(build(), recipe))
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
    plot_losses(history, network).savefig(output / "training.png", dpi=120)
    path = output / f"{network}.keras"
    trained = build()
    trained.set_weights(model.get_weights())
    trained.save(path)
    again = [
        SeriesChunk(WaveFile(str(folder), seed, VALIDATION, i), recipe.images, turn=1)
        for i in range(-(-recipe.validation // WAVES))
    ]
    weights = calibrate(ColumnNamer(ImageEngine(path.read_bytes())), again)
    (output / CALIBRATION).write_text(json.dumps({"calibration": weights}) + "\n", encoding="utf-8")
    cost = {"weights": trained.count_params(), "processor_s": round(time.process_time() - began)}
    (output / "cost.json").write_text(json.dumps(cost) + "\n", encoding="utf-8")
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
            right.append(judge(marks, places, kind))
    return fit_confidence(np.concatenate(features), np.concatenate(right))


def judge(marks: Marks, places: Float, kind: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which marks are columns of the class with the greatest share, (n,).

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
    rate = keras.optimizers.schedules.CosineDecay(
        0.1 * recipe.learning_rate,
        steps,
        warmup_target=recipe.learning_rate,
        warmup_steps=min(200, steps // 10),
    )
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=column_loss, metrics=[named_share])
    return model


@keras.saving.register_keras_serializable(package="lattice_symmetry")  # type: ignore[untyped-decorator]
def named_share(marks: Any, logits: Any) -> Any:
    """Give the share of the pixels at columns that are given the right class."""
    ops = keras.ops
    at_column = ops.cast(marks[..., 0] < 0.3, "float32")
    right = ops.argmax(marks[..., 1:], -1) + 1 == ops.argmax(logits, -1)
    count = ops.maximum(ops.sum(at_column), 1.0)
    return ops.sum(at_column * ops.cast(right, "float32")) / count
