"""How verdicts are taught: small networks on the evidence of simulated windows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.classifier import Classification
from napari_lattice_symmetry.bravais.dataset import TRAINING, VALIDATION
from napari_lattice_symmetry.bravais.evidence import evidence, repetition, shares_by_scale
from napari_lattice_symmetry.bravais.registry import DEFAULT
from napari_lattice_symmetry.bravais.trust import find_trust, mean_answer, situations
from napari_lattice_symmetry.bravais.verdict import answers
from napari_lattice_symmetry.bravais.verdict_images import KINDS, ExampleChunk, Examples
from napari_lattice_symmetry.files import replacing
from napari_lattice_symmetry.networks.drawing import draw_chunks
from napari_lattice_symmetry.networks.keras_loading import keras, layers
from napari_lattice_symmetry.networks.training import claim
from napari_lattice_symmetry.spectrum.lattice_fit import TOLERANCE

Float = NDArray[np.float64]


class Table(NamedTuple):
    """Windows at tolerances.

    Attributes
    ----------
    seen : ndarray, shape (n, m)
        Evidence.
    targets : ndarray, shape (n, 6)
        What is right to say.
    kinds : ndarray, shape (n,)
        Places in `KINDS`.
    repeating : ndarray, shape (n,)
        What `repetition` says.
    """

    seen: NDArray[np.floating]
    targets: NDArray[np.floating]
    kinds: NDArray[np.intp]
    repeating: NDArray[np.floating]


_CHUNK = 120
_SAMPLES = 100
_KINDS = list(KINDS)
_TRACKS = (_KINDS.index("paper"), _KINDS.index("instrument"))
_FEW_PERIODS = _KINDS.index("few periods")
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
    tracks, few_periods : float
        How much more than others windows of the tracks count, and how much less those of few
        periods, of which little can be said.
    share : float
        Of the tracks in what decides how far judges are believed: where network and fit agree,
        that is nearly all that there is under a microscope.
    """

    windows: int = 96_000
    tolerances: int = 4
    judges: int = 5
    units: int = 64
    epochs: int = 30
    batch: int = 1024
    learning_rate: float = 4e-3
    weight_decay: float = 1e-3
    tracks: float = 2.0
    few_periods: float = 0.4
    share: float = 0.95


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
        ``<output>/compact-verdict.npz``.

    Raises
    ------
    InputError
        If `output` holds a training with other settings.
    ModelError
        If the network cannot be loaded.
    """
    recipe = VerdictRecipe()
    recipe = replace(recipe, windows=windows or recipe.windows, epochs=epochs or recipe.epochs)
    claim(output, {"network": "verdict", "of": DEFAULT, "seed": seed, "recipe": asdict(recipe)})
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
    weights = tuple(_teach(taught, recipe, seed))
    path = output / f"{DEFAULT}-verdict.npz"
    np.savez_compressed(path, *weights, trust=_trust(weights, held_out, recipe))
    return path


def _evidence(
    file: Path, orders: list[ExampleChunk], tolerances: int, workers: int | None, progress: bool
) -> Table:
    """Draw windows and ask network and fit, unless that was done before."""
    if not file.exists():
        model = load_model()
        rng = np.random.default_rng((orders[0].seed, orders[0].stream))
        drawn = draw_chunks(orders, workers)
        rows = [
            row
            for examples in tqdm(drawn, file.stem, len(orders), disable=not progress)
            for row in _rows(examples, model.classify(examples[0], _SAMPLES), tolerances, rng)
        ]
        table = Table(*map(np.concatenate, zip(*rows, strict=True)))
        with replacing(file) as partial:
            np.savez(partial, **table._asdict())
    with np.load(file) as arrays:
        return Table(**arrays)


def _rows(
    examples: Examples, network: Classification, tolerances: int, rng: np.random.Generator
) -> list[Table]:
    """Return evidence and what is right of windows at some tolerances."""
    windows, truths, fits, kinds = examples
    shares, repeating = shares_by_scale(windows), repetition(windows)
    exact = np.array([truth.exact for truth in truths])
    rows = []
    for _ in range(tolerances):
        any_other = float(np.exp(rng.uniform(*np.log([0.005, 0.15]))))
        tolerance = rng.choice([0.0, TOLERANCE, any_other], p=[0.35, 0.35, 0.3])
        known = exact | (tolerance > 0)
        seen = evidence(network, fits, shares, float(tolerance))
        targets = np.array([truth.target(tolerance) for truth in truths])
        of_all = seen.astype(np.float32), targets.astype(np.float32), kinds, repeating
        rows.append(Table(*(values[known] for values in of_all)))
    return rows


def _teach(taught: Table, recipe: VerdictRecipe, seed: int) -> list[NDArray[np.float32]]:
    """Fit judges; gives kernels and biases."""
    seen, targets, kinds, _ = taught
    weights = np.where(np.isin(kinds, _TRACKS), recipe.tracks, 1.0)
    weights[kinds == _FEW_PERIODS] *= recipe.few_periods
    keras.utils.set_random_seed(seed)
    center, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-2
    model = _network(seen.shape[1], recipe)
    steps = recipe.epochs * -(-len(seen) // recipe.batch)
    rate: Any = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, recipe.weight_decay),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    model.fit(
        (seen - center) / spread,
        np.repeat(targets[:, np.newaxis], recipe.judges, axis=1),
        sample_weight=np.repeat(weights[:, np.newaxis], recipe.judges, axis=1).astype(np.float32),
        batch_size=recipe.batch,
        epochs=recipe.epochs,
        verbose=0,
    )
    (first, bias), *others = (layer.get_weights() for layer in model.layers[1:])
    first = first / spread[:, np.newaxis]
    bias = bias - np.einsum("i,mio->mo", center, first)
    return [
        array.astype(np.float32)
        for kernel, offset in [(first, bias), *others]
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


def _trust(
    weights: tuple[NDArray[np.float32], ...], held_out: Table, recipe: VerdictRecipe
) -> NDArray[np.float32]:
    """Find how far judges are believed, from windows that taught nothing."""
    seen, targets, kinds, repeating = held_out
    logits = answers(weights, seen)
    at_home = np.isin(kinds, _TRACKS)
    share = np.where(at_home, recipe.share, 1 - recipe.share)
    often = np.where(at_home, at_home.mean(), 1 - at_home.mean())
    situation = situations(seen, mean_answer(logits), repeating)
    return find_trust(logits, targets, share / often, situation)
