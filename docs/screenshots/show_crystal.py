"""Drive the dock "Crystal", and save what is seen to docs/images/."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from ase.io import write
from qtpy.QtCore import Qt
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


def show_symmetry(viewer: napari.Viewer, dock: QWidget) -> None:
    """Show over which tolerances titanate is cubic, with an atom that is 10 pm off its place."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "SrTiO3-off-center.cif"
        titanate = prototype("SrTiO3").atoms.copy()
        titanate.positions[titanate.symbols == "Ti", 2] += 0.1  # angstrom
        write(path, titanate)
        dock.structures.add_files([str(path)])
        select(dock, path.name)
        dock.tabs.setCurrentWidget(dock.symmetry)
        wait_until(lambda: dock.symmetry.found is not None, seconds=60)
        wait_until(lambda: not dock.symmetry.is_busy, seconds=60)
        take_screenshot(viewer, "napari-symmetry.png")


def show_projection(viewer: napari.Viewer, dock: QWidget) -> None:
    """Show titanate along [1 1 0], in the dock and as points."""
    viewer.layers.clear()
    select(dock, "SrTiO3")
    dock.tabs.setCurrentWidget(dock.projection)
    dock.projection.zone.setText("1 1 0")
    wait_until(lambda: dock.projection.found is not None, seconds=60)
    wait_until(lambda: not dock.projection.is_busy, seconds=60)
    dock.projection.add_layers()
    viewer.reset_view()
    take_screenshot(viewer, "napari-projection.png")


def select(dock: QWidget, name: str) -> None:
    """Select a crystal of the list alone."""
    crystals = dock.structures.crystals
    (item,) = crystals.findItems(name, Qt.MatchFlag.MatchExactly)
    crystals.clearSelection()
    item.setSelected(True)
    crystals.scrollToItem(item)


def show_family(viewer: napari.Viewer, dock: QWidget) -> None:
    """Break silicon, and show what is left of it as layers."""
    viewer.layers.clear()
    select(dock, "Si")
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
    show_projection(viewer, dock)
    show_symmetry(viewer, dock)
    viewer.close()


if __name__ == "__main__":
    main()
