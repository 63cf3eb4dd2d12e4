"""How fast the analysis is, against its floor and against the plain ways to do the same.

    python benchmarks/speed.py --write

prints the tables; with ``--write`` they also go to ``docs/performance.md``. All rows are
measured in one run, as medians of `--repeats`, and what is compared takes turns; ratios survive a
slower or busier machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import group_speed
import history
import numpy as np
import scipy.fft
import verdict_speed
from metrics import markdown_table

from napari_lattice_symmetry import __version__
from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.classifier import BLOCK
from napari_lattice_symmetry.bravais.dataset import CHUNK, TRAINING, plan_chunks
from napari_lattice_symmetry.lattice import simulate
from napari_lattice_symmetry.networks.drawing import draw_chunks
from napari_lattice_symmetry.networks.engines.keras_engine import compiled, split_at_dropout
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.networks.layers import TurnedDense
from napari_lattice_symmetry.spectrum import WindowGrid
from napari_lattice_symmetry.spectrum.cartesian import cartesian_spectrum
from napari_lattice_symmetry.spectrum.polar import polar_spectrum

if TYPE_CHECKING:
    from napari_lattice_symmetry.bravais.classifier import Classifier

DOCS = Path(__file__).parents[1] / "docs"
SAMPLES = 100


def seconds(action: Callable[[], Any], repeats: int, warm: int = 1) -> float:
    """Median time of an action, after `warm` untimed calls."""
    return seconds_each({"": action}, repeats, warm)[""]


def seconds_each(
    actions: dict[str, Callable[[], Any]], repeats: int, warm: int = 1
) -> dict[str, float]:
    """Median times of actions that take turns, after `warm` untimed rounds."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(warm + repeats):
        for name, action in actions.items():
            start = perf_counter()
            action()
            if turn >= warm:
                times[name].append(perf_counter() - start)
    return {name: median(values) for name, values in times.items()}


def default_frame() -> np.ndarray:
    """Draw a frame of 512 x 512 px."""
    return simulate("two-grains").movie.frame(0)


def default_views() -> np.ndarray:
    """View such a frame as windows on the default grid."""
    frame = default_frame()
    return WindowGrid(frame.shape, 128, 16).windows(frame)


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


def multiply_adds(layer: keras.Layer) -> int:
    """Multiply-adds of a convolution or dense layer, or of all in a network, for one window."""
    if isinstance(layer, keras.Model):
        return sum(map(multiply_adds, layer.layers))
    if isinstance(layer, keras.layers.Conv2D):
        _, rows, columns, _ = layer.output.shape
        return rows * columns * int(np.prod(layer.kernel.shape))
    if isinstance(layer, keras.layers.Dense):
        return int(np.prod(layer.kernel.shape))
    if isinstance(layer, TurnedDense):
        return len(layer.products[0]) * layer.width * layer.units
    return 0


def layer_rows(network: keras.Model, spectra: np.ndarray, n: int, repeats: int) -> list[list[str]]:
    """Time each layer of the trunk by itself; the times are for a frame of `n` windows."""
    x, actions, work = keras.ops.convert_to_tensor(spectra), {}, {}
    for layer in split_at_dropout(network)[0].layers[1:]:
        actions[layer.name] = partial(compiled(layer), x)
        work[layer.name] = multiply_adds(layer)
        x = layer(x)
    times = seconds_each(actions, repeats)
    return [
        [
            name.replace("_", " "),
            f"{1e3 * n / len(spectra) * times[name]:.0f} ms",
            f"{work[name] / 1e6:.1f}" if work[name] else "",
            f"{2 * work[name] * len(spectra) / times[name] / 1e9:.0f}" if work[name] else "",
        ]
        for name in actions
    ]


def plain_pass(model: Classifier, spectra: np.ndarray) -> np.ndarray:
    """Run the network with dropout on, as a whole: one of the passes of the plain loop."""
    passed: np.ndarray = keras.ops.convert_to_numpy(model.network(spectra, training=True))
    return passed


