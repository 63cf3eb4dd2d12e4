"""What all screenshots share: the window, waiting for what goes on in it, and saving it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import napari
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

IMAGES = Path(__file__).parents[1] / "images"
PLUGIN = "napari-lattice-symmetry"
LEFT = Qt.MouseButton.LeftButton


def open_viewer(theme: str = "dark") -> napari.Viewer:
    """Open napari as large as a small screen."""
    get_settings().application.save_window_geometry = False
    viewer = napari.Viewer()
    viewer.theme = theme
    viewer.window.resize(1280, 780)
    return viewer


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Let napari work until `condition` holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"This took longer than {seconds} s.")
        QTest.qWait(50)


def take_screenshot(viewer: napari.Viewer, name: str) -> None:
    """Save the whole window."""
    QTest.qWait(500)  # thumbnails and the canvas are drawn when there is time
    IMAGES.mkdir(exist_ok=True)
    viewer.screenshot(str(IMAGES / name), canvas_only=False, flash=False)
