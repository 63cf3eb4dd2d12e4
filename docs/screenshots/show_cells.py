"""Average cells, find a pixel size, map plane groups and strain; save what is seen.

The real image is not part of this repository: LATTICE_SYMMETRY_DATA names its folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from window import IMAGES, PLUGIN, open_viewer, take_screenshot, wait_until

import napari_lattice_symmetry as nls
from napari_lattice_symmetry import AnalysisParameters
from napari_lattice_symmetry.cells.parameters import PERIODS
from napari_lattice_symmetry.plugin.layers.result_group import show_map
from napari_lattice_symmetry.spectrum.period import dominant_period

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


def draw_cell() -> None:
    """Draw the mean cell of MoS2, whose lattice is hexagonal before the scan sheared it."""
    movie = nls.read_movie(DATA / "images/MoS2_stem_Exp-001-5.npy")
    side = round(PERIODS * (dominant_period(movie.frame(0)) or 0))
    places = nls.places_of_frames(movie.shape[1:], [0], side)
    cell = nls.average_windows(movie, places, side, lattice="hexagonal").cell
    nls.cells.plot_cell(cell).savefig(IMAGES / "cell-mos2.png", dpi=100)


def draw_window() -> None:
    """Draw all that the inspector tells of a window of strontium titanate."""
    movie = nls.read_movie(DATA / "images/STO_001_haadf_nsid.hf5")
    height, width = movie.shape[1:]
    inspected = nls.inspection.inspect_window(
        movie, 0, (width / 2, height / 2), parameters=AnalysisParameters(window=256)
    )
    nls.inspection.plot_inspection(inspected).savefig(IMAGES / "inspector-cell.png", dpi=100)


def show_pixel_size() -> None:
    """Find the pixel size of the same image from the lattice that it is known to show."""
    viewer = open_viewer()
    viewer.open(DATA / "images/STO_001_haadf_nsid.hf5", plugin=PLUGIN)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Unit cell")
    dock.tabs.setCurrentWidget(dock.pixel)
    where = dock.chooser.where
    where.setCurrentIndex(where.findText("whole frame"))
    where.activated.emit(where.currentIndex())
    dock.pixel.form["lattice"].value = "SrTiO3 [001]"
    dock.pixel.bar.button.click()
    wait_until(lambda: dock.pixel.found is not None, seconds=60)
    take_screenshot(viewer, "napari-pixel-size.png")
    viewer.close()


def show_groups() -> None:
    """Map the plane groups of the sample of two grains."""
    viewer = open_viewer()
    viewer.open_sample(PLUGIN, "two-grains")
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")
    wait_until(lambda: dock.summary.period is not None, seconds=60)
    settings = {"window": 120, "stride": 12, "samples": 5}
    dock.parameters.set_values(AnalysisParameters(**settings, plane_groups=True))
    dock.run_button.click()
    wait_until(lambda: dock.run is not None and dock.run.is_over, seconds=600)
    show_map(viewer.layers, dock.run.layers[0], "plane_group")
    camera = getattr(viewer, "scene", viewer).camera  # since napari 0.9 in the scene
    camera.zoom *= 0.84  # so that the long legend lies beside the map
    z, y, x = camera.center
    camera.center = (z, y, x - 50 / camera.zoom)
    take_screenshot(viewer, "napari-groups.png")
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
    """Take all screenshots."""
    if DATA.name:
        show_cell()
        draw_cell()
        draw_window()
        show_pixel_size()
    else:
        print(
            "LATTICE_SYMMETRY_DATA is not set: the pictures of a real image are left as they are."
        )
    show_groups()
    show_strain()


if __name__ == "__main__":
    main()