def share_outside(model: Classifier, frames: np.ndarray, repeats: int) -> float:
    """Share of a run into a file that is spent outside spectra, trunk and heads."""
    spans: list[tuple[float, float]] = []

    def timed(action: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            start = perf_counter()
            try:
                return action(*args)
            finally:
                spans.append((start, perf_counter()))

        return run

    heads = model._heads(SAMPLES, 0)
    shares = []
    with (
        patch.object(model, "_spectra_block", timed(model._spectra_block)),
        patch.object(model._engine, "trunk", timed(model._engine.trunk)),
        patch.object(heads, "sums", timed(heads.sums)),
    ):
        for _ in range(1 + repeats):
            with tempfile.TemporaryDirectory() as folder:
                spans.clear()
                start = perf_counter()
                analyze(
                    frames,
                    output=Path(folder) / "run.zarr",
                    model=model,
                    samples=SAMPLES,
                    answer="network",
                )
                shares.append(1 - covered(spans) / (perf_counter() - start))
    return median(shares[1:])


def covered(spans: list[tuple[float, float]]) -> float:
    """Return the time that spans cover: the spectra of a block are taken beside the trunk."""
    total, end = 0.0, 0.0
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


def in_window(repeats: int) -> dict[str, Any]:
    """Run `window.py` in fresh processes; give median times, and how late ticks came."""
    command = [sys.executable, str(Path(__file__).with_name("window.py"))]
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        command = ["xvfb-run", "-a", "-s", "-screen 0 1280x800x24", *command]
    runs = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as settings:
            environment = {**os.environ, "XDG_CONFIG_HOME": settings}
            done = subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, check=True, text=True
            )
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    late = np.concatenate([run["late"] for run in runs])
    return {
        "cold": median(run["cold"] for run in runs),
        "warm": median(run["warm"] for run in runs),
        "late": float(np.percentile(late, 95)),
        "stall": median(max(run["late_cold"]) for run in runs),
    }


def drawing_rate() -> float:
    """Count the training windows simulated a second, by all processes."""
    drawn = draw_chunks(plan_chunks("polar", ("paper", "instrument"), 40 * CHUNK, 0, TRAINING))
    next(drawn)  # processes have started
    start = perf_counter()
    return sum(len(classes) for _, classes in drawn) / (perf_counter() - start)


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
        f"{name} ({instruction_set()}), {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, {load_model().engine}, Keras {keras.__version__} on "
        f"{keras.backend.backend()}"
    )


def instruction_set() -> str:
    """Name the widest vector instructions of the processor, as far as Linux tells them."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text().split() if cpuinfo.exists() else []
    widest = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "asimd": "NEON"}
    return next((widest[flag] for flag in widest if flag in flags), platform.machine())


@dataclass(frozen=True)
class Row:
    """One figure, and what it should be."""

    what: str
    aim: str
    measured: str
    reached: bool

    def cells(self) -> list[str]:
        """Lay it out for a table."""
        return [self.what, self.aim, self.measured, "yes" if self.reached else "no"]


def at_most(what: str, measured: float, aim: float, form: str = "{:.2f} s") -> Row:
    """Make a row of a figure that should be small."""
    return Row(what, f"at most {form.format(aim)}", form.format(measured), measured <= aim)


def at_least(what: str, measured: float, aim: float, form: str = "{:,.0f}") -> Row:
    """Make a row of a figure that should be great."""
    return Row(what, f"at least {form.format(aim)}", form.format(measured), measured >= aim)


def report(repeats: int) -> tuple[list[Row], str]:
    """Measure everything, and tell it: the figures that have aims, and the page."""
    polar, published = load_model(), load_model("published")
    views = default_views()
    flat = views.reshape(-1, *views.shape[2:])
    n, blocks = len(flat), len(flat) / BLOCK
    windows, block = flat.astype(np.float32), flat[:BLOCK]
    spectra = polar_spectrum(flat)[..., np.newaxis]
    features, counted = polar._engine.trunk(spectra[:BLOCK]), np.ones(BLOCK)
    heads = polar._heads(SAMPLES, 0)
    one = cartesian_spectrum(flat[:1])[..., np.newaxis]

    took = seconds_each(
        {
            "frame": lambda: polar.classify(views, SAMPLES),
            "plain": lambda: plain_pass(polar, spectra),
            "transforms": lambda: scipy.fft.rfft2(windows, axes=(1, 2), workers=-1),
            "spectra": lambda: polar._spectra_block(block, None),
            "trunk": lambda: polar._engine.trunk(spectra[:BLOCK]),
            "heads": lambda: heads.sums(features, counted),
            "published": lambda: plain_pass(published, one),
            "many of one": lambda: polar.classify(flat[:1], 5000),
            "many of all": lambda: polar.classify(views, 5000),
        },
        repeats,
    )
    rate = convolution_rate(repeats)
    once = n * multiply_adds(polar.network) / rate
    floor = took["transforms"] + once
    plain, single = SAMPLES * took["plain"], 5000 * took["published"]
    transformed, trunk, sampled = (blocks * took[part] for part in ("spectra", "trunk", "heads"))
    frames = np.stack([np.roll(default_frame(), t, axis=1) for t in range(10)])
    window, groups = in_window(repeats), group_speed.measure(repeats)
    verdict = verdict_speed.measure(repeats)

    aims = [
        at_most(
            f"512 x 512 frame, {n} windows, {SAMPLES} MC samples", took["frame"], 0.2, "{:.3f} s"
        ),
        at_most("the same against its floor, see below", took["frame"] / floor, 2, "{:.2f} times"),
        at_least("times faster than the plain loop", plain / took["frame"], 150),
        at_least(
            "times faster than as published, a window of a frame with 5000 samples",
            single / (took["many of all"] / n),
            1000,
        ),
        at_least("the same, one window by itself", single / took["many of one"], 1000),
        at_most("5000 MC samples of one window", took["many of one"], 0.5, "{:.3f} s"),
        at_most(
            "share of a run into a file outside spectra, trunk and heads",
            share_outside(polar, frames, repeats),
            0.1,
            "{:.1%}",
        ),
        at_most("first result after clicking Run in a new session", window["cold"], 2),
        at_most("first result after clicking Run again", window["warm"], 1),
        at_most(
            "a 10 ms timer in napari while a run goes on: late by, 95th percentile",
            1e3 * window["late"],
            50,
            "{:.0f} ms",
        ),
        at_most(
            "`import napari_lattice_symmetry`",
            import_seconds("napari_lattice_symmetry", repeats),
            0.3,
            "{:.3f} s",
        ),
        at_least("simulated training windows a second", drawing_rate(), 1000),
        at_most(
            f"lattice fit of a frame, {n} windows, processor time",
            verdict[verdict_speed.FIT],
            0.25,
        ),
        at_most("plane group of a window, processor time", groups.group, 10, "{:.1f} ms"),
        at_most("map of classes and plane groups, 512 x 512 frame, stride 32", groups.map, 3),
    ]
    parts = {
        "spectra: FFT and resampling": transformed,
        "trunk": trunk,
        "heads: thinned networks and their sums": sampled,
        "the rest": took["frame"] - transformed - trunk - sampled,
    }
    profile = [
        [part, f"{1e3 * time:.0f} ms", f"{time / took['frame']:.0%}"]
        for part, time in parts.items()
    ]
    layers = layer_rows(polar.network, spectra[:BLOCK], n, repeats)
    trunk_rate = 2 * n * multiply_adds(polar.network) / trunk
    text = f"""# Performance

