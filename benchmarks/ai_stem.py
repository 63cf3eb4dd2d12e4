"""What AI-STEM's public network costs beside the one here: by arithmetic, and run here.

    python benchmarks/ai_stem.py --image Fe_bcc_100.npy --write

prints the table; with ``--write`` it also goes to ``docs/ai-stem.md``. AI-STEM asks for a
TensorFlow that no supported Python has, so its network is built anew, layer by layer as its public
file of weights describes it, with other weights: time does not depend on them. The image is the one
of its examples, or any other of 512 x 512 px; without ``--image`` one is simulated.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
from metrics import markdown_table
from speed import DOCS, SAMPLES, default_frame, machine, multiply_adds

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.spectrum import WindowGrid

WINDOW, STRIDE = 100, 36
"""Its defaults, in pixels."""

FILTERS, DROPPED, UNITS, CLASSES = ((32, 32), (16, 16), (8, 8)), 0.07, 128, 10


def public_network() -> keras.Model:
    """Build AI-STEM's network: dropout stands after every layer, from the first one on."""
    layers = keras.layers
    network = keras.Sequential([keras.Input((64, 64, 1))])
    for level, pair in enumerate(FILTERS):
        if level:
            network.add(layers.MaxPooling2D())
        for filters in pair:
            network.add(layers.Conv2D(filters, 3, padding="same"))
            network.add(layers.LeakyReLU())
            network.add(layers.Dropout(DROPPED))
    network.add(layers.Flatten())
    network.add(layers.Dense(UNITS, "relu"))
    network.add(layers.Dropout(DROPPED))
    network.add(layers.Dense(CLASSES, "softmax"))
    return network


def head_multiply_adds(network: keras.Model) -> int:
    """Count what a pass of our network repeats: all that stands after the first dropout."""
    kinds = [isinstance(layer, keras.layers.Dropout) and layer.rate > 0 for layer in network.layers]
    return sum(map(multiply_adds, network.layers[kinds.index(True) :]))


def main() -> None:
    """Print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", type=Path, help="its example image, Fe_bcc_100.npy")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write docs/ai-stem.md")
    options = parser.parse_args()
    frame = default_frame() if options.image is None else np.load(options.image)
    image = options.image.name if options.image else "simulated"
    told = f" --image {image}" if options.image else ""
    n = WindowGrid(frame.shape, WINDOW, STRIDE).size
    public, ours = public_network(), load_model()
    spectra = np.random.default_rng(0).random((n, *public.input_shape[1:]), np.float32)

    def seconds(answer: str) -> float:
        start = process_time()
        if answer == "a pass":
            keras.ops.convert_to_numpy(public(spectra, training=True))
        else:
            analyze(frame, window=WINDOW, stride=STRIDE, samples=SAMPLES, answer=answer)
        return process_time() - start

    times: dict[str, list[float]] = {"a pass": [], "network": [], "verdict": []}
    for turn in range(1 + options.repeats):  # the first warms up
        for answer, taken in times.items():
            spent = seconds(answer)
            if turn:
                taken.append(spent)
    took = {answer: median(taken) / n for answer, taken in times.items()}
    took["a pass"] *= SAMPLES
    once, again = multiply_adds(ours.network), head_multiply_adds(ours.network)
    work = {
        "a pass": SAMPLES * multiply_adds(public),
        "network": once + (SAMPLES - 1) * again,
        "verdict": once + (SAMPLES - 1) * again,
    }
    names = {
        "a pass": f"AI-STEM's network, {SAMPLES} passes, nothing else",
        "network": f"all of this, {SAMPLES} samples, network alone",
        "verdict": f"all of this, {SAMPLES} samples, verdict",
    }
    rows = [
        [
            name,
            f"{work[answer] / 1e6:,.0f}",
            f"{1e3 * took[answer]:.1f} ms",
            f"{took['a pass'] / took[answer]:.0f}",
        ]
        for answer, name in names.items()
    ]
    header = ["what", "million multiply-adds a window", "processor time a window", "times faster"]
    text = f"""# Beside AI-STEM

Made by `python benchmarks/ai_stem.py{told} --write` on: {machine()}. Medians of
{options.repeats}, all in one run, taking turns; processor time of all threads, since it says
the same on a busy machine.

[AI-STEM](https://github.com/AndreasLeitherer/ai4stem) names crystal and zone axis of windows of
STEM images (see the [references](method.md#references)). Its list of requirements asks for
TensorFlow 2.10 at most, of which there is none for Python 3.11 or later, so it cannot be
installed beside this package. Its network is built anew here as its public file of weights
describes it: {multiply_adds(public) / 1e6:.0f} million multiply-adds for a spectrum of 64 x 64
values, with dropout after the first layer already. So each of its passes is a pass through all of
it. Here only what stands behind the first dropout is sampled: {again / 1e6:.2f} of
{once / 1e6:.0f} million multiply-adds.

The image is {image}, {frame.shape[0]} x {frame.shape[1]} px, with AI-STEM's own windows of
{WINDOW} px and stride of {STRIDE} px: {n} windows.

{markdown_table(header, rows)}
Multiply-adds of samples are those of a plain loop over what is sampled; the first dense layer
takes fewer. AI-STEM's spectra, and its way to cut out windows pixel by pixel in Python, are not in
its row. The two answer different questions: ten crystals and zone axes at a fixed scale there, six
classes of symmetry at any scale here.
"""
    print(text)
    if options.write:
        (DOCS / "ai-stem.md").write_text(text)


if __name__ == "__main__":
    main()
