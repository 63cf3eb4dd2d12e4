"""Draw the figures of Vasudevan et al. 2018 with the networks of this package.

    LATTICE_SYMMETRY_DATA=folder python benchmarks/figures.py

writes PNG files to ``docs/images``. The two figures of real images need the folder of real
images and are left out, saying so, without it.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.bravais.dataset import BENCHMARK
from napari_lattice_symmetry.bravais.training_images import PAPER, draw_windows
from napari_lattice_symmetry.lattice import CLASSES, COLORS, LABELS, simulate
from napari_lattice_symmetry.spectrum import WindowGrid
from napari_lattice_symmetry.spectrum.cartesian import cartesian_spectrum

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from napari_lattice_symmetry.bravais.classifier import Classification, Classifier

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SHORT = ("square", "rect.", "cent. rect.", "hex.", "oblique", "noise")
SAMPLES = 5000  # as in the paper
GRAPHITE = "images/stm_graphite_vasudevan2018_MOESM4.tif"


def show_spectrum(axes: Axes, window: np.ndarray) -> None:
    """Show the low frequencies of a window's FFT amplitude."""
    axes.imshow(np.sqrt(cartesian_spectrum(window[np.newaxis])[0]), cmap="magma")
    axes.set_axis_off()


def show_probabilities(axes: Axes, found: Classification, index: int) -> None:
    """Show the six probabilities of a window as bars with standard deviations."""
    axes.bar(
        SHORT,
        found.mean[index],
        yerr=found.std[index],
        color=[COLORS[name] for name in CLASSES],
        capsize=3,
    )
    axes.set(ylim=(0, 1.05), ylabel="probability")
    axes.tick_params(axis="x", rotation=40)


def validation_examples(model: Classifier) -> Figure:
    """Show eighteen validation windows with their answers (Fig. 2)."""
    windows, labels = draw_windows(18, PAPER, seed=(2, BENCHMARK, 0))
    found = model.classify(windows, samples=SAMPLES)
    figure = Figure(figsize=(13, 10), layout="constrained")
    for i, axes in enumerate(figure.subplots(3, 6).flat):
        wrong = found.label[i] != labels[i]
        show_spectrum(axes, windows[i])
        if wrong:
            print(f"wrong: {SHORT[found.label[i] - 1]} ({found.mean[i].max():.2f})")
        axes.set_title(
            f"found {SHORT[found.label[i] - 1]} ({found.mean[i].max():.2f})\n"
            f"true {SHORT[labels[i] - 1]}",
            color="crimson" if wrong else "black",
            fontsize=10,
        )
    return figure


def wrong_confidence(model: Classifier) -> Figure:
    """Compare the confidence of right and of wrong answers (Fig. 3a)."""
    windows, labels = draw_windows(1200, PAPER, seed=(3, BENCHMARK, 0))
    found = model.classify(windows, samples=100)
    confidence, wrong = found.mean.max(axis=1), found.label != labels
    second = np.argsort(-found.mean, axis=1)[:, 1] + 1 == labels
    title = f"{wrong.sum()} of {len(labels)} wrong; second answer right in {second[wrong].sum()}"
    print(title)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    bins = np.linspace(0.2, 1, 17)
    axes.hist(confidence[~wrong], bins, alpha=0.4, density=True, color="gray", label="right")
    axes.hist(confidence[wrong], bins, alpha=0.8, density=True, color="crimson", label="wrong")
    axes.set(
        xlabel="probability of the answer",
        ylabel="density",
        title=title,
    )
    axes.legend(frameon=False)
    return figure


def one_window(model: Classifier) -> Figure:
    """Show the least sure of some windows with its probabilities (Fig. 3b, c)."""
    windows, labels = draw_windows(60, PAPER, seed=(4, BENCHMARK, 0))
    index = int(model.classify(windows, samples=100).entropy.argmax())
    found = model.classify(windows[index : index + 1], samples=SAMPLES)
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    image, spectrum, bars = figure.subplots(1, 3)
    image.imshow(windows[index], cmap="gray")
    image.set_axis_off()
    image.set_title(f"true class: {CLASSES[labels[index] - 1]}")
    show_spectrum(spectrum, windows[index])
    show_probabilities(bars, found, 0)
    return figure


