"""The moving picture at the top of README and site: a class map fills in, and is played."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from qtpy.QtCore import QPoint
from qtpy.QtGui import QCursor
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from window import IMAGES, PLUGIN, open_viewer, wait_until

from napari_lattice_symmetry import AnalysisParameters

WIDTH, COLORS, STEPS = 720, 96, 14
"""Pixels, colors and played frames: what stays below 3 MB."""


def main(path: Path) -> None:
    """Open the sample movie, run it with a click, and play the result."""
    viewer = open_viewer()
    shots: list[Image.Image] = []

    def shoot(times: int = 1) -> None:
        window = Image.fromarray(viewer.screenshot(canvas_only=False, flash=False)).convert("RGB")
        height = round(WIDTH * window.height / window.width)
        shots.extend([window.resize((WIDTH, height), Image.Resampling.LANCZOS)] * times)

    viewer.open_sample(PLUGIN, "growing-holes")
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")
    wait_until(lambda: "periods" in widget.summary.window_text.text(), seconds=60)
    viewer.reset_view()  # the dock has its width by now
    widget.parameters.set_values(AnalysisParameters(window=64, stride=16, samples=20, frame_step=8))
    QCursor.setPos(widget.window().mapToGlobal(QPoint(600, 300)))
    QTest.qWait(500)
    shoot(3)
    widget.run_button.click()
    wait_until(lambda: widget.run.n_done > 0, seconds=1200)
    shoot(2)
    wait_until(lambda: widget.run.is_over, seconds=1200)
    for step in np.linspace(0, viewer.dims.nsteps[0] - 1, STEPS).astype(int):
        viewer.dims.set_current_step(0, int(step))
        QTest.qWait(200)
        shoot()
    shoot(3)
    viewer.close()
    QApplication.processEvents()
    palette = shots[-1].quantize(COLORS, dither=Image.Dither.NONE)
    first, *rest = (shot.quantize(palette=palette, dither=Image.Dither.NONE) for shot in shots)
    first.save(path, save_all=True, append_images=rest, duration=400, loop=0, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES / "napari.gif")
