"""Correct a distorted image and map a grain boundary in napari; save what is seen.

The images are not part of this repository: LATTICE_SYMMETRY_DATA names their folder.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtWidgets import QApplication
from window import PLUGIN, open_viewer, take_screenshot, wait_until

from napari_lattice_symmetry import AnalysisParameters
from napari_lattice_symmetry.plugin.layers.result_group import show_map

if TYPE_CHECKING:
    import napari

DATA = Path(os.environ.get("LATTICE_SYMMETRY_DATA", ""))


def open_file(file: str) -> tuple[napari.Viewer, object]:
    """Open a file and the analysis dock."""
    viewer = open_viewer()
    viewer.open(DATA / file, plugin=PLUGIN)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")
    wait_until(lambda: dock.summary.period is not None, seconds=120)
    return viewer, dock


def show_correction() -> None:
    """Mark a part of the published graphite image, undo its distortion, and analyze it."""
    viewer, dock = open_file("images/stm_graphite_vasudevan2018_MOESM4.tif")
    viewer.layers[0].name = "graphite STM"
    dock.parameters.set_values(AnalysisParameters(window=168, stride=16, samples=50))
    dock.correction.open_button.click()
    dock.correction.mark()
    rectangle = np.array([[40, 40], [40, 290], [280, 290], [280, 40]])
    dock.correction.region.value.add_rectangles(rectangle)
    dock.correction.measure()
    wait_until(lambda: dock.parameters.values().distortion is not None, seconds=120)
    dock.correction.write()
    dock.run_button.click()
    wait_until(lambda: dock.run.is_over, seconds=600)
    viewer.reset_view()
    take_screenshot(viewer, "napari-correction.png")
    viewer.close()


def show_orientation() -> None:
    """Map the orientation of graphene across a grain boundary."""
    viewer, dock = open_file("movies/graphene_hrtem_Dyna1_all.tif")
    settings = {"window": 72, "stride": 8, "samples": 20, "first_frame": 3, "last_frame": 3}
    dock.parameters.set_values(AnalysisParameters(**settings, lattice_maps=True))
    dock.run_button.click()
    wait_until(lambda: dock.run.is_over, seconds=600)
    show_map(viewer.layers, dock.run.layers[0], "orientation").opacity = 0.6
    take_screenshot(viewer, "napari-orientation.png")
    viewer.close()


def main() -> None:
    """Take both screenshots."""
    if not DATA.name:
        print("LATTICE_SYMMETRY_DATA is not set: the pictures of real images are left as they are.")
        return
    show_correction()
    show_orientation()
    QApplication.processEvents()


if __name__ == "__main__":
    main()
