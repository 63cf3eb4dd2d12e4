"""Why the network is as it is: its sure errors, how it is sampled, how it is calibrated.

    python benchmarks/network_study.py --write

prints the tables; with ``--write`` they also go to ``docs/network-study.md``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from metrics import in_first, markdown_table
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp, softmax
from tqdm import tqdm

from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.dataset import BENCHMARK, CHUNK, plan_chunks
from napari_lattice_symmetry.bravais.registry import DEFAULT
from napari_lattice_symmetry.bravais.training_images import TRACKS, draw_windows
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.networks.calibration import (
    calibration_error,
    find_scaling,
    thinned_logits,
)
from napari_lattice_symmetry.networks.drawing import draw_chunks
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.spectrum.fitting import fit_lattices

DOCS = Path(__file__).parents[1] / "docs"
SEED = 30  # not that of bench-accuracy: what is chosen here is not judged by the same windows
TRACK_NAMES = ("instrument", "paper")
SAMPLES = 50
SURE = 0.9


@dataclass(frozen=True)
class HeldOut:
    """Windows of a track that no training has seen."""

    track: str
    spectra: np.ndarray
    classes: np.ndarray

    @classmethod
    def draw(cls, track: str, n: int) -> HeldOut:
        """Draw the spectra of `n` windows."""
        plan = plan_chunks(DEFAULT, (track,), n, SEED, BENCHMARK)
        drawn = list(tqdm(draw_chunks(plan), track, len(plan), leave=False))
        spectra, targets = (np.concatenate(part) for part in zip(*drawn, strict=True))
        return cls(track, spectra, targets.argmax(axis=1))

    def windows(self, places: np.ndarray) -> np.ndarray:
        """Draw the pixels of some of the windows again."""
        track = TRACKS[self.track]
        chunks = {
            i: draw_windows(CHUNK, track, (SEED, BENCHMARK, i))[0]
            for i in np.unique(places // CHUNK).tolist()
        }
        return np.stack([chunks[place // CHUNK][place % CHUNK] for place in places.tolist()])


def mean_probabilities(logits: np.ndarray) -> np.ndarray:
    """Average the answers of thinned networks, shape (n, 6)."""
    return np.asarray(softmax(logits.astype(np.float64), axis=-1).mean(axis=0))


def summary(p: np.ndarray, classes: np.ndarray) -> list[str]:
    """Format how right and how honest answers are."""
    right, confidence = p.argmax(axis=1) == classes, p.max(axis=1)
    return [
        f"{right.mean():.2%}",
        f"{in_first(p, classes + 1, 2).mean():.2%}",
        f"{calibration_error(confidence, right):.2%}",
        f"{(~right & (confidence > SURE)).mean():.2%}",
    ]


def scale(
    logits: np.ndarray, factors: np.ndarray | float, shifts: np.ndarray | float = 0
) -> np.ndarray:
    """Scale logits as the calibration does."""
    return logits * factors + shifts


def best_temperature(logits: np.ndarray, classes: np.ndarray) -> float:
    """Find the one factor for all logits with the least log loss of the mean."""
    places = np.arange(len(classes))

    def cost(log_factor: float) -> float:
        scaled = log_softmax(logits * np.exp(log_factor), axis=-1)[:, places, classes]
        return float(np.log(len(logits)) - logsumexp(scaled, axis=0).mean())

    return float(np.exp(minimize_scalar(cost, bounds=(-2, 2), method="bounded").x))


def scaling_rows(logits: list[np.ndarray], sets: list[HeldOut], name: str) -> Iterator[list[str]]:
    """Calibrate on the first half of both tracks, and measure on the second one of each."""
    half = len(sets[0].classes) // 2
    first = np.concatenate([values[:, :half] for values in logits], axis=1)
    truth = np.concatenate([held_out.classes[:half] for held_out in sets])
    scalings = {
        "one temperature": (best_temperature(first, truth), 0.0),
        "class by class": find_scaling(first, truth),
    }
    for scaling, (factors, shifts) in scalings.items():
        for values, held_out in zip(logits, sets, strict=True):
            p = mean_probabilities(scale(values[:, half:], factors, shifts))
            yield [name, scaling, held_out.track, *summary(p, held_out.classes[half:])]


def timid_rows(logits: list[np.ndarray], sets: list[HeldOut]) -> Iterator[list[str]]:
    """Divide the logits of the shipped network."""
    for divisor in (1.0, 1.15, 1.3, 1.5):
        for values, held_out in zip(logits, sets, strict=True):
            p = mean_probabilities(scale(values, 1 / divisor))
            yield [f"{divisor:g}", held_out.track, *summary(p, held_out.classes)]


def sure_errors(logits: np.ndarray, held_out: HeldOut) -> str:
    """Ask the lattice fit about the windows in which the network is wrong and sure."""
    p = mean_probabilities(logits)
    answers = p.argmax(axis=1)
    wrong = np.flatnonzero((answers != held_out.classes) & (p.max(axis=1) > SURE))
    if not wrong.size:
        return f"None of {len(p):,} windows is wrong and sure.\n"
    fits = fit_lattices(held_out.windows(wrong))
    right = fits.label - 1 == held_out.classes[wrong]
    pairs = np.stack([held_out.classes[wrong], answers[wrong]])
    kinds, place = np.unique(pairs, axis=1, return_inverse=True)
    rows = [
        [CLASSES[true], CLASSES[said], str((place == i).sum()), str(right[place == i].sum())]
        for i, (true, said) in enumerate(kinds.T)
    ]
    return f"""{len(wrong)} of {len(p):,} windows of the {held_out.track} track are wrong with a
