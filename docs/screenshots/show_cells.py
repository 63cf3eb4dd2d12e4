"""Average the cell of a real image and map the strain of a simulated movie; save what is seen.

The image is not part of this repository: LATTICE_SYMMETRY_DATA names its folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from window import PLUGIN, open_viewer, take_screenshot, wait_until

from napari_lattice_symmetry import AnalysisParameters

DATA = Path(os.environ.get("LATTICE_SYMMETRY_DATA", ""))


def show_cell() -> None:
    """Average the windows of strontium titanate, and put the cell on the image."""
    viewer = open_viewer()
    viewer.open(DATA / "images/STO_001_haadf_nsid.hf5", plugin=PLUGIN)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Unit cell")
    wait_until(lambda: not dock.cell.bar.is_running, seconds=60)
    dock.cell.layers_button.click()
    wait_until(lambda: not dock.cell.bar.is_running, seconds=60)
    take_screenshot(viewer, "napari-cell.png")
    viewer.close()


def show_strain() -> None:
    """Map the strain of the sample whose lattice turns from square to hexagonal."""
    viewer = open_viewer("light")
    viewer.open_sample(PLUGIN, "square-to-hexagonal")
    _, analysis = viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")
    wait_until(lambda: analysis.summary.period is not None, seconds=60)
    settings = {"window": 128, "stride": 8, "samples": 5, "last_frame": 4}
    analysis.parameters.set_values(AnalysisParameters(**settings, lattice_maps=True))
    analysis.run_button.click()
    wait_until(lambda: analysis.run is not None and analysis.run.is_over, seconds=600)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Unit cell")
    dock.tabs.setCurrentWidget(dock.strain)
    dock.strain.bar.button.click()
    wait_until(lambda: not dock.strain.bar.is_running, seconds=60)
    viewer.dims.set_current_step(0, 2)
    wait_until(lambda: not dock.cell.bar.is_running, seconds=60)
    take_screenshot(viewer, "napari-strain.png")
    viewer.close()


def main() -> None:
    """Take both screenshots."""
    if DATA.name:
        show_cell()
    else:
        print("LATTICE_SYMMETRY_DATA is not set: the picture of a real image is left as it is.")
    show_strain()


if __name__ == "__main__":
    main()
