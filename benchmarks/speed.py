"""How fast the analysis is, against its floor and against the plain ways to do the same.

    python benchmarks/speed.py --write

prints the table; with ``--write`` it also goes to ``docs/performance.md``. All rows are
measured in one run, as medians of `--repeats`; ratios survive a slower or busier machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft
from metrics import markdown_table

from napari_lattice_symmetry.lattice import simulate
from napari_lattice_symmetry.model import load_model
from napari_lattice_symmetry.model.dataset import CHUNK, TRAINING, draw_chunks, plan_chunks
from napari_lattice_symmetry.model.dropout import compiled
from napari_lattice_symmetry.model.engine import keras
from napari_lattice_symmetry.spectrum import WindowGrid
from napari_lattice_symmetry.spectrum.cartesian import cartesian_spectrum
from napari_lattice_symmetry.spectrum.polar import polar_spectrum

if TYPE_CHECKING:
    from napari_lattice_symmetry.model.classifier import Classifier

DOCS = Path(__file__).parents[1] / "docs"
SAMPLES = 100


def seconds(action: Callable[[], Any], repeats: int, warm: int = 1) -> float:
    """Median time of an action, after `warm` untimed calls."""
    for _ in range(warm):
        action()
    times = []
    for _ in range(repeats):
        start = perf_counter()
        action()
        times.append(perf_counter() - start)
    return median(times)


def convolution_rate(repeats: int) -> float:
    """Best rate of one large convolution on this machine, in multiply-adds a second."""
    n, side, channels, filters, kernel = 32, 64, 32, 64, 5
    images = keras.ops.convert_to_tensor(
        np.random.default_rng(0).normal(size=(n, side, side, channels)).astype(np.float32)
    )
    weights = keras.ops.ones((kernel, kernel, channels, filters))
    convolve = compiled(lambda x: keras.ops.conv(x, weights, padding="same"))
    work = n * side**2 * kernel**2 * channels * filters
    times = []
    for _ in range(3 * repeats):
        start = perf_counter()
        keras.ops.convert_to_numpy(convolve(images))
        times.append(perf_counter() - start)
    return work / min(times)


def multiply_adds(network: keras.Model) -> int:
    """Multiply-adds of the convolutions and dense layers of a network, for one window."""
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            _, rows, columns, _ = layer.output.shape
            total += rows * columns * int(np.prod(layer.kernel.shape))
        elif isinstance(layer, keras.layers.Dense):
            total += int(np.prod(layer.kernel.shape))
    return total


def plain_loop(model: Classifier, spectra: np.ndarray, passes: int) -> None:
    """Run the network with dropout on, as a whole, so many times over all windows."""
    for _ in range(passes):
        keras.ops.convert_to_numpy(model.network(spectra, training=True))


def import_seconds(module: str, repeats: int) -> float:
    """Time an import in a fresh interpreter, without the interpreter's own start."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(repeats)
    ]
    return median(times)


def machine() -> str:
    """Name processor, cores and versions."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        name = next((line.split(":")[1].strip() for line in lines if "model name" in line), name)
    return (
        f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"Keras {keras.__version__} on {keras.backend.backend()}"
    )


def measure(repeats: int) -> list[list[str]]:
    """Measure all rows."""
    polar, published = load_model("polar"), load_model("published")
    frame = simulate("two-grains").movie.frame(0)
    grid = WindowGrid(frame.shape, 128, 16)
    views = grid.windows(frame)
    windows = views.reshape(-1, 128, 128).astype(np.float32)

    whole = seconds(lambda: polar.classify(views, SAMPLES), repeats)
    transform = seconds(lambda: scipy.fft.rfft2(windows, axes=(1, 2), workers=-1), repeats)
    rate = convolution_rate(repeats)
    floor = transform + grid.size * multiply_adds(polar.network) / rate

    # The plain loops are linear in the passes: two passes of each are enough to extrapolate.
    spectra = polar_spectrum(windows)[..., np.newaxis]
    batched = seconds(lambda: plain_loop(polar, spectra, 2), 3) / 2 * SAMPLES
    one = cartesian_spectrum(windows[:1])[..., np.newaxis]
    single = seconds(lambda: plain_loop(published, one, 50), 3) / 50 * 5000
    our_single = whole / grid.size * 5000 / SAMPLES
    of_one = seconds(lambda: polar.classify(windows[:1], 5000), repeats)

    plan = plan_chunks("polar", ("paper", "instrument"), 40 * CHUNK, 0, TRAINING)
    drawn = draw_chunks(plan)
    next(drawn)  # processes have started
    start = perf_counter()
    n_drawn = sum(len(classes) for _, classes in drawn)
    drawing = n_drawn / (perf_counter() - start)

    return [
        ["512 x 512 frame, 625 windows, 100 MC samples", f"{whole:.3f} s"],
        ["its floor: FFTs and the network once, at this machine's rate", f"{floor:.3f} s"],
        ["ratio to the floor", f"{whole / floor:.2f}"],
        [
            "best convolution rate, a multiply-add as two operations",
            f"{2 * rate / 1e9:.0f} GFLOP/s",
        ],
        ["network, multiply-adds a window", f"{multiply_adds(polar.network) / 1e6:.1f} million"],
        ["the same by the plain loop `model(x, training=True)`", f"{batched:.1f} s"],
        ["times faster than the plain loop", f"{batched / whole:.0f}"],
        ["one image as published, 5000 passes one by one", f"{single:.1f} s"],
        ["times faster than as published, a window of a frame", f"{single / our_single:.0f}"],
        ["5000 MC samples of one window", f"{of_one:.3f} s"],
        [
            "`import napari_lattice_symmetry`",
            f"{import_seconds('napari_lattice_symmetry', 5):.3f} s",
        ],
        ["simulated training windows", f"{drawing:.0f} a second"],
    ]


def main() -> None:
    """Print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    text = f"""# Performance

Made by `make bench` on: {machine()}. Medians of {options.repeats}, all in one run.

{markdown_table(["what", "measured"], measure(options.repeats))}
"""
    print(text)
    if options.write:
        (DOCS / "performance.md").write_text(text)


if __name__ == "__main__":
    main()
