"""Drive the dock "Watch a folder" while a movie is written, and save what is seen."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tifffile
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from window import LEFT, PLUGIN, open_viewer, take_screenshot, wait_until

from napari_lattice_symmetry import AnalysisParameters, Movie, read_movie, simulate


def write(movie: Movie, folder: Path, pause: float) -> None:
    """Write a movie as a microscope does: a calibrated file a frame, one after the other."""
    y, x = movie.pixel_size
    for index, frame in enumerate(np.asarray(movie.frames)):
        tifffile.imwrite(
            folder / f"frame_{index:04d}.tif",
            frame,
            imagej=True,
            resolution=(1 / x, 1 / y),
            metadata={"unit": movie.unit},
        )
        time.sleep(pause)


def show_watch(movie: Movie, settings: AnalysisParameters, theme: str, name: str) -> None:
    """Watch a folder that `movie` is written to, and look when half of it is analyzed."""
    viewer = open_viewer(theme)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Watch a folder")
    dock.parameters.set_values(settings)
    with TemporaryDirectory() as place:
        folder = Path(place) / movie.name
        folder.mkdir()
        dock.place.setText(str(folder))
        QTest.mouseClick(dock.button, LEFT)
        writer = threading.Thread(target=write, args=(movie, folder, 0.05))
        writer.start()
        wait_until(lambda: dock.run.n_done >= len(movie) // 2, seconds=600)
        viewer.reset_view()
        take_screenshot(viewer, name)
        writer.join()
        dock.stop()
        wait_until(lambda: dock.run.is_over, seconds=60)
        viewer.close()
        QApplication.processEvents()


def main() -> None:
    """Watch the sample movie as it is written, and a real one where there is one."""
    movie = simulate("growing-holes").movie
    show_watch(movie, AnalysisParameters(window=96, stride=16), "dark", "napari-watch.png")
    data = os.environ.get("LATTICE_SYMMETRY_DATA")
    if data is not None:
        movie = read_movie(Path(data) / "movies" / "graphene_hrtem_Dyna1_all.tif")
        settings = AnalysisParameters(window=64, stride=8)
        show_watch(movie, settings, "light", "napari-watch-graphene.png")


if __name__ == "__main__":
    main()
