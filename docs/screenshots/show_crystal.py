"""Drive the dock "Crystal", and save what is seen to docs/images/."""

from __future__ import annotations

import numpy as np
from qtpy.QtTest import QTest
from window import LEFT, PLUGIN, open_viewer, take_screenshot, wait_until

from napari_lattice_symmetry import AnalysisParameters
from napari_lattice_symmetry.crystals import project, prototype
from napari_lattice_symmetry.lattice.drawing import count_electrons

PIXEL, SHAPE, FRAMES = 0.016, (384, 512), 6


def draw_movie() -> np.ndarray:
    """Draw strontium titanate that grows into copper along [1 1 0], below both a grain of iron."""
    rng = np.random.default_rng(0)
    copper, titanate, iron = (
        project(prototype(name), zone).picture(PIXEL, SHAPE, angle=angle)
        for name, zone, angle in (
            ("Cu", (1, 1, 0), 12),
            ("SrTiO3", (0, 0, 1), 25),
            ("Fe", (0, 0, 1), 5),
        )
    )
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    edges = np.linspace(80, 400, FRAMES)
    frames = [np.where(y > 250, iron, np.where(x < edge, titanate, copper)) for edge in edges]
    return np.array([count_electrons(frame, 30, rng) for frame in frames], dtype=np.float32)


def main() -> None:
    """Analyze the movie, and match four crystals to it."""
    viewer = open_viewer("dark")
    place = {"scale": (2, PIXEL, PIXEL), "units": ("s", "nm", "nm")}
    viewer.add_image(draw_movie(), name="growth", **place)
    _, analysis = viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")
    analysis.parameters.set_values(
        AnalysisParameters(window=128, stride=16, samples=20, lattice_maps=True)
    )
    analysis.run_button.click()
    wait_until(lambda: analysis.run.is_over, seconds=600)
    viewer.window.remove_dock_widget(analysis)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Crystal")
    for name in ("Cu", "SrTiO3", "Fe", "Au", "Si"):
        dock.add_listed(name)
    QTest.mouseClick(dock.task.button, LEFT)
    wait_until(lambda: not dock.task.is_running, seconds=600)
    viewer.dims.set_current_step(0, 3)
    take_screenshot(viewer, "napari-crystal.png")
    viewer.close()


if __name__ == "__main__":
    main()