probability above 0.9; the lattice fit names {right.sum()} of them right.

{markdown_table(["true", "answer", "windows", "fit right"], rows)}"""


def thinned(network: keras.Model, dropout: float) -> keras.Model:
    """Give a network with the same weights that is sampled with another dropout."""

    def copy(layer: keras.Layer) -> keras.Layer:
        changed = {"rate": dropout} if isinstance(layer, keras.layers.Dropout) else {}
        return type(layer).from_config(layer.get_config() | changed)

    other = keras.models.clone_model(network, clone_function=copy)
    other.set_weights(network.get_weights())
    return other


def main() -> None:
    """Study a shipped network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=12_000, help="windows a track")
    parser.add_argument("--network", default=DEFAULT, help="a shipped network or a .keras file")
    parser.add_argument("--write", action="store_true", help="write docs/network-study.md")
    options = parser.parse_args()

    sets = [HeldOut.draw(track, options.windows) for track in TRACK_NAMES]
    network = load_model(options.network).network
    as_shipped = [thinned_logits(network, each.spectra, SAMPLES) for each in sets]
    rows: list[list[str]] = []
    for dropout in (0.05, 0.1, 0.2):
        other = thinned(network, dropout)
        logits = [thinned_logits(other, each.spectra, SAMPLES) for each in sets]
        rows += scaling_rows(logits, sets, f"{dropout:.0%}")
    quality = ["track", "top-1", "top-2", "calibration error", "wrong above 90 %"]
    text = f"""# A look into the network

Made by `make bench-network`: {options.windows:,} windows a track that no training has seen,
{SAMPLES} thinned networks. What the columns mean is in [accuracy.md](accuracy.md).

## Where it is wrong and sure

{sure_errors(as_shipped[0], sets[0])}
## How it is sampled, and how it is calibrated

Trained with 20 % dropout, sampled with less. One temperature for all logits, or a factor and a
shift for each class: fitted on half of the windows of both tracks together, measured on the rest.

{markdown_table(["dropout in sampling", "scaling", *quality], rows)}
## What a timid scale would give

All logits of the shipped network divided by the same number.

{markdown_table(["divisor", *quality], list(timid_rows(as_shipped, sets)))}"""
    print(text)
    if options.write:
        (DOCS / "network-study.md").write_text(text)


if __name__ == "__main__":
    main()