Made by `make bench` on: {machine()}. Medians of {repeats}, all in one run.

{markdown_table(["what", "aim", "measured", "reached"], [row.cells() for row in aims])}
In the first run of a session napari's event loop stands still once, for {window["stall"]:.1f} s at
most. Of the processor time of a map with plane groups, these take {groups.share:.0%}.

## Where the time of a frame goes

{markdown_table(["part", "time", "share"], profile)}
The floor is {floor:.3f} s: the FFTs of all windows by `scipy.fft` ({took["transforms"]:.3f} s),
and the network's {multiply_adds(polar.network) / 1e6:.0f} million multiply-adds a window, once, at
{2 * rate / 1e9:.0f} GFLOP/s, the best rate of a convolution on this machine ({once:.3f} s).
The trunk runs at {trunk_rate / 1e9:.0f} GFLOP/s. Its layers, each by itself:

{markdown_table(["layer", "time", "million multiply-adds a window", "GFLOP/s"], layers)}
## What a verdict costs

Processor time of all threads, of the same frame. What the verdict takes beside the parts is for
the judges, who weigh them; `analyze` makes the maps of it, too.

{verdict_speed.table(verdict)}
## Against the plain loop

The plain loop runs `model(x, training=True)` over all {n} spectra once a sample: {SAMPLES} passes
of {took["plain"]:.3f} s, {plain:.1f} s in all. Here whatever stands before the first dropout runs
once, so the least that a frame can take is its trunk, and that alone would be {plain / trunk:.0f}
times faster; the floor, {plain / floor:.0f} times. With spectra and heads it is
{plain / took["frame"]:.0f} times.

## Against the published procedure

The published network, one image a call, takes {single:.1f} s for 5000 passes over one image. Here
5000 samples of all {n} windows of a frame take {took["many of all"]:.2f} s, which is
{1e3 * took["many of all"] / n:.1f} ms a window. A window alone takes {took["many of one"]:.3f} s,
{single / took["many of one"]:.0f} times less than as published.

What was done for speed, and tried in vain, is told in [speed-notes.md](speed-notes.md); how fast
other engines are in [engines.md](engines.md); and how memory and time grow with windows, frames
and machines in [scaling.md](scaling.md).
How these figures changed, tells [speed-history.md](speed-history.md).
"""
    return aims, text


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument(
        "--write", action="store_true", help="write the page, and add to the history"
    )
    options = parser.parse_args()
    aims, text = report(options.repeats)
    print(text)
    if options.write:
        (DOCS / "performance.md").write_text(text)
        figures = {row.what: row.measured for row in aims}
        history.append(date.today().isoformat(), __version__, machine(), figures)


if __name__ == "__main__":
    main()