def window_sizes(model: Classifier, data: Path) -> Figure:
    """Look at a real graphite image through smaller and smaller windows (Fig. 3d, e)."""
    frame = nls.read_movie(data / GRAPHITE).frame(0)
    side = min(frame.shape)
    sizes = [side, side // 2, side // 4]
    figure = Figure(figsize=(12, 6), layout="constrained")
    for column, size in enumerate(sizes):
        spectrum, bars = (figure.add_subplot(2, 3, column + 1 + 3 * row) for row in (0, 1))
        window = frame[(side - size) // 2 :, (side - size) // 2 :][:size, :size]
        show_spectrum(spectrum, window)
        spectrum.set_title(f"{size} px")
        show_probabilities(bars, model.classify(window[np.newaxis], samples=SAMPLES), 0)
    return figure


def edge_cases(model: Classifier, data: Path) -> Figure:
    """Show a drift-sheared STM image of graphite (Fig. 5)."""
    frame = nls.read_movie(data / GRAPHITE).frame(0)
    side = min(frame.shape)
    window = frame[:side, :side]
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    image, spectrum, bars = figure.subplots(1, 3)
    image.imshow(window, cmap="gray")
    image.set_axis_off()
    show_spectrum(spectrum, window)
    show_probabilities(bars, model.classify(window[np.newaxis], samples=SAMPLES), 0)
    return figure


def embedding(model: Classifier) -> Figure:
    """Embed the 128 features of 1000 windows by t-SNE, perplexity 10 (Fig. 4)."""
    from openTSNE import TSNE

    windows, labels = draw_windows(1000, PAPER, seed=(5, BENCHMARK, 0))
    places = TSNE(perplexity=10, random_state=0, n_jobs=-1).fit(model.features(windows))
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.add_subplot()
    for name in CLASSES:
        chosen = labels == LABELS[name]
        axes.scatter(*np.asarray(places)[chosen].T, s=8, color=COLORS[name], label=name)
    axes.set(xticks=[], yticks=[])
    axes.legend(frameon=False, markerscale=2, fontsize=8)
    return figure


def square_to_hexagonal(model: Classifier) -> Figure:
    """Plot probabilities while a lattice turns from square to hexagonal (Supplementary Fig. 5)."""
    simulated = simulate("square-to-hexagonal")
    angles = simulated.parameters["angle"]
    grid = WindowGrid(simulated.movie.shape[1:], 128, 128)
    mean = [
        model.classify(grid.windows(simulated.movie.frame(t)), samples=500).mean.mean(axis=0)
        for t in range(len(simulated.movie))
    ]
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    for name, probability in zip(CLASSES, np.transpose(mean), strict=True):
        axes.plot(angles, probability, color=COLORS[name], label=name)
    axes.set(xlabel="angle of the rhombic cell (degrees)", ylabel="probability", xlim=(90, 60))
    axes.legend(frameon=False, fontsize=8)
    return figure


def main() -> None:
    """Draw all figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="polar", help="the page tells of %(default)s")
    options = parser.parse_args()
    model = nls.load_model(options.network)
    figures = {
        "paper-fig2-examples": lambda: validation_examples(model),
        "paper-fig3a-confidence": lambda: wrong_confidence(model),
        "paper-fig3bc-one-window": lambda: one_window(model),
        "paper-fig4-tsne": lambda: embedding(model),
        "paper-figS5-square-to-hexagonal": lambda: square_to_hexagonal(model),
    }
    data = os.environ.get("LATTICE_SYMMETRY_DATA")
    if data:
        figures["paper-fig3de-window-size"] = lambda: window_sizes(model, Path(data))
        figures["paper-fig5-edge-case"] = lambda: edge_cases(model, Path(data))
    else:
        print("LATTICE_SYMMETRY_DATA is not set: the figures of real images are left out.")
    for name, draw in figures.items():
        draw().savefig(IMAGES / f"{name}.png", dpi=80)
        print(IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
