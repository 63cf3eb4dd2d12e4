"""How soon the live preview and the inspector answer, in a real window.

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/live.py --write

prints the time from a change of a setting to the first, coarse map of a 512 x 512 frame and to the
whole one, and from a click to the figure of that window with 5000 samples; with ``--write`` the
tables also go to ``docs/live-speed.md``. Each change is made `--repeats` times, between values that
were used before.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import napari
from metrics import markdown_table
from qtpy.QtTest import QTest
from speed import machine

DOCS = Path(__file__).parents[1] / "docs"
PLUGIN = "napari-lattice-symmetry"
CHANGES: dict[str, tuple[Any, Any]] = {
    "window": (112, 128),
    "stride": (24, 16),
    "samples": (50, 100),
    "seed": (1, 0),
    "distortion": (((1.0, 0.05), (0.0, 1.0)), None),
    "network": ("published", "compact"),
}


def wait_until(condition: Callable[[], bool]) -> None:
    """Let napari work until `condition` holds."""
    while not condition():
        QTest.qWait(5)


def seconds(change: Callable[[], object], is_done: Callable[[], bool]) -> float:
    """Time a change in the window until its result is drawn."""
    start = perf_counter()
    change()
    wait_until(is_done)
    return perf_counter() - start


def measure_preview(viewer: napari.Viewer, repeats: int) -> Iterator[list[str]]:
    """Change each setting to and fro."""
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")
    told: list[str] = []
    dock.preview.told.connect(told.append)
    dock.preview.box.setChecked(True)
    wait_until(lambda: bool(told))
    for name, values in CHANGES.items():
        first, whole = [], []
        for n, value in zip(range(2 * repeats + 2), cycle(values), strict=False):
            before = len(told)
            start = perf_counter()
            dock.parameters[name].value = value
            wait_until(lambda before=before: len(told) > before)
            seen = perf_counter() - start
            wait_until(lambda before=before: any("coarse" not in each for each in told[before:]))
            if n >= 2 and value == values[1]:  # both were used once, and this is the default
                first.append(seen)
                whole.append(perf_counter() - start)
        yield [name, *(f"{of(times):.2f} s" for times in (first, whole) for of in (median, max))]
    viewer.window.remove_dock_widget(dock.parent())


def measure_inspector(viewer: napari.Viewer, repeats: int) -> Iterator[list[str]]:
    """Move the window by a stride, as an arrow key does."""
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Inspect a window")
    wait_until(lambda: dock.inspection is not None)
    seen: list[object] = []
    dock.requests.done.connect(seen.append)
    times = []
    for n in range(repeats + 2):
        before = len(seen)
        taken = seconds(
            lambda n=n: dock.move_by(0, (-1) ** n), lambda before=before: len(seen) > before
        )
        start = perf_counter()
        dock.canvas.draw()
        if n >= 2:
            times.append(taken + perf_counter() - start)
    samples = dock.inspection.parameters.samples
    yield [f"{samples} samples", f"{median(times):.2f} s", f"{max(times):.2f} s"]


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write docs/live-speed.md")
    options = parser.parse_args()
    viewer = napari.Viewer()
    viewer.open_sample(PLUGIN, "two-grains")
    header = ["median", "slowest"]
    maps = [f"{kind}, {each}" for kind in ("first map", "whole map") for each in header]
    preview = list(measure_preview(viewer, options.repeats))
    inspector = list(measure_inspector(viewer, options.repeats))
    viewer.close()
    text = f"""# How soon the docks answer

Made by `make bench-live` on: {machine()}; {os.getloadavg()[0]:.1f} programs at
work. {options.repeats} changes each, between values used before.

From a change of a setting to the new map, 512 x 512 px, window 128 px, stride 16 px, 100 samples.
The first map is coarse, of some windows along each side; 0.2 s were aimed at.

{markdown_table(["change of", *maps], preview)}

From an arrow key to the figure of the next window:

{markdown_table(["inspector", *header], inspector)}
"""
    print(text)
    if options.write:
        (DOCS / "live-speed.md").write_text(text)


if __name__ == "__main__":
    main()
