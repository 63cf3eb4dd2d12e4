"""What all screenshots share: the window, waiting for what goes on in it, and saving it.

Nothing that was remembered in other sessions is seen on them.

To look at another screen or theme, set SCREENSHOT_SIZE (such as 1920x1060), SCREENSHOT_THEME (dark
or light) and SCREENSHOT_FOLDER, so that the pictures of the pages stay.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import napari
import numpy as np
from napari.settings import get_settings
from PIL import Image
from qtpy.QtCore import QSettings, Qt
from qtpy.QtTest import QTest

IMAGES = Path(os.environ.get("SCREENSHOT_FOLDER", Path(__file__).parents[1] / "images"))
SIZE = os.environ.get("SCREENSHOT_SIZE", "1280x780")  # a screen of 1280 x 800 has a bar
THEME = os.environ.get("SCREENSHOT_THEME", "")
PLUGIN = "napari-lattice-symmetry"
EXACT, VISIBLE = 32, 8
"""How many colors of a picture are exact, and which differences of others count."""
LEFT = Qt.MouseButton.LeftButton
FORGOTTEN = TemporaryDirectory()
QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, FORGOTTEN.name)


def open_viewer(theme: str = "dark") -> napari.Viewer:
    """Open napari, by default as large as a small screen."""
    get_settings().application.save_window_geometry = False
    viewer = napari.Viewer()
    viewer.theme = THEME or theme
    width, height = map(int, SIZE.split("x"))
    viewer.window.resize(width, height)
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
    shot = Image.fromarray(viewer.screenshot(canvas_only=False, flash=False)).convert("RGB")
    with_few_colors(shot).save(IMAGES / name, optimize=True)


def with_few_colors(image: Image.Image) -> Image.Image:
    """Return a picture of 256 colors, which takes half of the place.

    Its last colors are those that the others would change most, such as those of a legend.
    """
    few = image.quantize(256 - EXACT, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    pixels = np.asarray(image)
    off = np.abs(pixels - np.asarray(few.convert("RGB"), dtype=np.int16)).max(axis=2)
    colors, counts = np.unique(pixels[off > VISIBLE], axis=0, return_counts=True)
    exact = colors[np.argsort(counts)[-EXACT:]]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*few.getpalette()[: 3 * (256 - EXACT)], *exact.ravel().tolist()])
    return image.quantize(palette=palette, dither=Image.Dither.NONE)
