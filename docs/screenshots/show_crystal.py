"""Drive the dock "Crystal", and save what is seen to docs/images/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtTest import QTest
from window import LEFT, PLUGIN, open_viewer, take_screenshot, wait_until

from napari_lattice_symmetry import AnalysisParameters
from napari_lattice_symmetry.crystals import project, prototype
from napari_lattice_symmetry.lattice.drawing import count_electrons

if TYPE_CHECKING:
    import napari
    from qtpy.QtWidgets import QWidget

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


def show_family(viewer: napari.Viewer, dock: QWidget) -> None:
    """Break silicon, and show what is left of it as layers."""
    viewer.layers.clear()
    dock.structures.crystals.item(dock.structures.crystals.count() - 1).setSelected(True)
    dock.tabs.setCurrentWidget(dock.family)
    dock.family.sliders["vacancies"].setValue(30)
    dock.family.sliders["displacement"].setValue(4)
    wait_until(lambda: dock.family.symmetry is not None and not dock.family.is_busy, seconds=60)
    for layer in dock.family.add_layers()[1:]:
        layer.visible = False
    viewer.reset_view()
    take_screenshot(viewer, "napari-family.png")


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
        dock.structures.add_listed(name)
    QTest.mouseClick(dock.match.task.button, LEFT)
    wait_until(lambda: not dock.match.task.is_running, seconds=600)
    viewer.dims.set_current_step(0, 3)
    QTest.qWait(3000)  # the sentence gets its lines when there is time
    take_screenshot(viewer, "napari-crystal.png")
    show_family(viewer, dock)
    viewer.close()


if __name__ == "__main__":
    main()
