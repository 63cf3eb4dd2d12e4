"""How verdicts are taught: small networks on the evidence of simulated windows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from tqdm import tqdm

from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.classifier import Classification
from napari_lattice_symmetry.bravais.dataset import TRAINING, VALIDATION
from napari_lattice_symmetry.bravais.evidence import evidence, shares_by_scale
from napari_lattice_symmetry.bravais.verdict import NETWORK
from napari_lattice_symmetry.bravais.verdict_images import ExampleChunk, Examples
from napari_lattice_symmetry.files import replacing
from napari_lattice_symmetry.networks.drawing import draw_chunks
from napari_lattice_symmetry.networks.keras_loading import keras, layers
from napari_lattice_symmetry.networks.training import claim
from napari_lattice_symmetry.spectrum.lattice_fit import TOLERANCE

Float = NDArray[np.float64]
Table = tuple[NDArray[np.float32], NDArray[np.float32]]

_CHUNK = 120
_SAMPLES = 30
_VALIDATION = 0.15  # windows that calibrate, as a share of those that teach


@dataclass(frozen=True)
class VerdictRecipe:
    """How judges are taught.

    Parameters
    ----------
    windows : int
        Simulated windows.
    tolerances : int
        Tolerances, of which 0 and the default are the most frequent, at which each is shown.
    judges, units : int
        Networks that are taught, and the units in each of their two hidden layers.
    epochs, batch : int
        Passes over the windows, windows a step.
    learning_rate, weight_decay : float
        Of AdamW; the rate falls to zero along a half cosine.
    """

    windows: int = 60_000
    tolerances: int = 4
    judges: int = 5
    units: int = 64
    epochs: int = 40
    batch: int = 1024
    learning_rate: float = 4e-3
    weight_decay: float = 1e-3


def train_verdict(
    output: Path,
    *,
    windows: int | None = None,
    epochs: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Teach judges who weigh what a network and the fit say.

    Parameters
    ----------
    output : path
        Folder for the evidence, which is kept for another call, and the weights.
    windows, epochs : int, optional
        Instead of the recipe's.
    seed : int
        Draws the windows and the first weights.
    workers : int, optional
        Processes that simulate; all cores by default.
    progress : bool
        Show a progress bar.

    Returns
    -------
    path
        ``<output>/polar-verdict.npz``.

    Raises
    ------
    InputError
        If `output` holds a training with other settings.
    ModelError
        If the network cannot be loaded.
    """
    recipe = VerdictRecipe()
    recipe = replace(recipe, windows=windows or recipe.windows, epochs=epochs or recipe.epochs)
    claim(output, {"network": NETWORK, "seed": seed, "recipe": asdict(recipe)})
    taught, held_out = (
        _evidence(
            output / f"{name}.npz",
            [ExampleChunk(seed, stream, i, _CHUNK) for i in range(-(-n // _CHUNK))],
            recipe.tolerances,
            workers,
            progress,
        )
        for name, stream, n in (
            ("training", TRAINING, recipe.windows),
            ("validation", VALIDATION, int(_VALIDATION * recipe.windows)),
        )
    )
    weights = _teach(taught, held_out, recipe, seed)
    path = output / f"{NETWORK}-verdict.npz"
    np.savez_compressed(path, *weights)
    return path


def _evidence(
    file: Path, orders: list[ExampleChunk], tolerances: int, workers: int | None, progress: bool
) -> Table:
    """Draw windows and ask network and fit, unless that was done before."""
    if not file.exists():
        model = load_model(NETWORK)
        rng = np.random.default_rng((orders[0].seed, orders[0].stream))
        drawn = draw_chunks(orders, workers)
        rows = [
            row
            for examples in tqdm(drawn, file.stem, len(orders), disable=not progress)
            for row in _rows(examples, model.classify(examples[0], _SAMPLES), tolerances, rng)
        ]
        seen, targets = map(np.concatenate, zip(*rows, strict=True))
        with replacing(file) as partial:
            np.savez(partial, seen=seen.astype(np.float32), targets=targets.astype(np.float32))
    with np.load(file) as table:
        return table["seen"], table["targets"]


def _rows(
    examples: Examples, network: Classification, tolerances: int, rng: np.random.Generator
) -> list[tuple[Float, Float]]:
    """Give evidence and targets of windows at some tolerances."""
    windows, truths, fits = examples
    shares = shares_by_scale(windows)
    exact = np.array([truth.exact for truth in truths])
    rows = []
    for _ in range(tolerances):
        any_other = float(np.exp(rng.uniform(*np.log([0.005, 0.15]))))
        tolerance = rng.choice([0.0, TOLERANCE, any_other], p=[0.35, 0.35, 0.3])
        known = exact | (tolerance > 0)
        seen = evidence(network, fits, shares, float(tolerance))
        targets = np.array([truth.target(tolerance) for truth in truths])
        rows.append((seen[known], targets[known]))
    return rows


def _teach(
    taught: Table, held_out: Table, recipe: VerdictRecipe, seed: int
) -> list[NDArray[np.float32]]:
    """Fit judges, and calibrate the mean of their answers; gives kernels and biases."""
    keras.utils.set_random_seed(seed)
    seen, targets = taught
    center, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-2
    model = _network(seen.shape[1], recipe)
    steps = recipe.epochs * -(-len(seen) // recipe.batch)
    rate: Any = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, recipe.weight_decay),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    for_each = np.repeat(targets[:, np.newaxis], recipe.judges, axis=1)
    model.fit(
        (seen - center) / spread,
        for_each,
        batch_size=recipe.batch,
        epochs=recipe.epochs,
        verbose=0,
    )
    logits = model.predict((held_out[0] - center) / spread, batch_size=8192, verbose=0)
    factor = _factor(logits, held_out[1])
    (first, bias), *between, (last, last_bias) = (layer.get_weights() for layer in model.layers[1:])
    first = first / spread[:, np.newaxis]
    bias = bias - np.einsum("i,mio->mo", center, first)
    pairs = [(first, bias), *between, (factor * last, factor * last_bias)]
    return [
        array.astype(np.float32)
        for kernel, offset in pairs
        for array in (kernel, offset[:, np.newaxis])
    ]


def _network(inputs: int, recipe: VerdictRecipe) -> keras.Model:
    """Build all judges as one network: evidence in, logits (judges, 6) out."""

    def dense(inputs: int, units: int, activation: str | None = "relu") -> Any:
        return layers.EinsumDense(
            "bmi,mio->bmo",
            (recipe.judges, units),
            bias_axes="mo",
            activation=activation,
            kernel_initializer=keras.initializers.RandomNormal(stddev=(2 / inputs) ** 0.5),
        )

    return keras.Sequential(
        [
            keras.Input((inputs,)),
            layers.RepeatVector(recipe.judges),
            dense(inputs, recipe.units),
            dense(recipe.units, recipe.units),
            dense(recipe.units, 6, None),
        ]
    )


def _factor(logits: NDArray[np.float32], targets: NDArray[np.float32]) -> float:
    """Find the factor of all logits with the least log loss of the mean over judges."""

    def cost(log_factor: float) -> float:
        mean = softmax(np.exp(log_factor) * logits, axis=-1).mean(axis=1)
        return float(-(targets * np.log(mean + 1e-9)).sum(axis=1).mean())

    return float(np.exp(minimize_scalar(cost, bounds=(-1, 1), method="bounded").x))
