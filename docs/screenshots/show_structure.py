"""Drive the dock "Structure without labels", and save what is seen to docs/images/."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPoint
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from window import LEFT, PLUGIN, open_viewer, take_screenshot, wait_until

from napari_lattice_symmetry import AnalysisParameters

if TYPE_CHECKING:
    from napari_lattice_symmetry.plugin.structure.embedding_tab import EmbeddingTab


def show_unmixing(image: Path) -> None:
    """Unmix two grains of iron, which a class map shows in one color."""
    viewer = open_viewer("light")
    viewer.open(str(image), plugin=PLUGIN)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Structure without labels")
    QTest.mouseClick(dock.unmixing.task.button, LEFT)
    wait_until(lambda: not dock.unmixing.task.is_running, seconds=600)
    take_screenshot(viewer, "napari-unmixing.png")
    viewer.close()
    QApplication.processEvents()


def show_embedding() -> None:
    """Analyze the sample of two grains, embed its windows, and draw a loop around some."""
    viewer = open_viewer("dark")
    viewer.open_sample(PLUGIN, "two-grains")
    _, analysis = viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")
    analysis.parameters.set_values(AnalysisParameters(window=96, stride=12, samples=20))
    analysis.run_button.click()
    wait_until(lambda: analysis.run.is_over, seconds=600)
    viewer.window.remove_dock_widget(analysis)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Structure without labels")
    tab = dock.embedding
    dock.tabs.setCurrentWidget(tab)
    QTest.mouseClick(tab.task.button, LEFT)
    wait_until(lambda: not tab.task.is_running, seconds=600)
    viewer.reset_view()
    QTest.qWait(500)
    labels = np.asarray(analysis.run.result.labels)[tuple(tab.embedded.embedding.places.T)]
    draw_loop(tab, tab.embedded.embedding.points[labels == 4])
    wait_until(lambda: bool(tab.link.lit.any()), seconds=60)
    QTest.mouseClick(tab.question.button, LEFT)
    wait_until(lambda: tab.cluster is not None, seconds=600)
    take_screenshot(viewer, "napari-embedding.png")
    viewer.close()
    QApplication.processEvents()


def draw_loop(tab: EmbeddingTab, points: np.ndarray) -> None:
    """Draw a loop by mouse around most of some points."""
    canvas = tab.canvas
    turn = np.linspace(0, 2 * np.pi, 40)
    loop = np.median(points, axis=0) + 2.2 * points.std(axis=0) * np.c_[np.cos(turn), np.sin(turn)]
    x, y = canvas.figure.axes[0].transData.transform(loop).T / canvas.device_pixel_ratio
    spots = [QPoint(round(a), round(canvas.height() - b)) for a, b in zip(x, y, strict=True)]
    QTest.mousePress(canvas, LEFT, pos=spots[0])
    for spot in spots:
        QTest.mouseMove(canvas, spot)
        QTest.qWait(10)
    QTest.mouseRelease(canvas, LEFT, pos=spots[-1])


def main() -> None:
    """Show both tabs; the first on a real image, if that is there."""
    data = os.environ.get("LATTICE_SYMMETRY_DATA")
    if data:
        show_unmixing(Path(data) / "images" / "Fe_bcc100_grainboundary.npy")
    else:
        print("LATTICE_SYMMETRY_DATA is not set: the picture of a real image is left as it is.")
    show_embedding()


if __name__ == "__main__":
    main()
