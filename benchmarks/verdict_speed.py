"""What a verdict on a frame costs: network, lattice fit, evidence, and whatever is around them."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from metrics import markdown_table

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.bravais.evidence import of_pixels
from napari_lattice_symmetry.lattice import simulate
from napari_lattice_symmetry.spectrum import WindowGrid

SAMPLES = 100
WHOLE, RUN = "verdict", "`analyze`, the verdict by default"
FIT = "lattice fit"


def measure(repeats: int = 5) -> dict[str, float]:
    """Measure processor times in s, of all threads: medians of what takes turns."""
    frame = simulate("two-grains").movie.frame(0)
    windows = WindowGrid(frame.shape, 128, 16).windows(frame).reshape(-1, 128, 128)
    model = nls.load_model()
    actions: dict[str, Callable[[], Any]] = {
        "network, its spectra included": lambda: model.classify(windows, SAMPLES),
        FIT: lambda: nls.fit_lattices(windows),
        "evidence": lambda: of_pixels(windows),
        WHOLE: lambda: nls.classify(windows, SAMPLES),
        RUN: lambda: nls.analyze(frame),
    }
    spent: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(1 + repeats):
        for name, action in actions.items():
            start = time.process_time()
            action()
            if turn:  # the first warms up
                spent[name].append(time.process_time() - start)
    return {name: median(times) for name, times in spent.items()}


def table(spent: dict[str, float]) -> str:
    """Lay it out, with the shares of the verdict."""
    rows = [
        [name, f"{1e3 * seconds:.0f} ms", f"{seconds / spent[WHOLE]:.0%}"]
        for name, seconds in spent.items()
    ]
    return markdown_table(["part", "processor time", "share of the verdict"], rows)


if __name__ == "__main__":
    print(table(measure()))
