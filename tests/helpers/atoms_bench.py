"""A movie of known atoms, and a stand-in that finds bright peaks, in a window with the dock."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from scipy.ndimage import gaussian_filter, maximum_filter

from napari_lattice_symmetry.atoms import Atoms
from napari_lattice_symmetry.lattice.drawing import draw_atoms
from napari_lattice_symmetry.plugin.atoms.widget import AtomsWidget

SHAPE, SPACING, SIGMA = (96, 128), 16.0, 3.0
SITES = np.array([(x, y) for y in range(8, 96, 16) for x in range(8, 128, 16)], float)
FAINT, MISSING = 11, 20
"""Rows of an atom that is half as bright as the others, and of one that is not there."""


def find_peaks(movie, *, spacing=None, samples=10, confidence=0.5, seed=0, refine=True):
    """Stand in for the network: maxima are atoms, the surer the brighter."""
    assert len(movie) == 1
    assert samples > 0
    image = gaussian_filter(movie.frame(0).astype(float), 1)
    spacing = spacing or SPACING
    peaks = (image == maximum_filter(image, 2 * int(spacing / 3) + 1)) & (image > 0.05)
    y, x = np.argwhere(peaks).T
    height = image[y, x]
    sure = height / (0.9 * image.max() + 1e-9)
    kept = sure >= confidence
    n = int(kept.sum())
    return Atoms.at(
        y[kept],
        x[kept],
        confidence=np.clip(sure[kept], 0, 1),
        intensity=height[kept],
        sigma=np.full(n, SIGMA),
        y_error=np.full(n, 0.05),
        x_error=np.full(n, 0.05),
        spacing=spacing,
        pixel_size=movie.pixel_size if movie.calibrated else None,
        name=movie.name,
    )


def draw_film():
    """Draw three frames: all atoms, one missing, and nothing."""
    bright = np.ones(len(SITES))
    bright[FAINT] = 0.6
    whole = draw_atoms(SITES, bright, SIGMA, SHAPE)
    bright[MISSING] = 0
    return np.stack([whole, draw_atoms(SITES, bright, SIGMA, SHAPE), np.zeros(SHAPE)])


class AtomsBench:
    """A shown window with the dock in it."""

    def __init__(self, viewer, qtbot, finder=find_peaks):
        self.viewer, self.qtbot = viewer, qtbot
        self.widget = AtomsWidget(viewer, finder)
        self.dock = viewer.window.add_dock_widget(self.widget, name="Atoms")
        viewer.window.resize(1280, 800)
        self.settle()

    def settle(self):
        QTest.qWait(30)  # what was done is noticed when there is time
        self.qtbot.waitUntil(lambda: not self.widget.is_busy)
        QTest.qWait(20)

    def press(self, button):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        self.settle()

    def find(self, **form):
        for name, value in form.items():
            self.widget.searching.form[name].value = value
        self.press(self.widget.searching.bar.button)

    @property
    def layer(self):
        return self.widget.current.layer

    @property
    def status(self):
        return self.widget.searching.bar.status.text()
