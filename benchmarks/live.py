"""How soon the live preview, the inspector and the dock "Crystal" answer, in a real window.

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/live.py --write

prints the time from a change of a setting to the first, coarse map of a 512 x 512 frame and to the
whole one, from a click to the figure of that window with 5000 samples, and from a move of a slider
that breaks a crystal to the figure of what is left; with ``--write`` the tables also go to
``docs/live-speed.md``. Each change is made `--repeats` times, of settings between values that were
used before.
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
SETTLED = 300  # ms between two moves of a slider
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


def measure_sliders(viewer: napari.Viewer, repeats: int) -> Iterator[list[str]]:
    """Move each slider that breaks a crystal, until the figure of what is left is drawn.

    First at rest, then as in a drag, while the last move is still answered by spglib.
    """
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Crystal")
    tab = dock.family
    dock.structures.add_listed("Si")
    dock.tabs.setCurrentWidget(tab)
    wait_until(lambda: tab.symmetry is not None and not tab.is_busy)
    for name, slider in tab.sliders.items():
        for title, is_ready in (
            (name, lambda: tab.symmetry is not None and not tab.is_busy),
            (f"{name}, while spglib works", lambda: True),
        ):
            times = []
            for n in range(repeats + 2):
                before = tab.found
                taken = seconds(
                    lambda n=n, slider=slider: slider.setValue(5 + 2 * n),
                    lambda before=before: tab.found is not before and tab.canvas.is_drawn,
                )
                times.append(taken)
                wait_until(is_ready)
                QTest.qWait(SETTLED)
            yield [title, f"{median(times[2:]):.3f} s", f"{max(times[2:]):.3f} s"]
        slider.setValue(0)
    viewer.window.remove_dock_widget(dock.parent())


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
    sliders = list(measure_sliders(viewer, options.repeats))
    viewer.close()
    text = f"""# How soon the docks answer

Made by `make bench-live` on: {machine()}; {os.getloadavg()[0]:.1f} programs at
work. {options.repeats} changes each, between values used before.

From a change of a setting to the new map, 512 x 512 px, window 128 px, stride 16 px, 100 samples.
The first map is coarse, of some windows along each side; 0.2 s were aimed at.

{markdown_table(["change of", *maps], preview)}

From an arrow key to the figure of the next window:

{markdown_table(["inspector", *header], inspector)}

From a move of a slider in the dock *Crystal*, tab *Family*, to the drawn figure of silicon with
these defects, its fingerprint and what both networks call it; 0.1 s were aimed at. spglib, which is
asked after 0.15 s without a move, has answered before the next move, or is still at work.

{markdown_table(["slider", *header], sliders)}
"""
    print(text)
    if options.write:
        (DOCS / "live-speed.md").write_text(text)


if __name__ == "__main__":
    main()
