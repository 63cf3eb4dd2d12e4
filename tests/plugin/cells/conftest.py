"""A shown window with the dock of unit cells in it, over a film half of which is a crystal."""

from __future__ import annotations

import re

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.lattice import LABELS
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.plugin.layers.result_layers import result_layers

SHAPE, CRYSTAL, A = (200, 330), 200, 12.0  # noise from column CRYSTAL on
BASIS = cell(A, A, 120) @ rotation(12)
PIXEL = 0.3161 / A  # nm, if it is MoS2


@pytest.fixture(scope="module")
def frames():
    """Two frames of a honeycomb whose two kinds of atoms are unlike: p3m1."""
    points = lattice_points(BASIS, SHAPE, (100, 100), 30)
    atoms = np.concatenate([points, points + (2 * BASIS[0] + BASIS[1]) / 3])
    bright = np.repeat([1.0, 0.4], len(points))
    inside = atoms[:, 0] < CRYSTAL
    image = draw_atoms(atoms[inside], bright[inside], 1.8, SHAPE) + 0.2
    rng = np.random.default_rng(0)
    return np.array([count_electrons(image, 60, rng) for _ in range(2)])


class Dock:
    """A shown window with the dock in it."""

    def __init__(self, viewer, qtbot):
        self.viewer, self.qtbot = viewer, qtbot
        _, self.widget = viewer.window.add_plugin_dock_widget(
            "napari-lattice-symmetry", "Unit cell"
        )
        viewer.window.resize(1280, 800)
        self.settle()
        viewer.reset_view()

    def settle(self):
        bars = (self.widget.cell.bar, self.widget.strain.bar, self.widget.pixel.bar)
        self.qtbot.waitUntil(lambda: not any(bar.is_running for bar in bars))
        QTest.qWait(50)

    def choose(self, text):
        box = self.widget.chooser.where
        box.setCurrentText(text)
        assert box.currentText() == text
        box.activated.emit(box.currentIndex())
        self.settle()

    def click(self, y, x):
        canvas = self.viewer.window._qt_viewer.canvas.native
        camera = getattr(self.viewer, "scene", self.viewer).camera  # since napari 0.9 in the scene
        world = np.array(self.viewer.layers[0].data_to_world((0, y, x))[-2:])
        middle = np.array([canvas.height(), canvas.width()]) / 2
        down, right = middle + (world - camera.center[-2:]) * camera.zoom
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(round(right), round(down)))
        self.settle()

    def press(self, button):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        self.settle()

    @property
    def averaged(self):
        return self.widget.cell.averaged

    @property
    def answer(self):
        cell = self.widget.cell
        return re.sub(r"<[^>]+>", " ", f"{cell.answer.text()} {cell.details.text()}").strip()


@pytest.fixture
def open_dock(qtbot):
    """Open the dock in a shown viewer."""
    return lambda viewer: Dock(viewer, qtbot)


@pytest.fixture
def dock(make_shown_viewer, open_dock, frames):
    viewer = make_shown_viewer()
    viewer.add_image(frames, name="film")
    viewer.dims.set_current_step(0, 0)
    dock = open_dock(viewer)
    dock.click(100, 90)
    return dock


@pytest.fixture
def calibrated(dock):
    layer = dock.viewer.layers["film"]
    layer.scale, layer.units = (1, PIXEL, PIXEL), ("pixel", "nm", "nm")
    dock.settle()
    return dock


@pytest.fixture
def analyzed(dock, fake_model):
    """A result with lattice maps, in which all is hexagonal."""
    layer = dock.viewer.layers["film"]
    movie = Movie.from_array(layer.data, name="film")
    result = analyze(movie, model=fake_model, window=96, stride=52, samples=3, lattice_maps=True)
    result.labels[:] = LABELS["hexagonal"]
    origin = {"source_layer": "film", "source_id": str(layer.unique_id), "channel": None}
    geometry = LayerGeometry.of_calibration(movie)
    for data, arguments, _kind in result_layers(result, geometry, maps=["labels"], origin=origin):
        dock.viewer.add_labels(data, **arguments)
    dock.settle()
    return dock
