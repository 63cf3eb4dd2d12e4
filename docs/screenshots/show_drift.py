"""Measure the drift of a movie, undo it, and draw its phases along a temperature."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from qtpy.QtWidgets import QApplication
from window import PLUGIN, open_viewer, take_screenshot, wait_until

import napari_lattice_symmetry as nls

SIDE, FRAMES = 256, 24


def walking_film() -> np.ndarray:
    """Draw a film with holes, seen by a stage that walks."""
    film = nls.simulate("growing-holes", frames=FRAMES, size=384).movie
    steps = np.random.default_rng(2).normal(0, 0.7, (FRAMES, 2)) + [0.9, -0.6]
    corners = np.clip(np.rint(np.cumsum(steps, axis=0)).astype(int) + [20, 60], 0, 384 - SIDE)
    return np.array(
        [np.asarray(film.frame(t))[y : y + SIDE, x : x + SIDE] for t, (y, x) in enumerate(corners)]
    )


def main() -> None:
    """Show both tabs."""
    viewer = open_viewer()
    movie = nls.Movie(walking_film(), name="walk", pixel_size=(0.02, 0.02), unit="nm", frame_time=2)
    calibrated = {"scale": (2, 0.02, 0.02), "units": ("s", "nm", "nm")}
    viewer.add_image(movie.frames, name="walk", axis_labels=("t", "y", "x"), **calibrated)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Phase evolution")
    dock.tabs.setCurrentWidget(dock.drift)
    viewer.reset_view()
    viewer.dims.set_current_step(0, 15)
    dock.drift.measure_button.click()
    wait_until(lambda: dock.drift.drift is not None, seconds=300)
    take_screenshot(viewer, "napari-drift.png")

    with tempfile.TemporaryDirectory() as folder:
        heated = nls.simulate("square-to-hexagonal", frames=21).movie
        nls.analyze(heated, window=128, stride=32, samples=20).save(Path(folder, "heated.zarr"))
        viewer.layers.clear()
        viewer.add_image(
            heated.frames,
            name=heated.name,
            scale=(1, *heated.pixel_size),
            units=("s", "nm", "nm"),
            axis_labels=("t", "y", "x"),
        )
        viewer.reset_view()
        viewer.open(Path(folder, "heated.zarr"), plugin=PLUGIN)
        kelvin = 300 + 400 * np.sin(np.linspace(0, 2.2, len(heated)))
        log = Path(folder, "log.csv")
        log.write_text("T (K)\n" + "\n".join(f"{value:.1f}" for value in kelvin) + "\n")
        dock.tabs.setCurrentWidget(dock.curves)
        wait_until(lambda: len(dock.curves.curves) > 0, seconds=60)
        dock.curves.along.open(log)
        viewer.dims.set_current_step(0, 6)
        take_screenshot(viewer, "napari-along.png")
    viewer.close()
    QApplication.processEvents()


if __name__ == "__main__":
    main()
