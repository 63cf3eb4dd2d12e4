"""A window with a movie, its result and the dock of phase evolution."""

from __future__ import annotations

import numpy as np
from napari.layers import Layer
from qtpy.QtCore import QPoint, Qt

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.plugin.layers.result_layers import result_layers

PLUGIN = "napari-lattice-symmetry"
N_FRAMES, FRAME_TIME, PIXEL = 24, 2.0, 0.05
HOLE, FILM = 55, 35  # gray values that the stand-in network calls noise and hexagonal


def make_frames(scale=1.0):
    """A film with a round hole that grows exponentially."""
    y, x = np.mgrid[:128, :160]
    times = np.arange(N_FRAMES) * FRAME_TIME
    areas = scale * (1500 + 20 * np.exp(0.12 * times))
    distance = np.hypot(y - 64, x - 90)
    frames = np.where(distance < np.sqrt(areas / np.pi)[:, None, None], HOLE, FILM)
    noise = np.random.default_rng(0).normal(0, 0.5, frames.shape)
    return (frames + noise).astype(np.float32)


class Bench:
    """A window with a movie, its result and the dock."""

    def __init__(self, viewer, qtbot, model):
        self.viewer, self.qtbot, self.model = viewer, qtbot, model
        self.image = self.add_movie("film", make_frames())
        self.result, self.layers = self.add_result(self.image)
        _, self.widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Phase evolution")
        self.curves, self.kinetics = self.widget.curves, self.widget.kinetics
        self.settle()

    def add_movie(self, name, frames):
        return self.viewer.add_image(
            frames,
            name=name,
            scale=(FRAME_TIME, PIXEL, PIXEL),
            units=("s", "nm", "nm"),
            axis_labels=("t", "y", "x"),
        )

    def add_result(self, image):
        movie = Movie(
            image.data,
            name=image.name,
            pixel_size=(PIXEL, PIXEL),
            unit="nm",
            frame_time=FRAME_TIME,
        )
        parameters = AnalysisParameters(window=32, stride=8, samples=5)
        result = analyze(movie, parameters, model=self.model)
        origin = {"source_layer": image.name, "channel": None}
        geometry = LayerGeometry.of_layer(image)
        layers = [
            self.viewer.add_layer(Layer.create(*each))
            for each in result_layers(result, geometry, maps=["labels"], origin=origin)
        ]
        return result, layers

    def settle(self):
        def is_idle():
            parts = (self.curves, self.kinetics, self.widget.brightness)
            return not any(part.is_busy for part in parts)

        self.qtbot.waitUntil(is_idle)

    def add_region(self, name="region", corners=((1.5, 3.0), (1.5, 6.0), (5.0, 6.0), (5.0, 3.0))):
        return self.viewer.add_shapes([np.array(corners)], shape_type="polygon", name=name)

    def choose(self, box, text):
        """Choose an entry with the keys, as a person does."""
        box.setFocus()
        self.qtbot.keyClick(box, Qt.Key.Key_Home)
        for _ in range(box.count()):
            if box.currentText() == text:
                break
            self.qtbot.keyClick(box, Qt.Key.Key_Down)
        assert box.currentText() == text
        box.activated.emit(box.currentIndex())
        self.settle()

    def open_kinetics_of_nothing(self):
        bar = self.widget.tabs.tabBar()
        center = bar.tabRect(1).center()
        self.qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=center)
        self.settle()

    def open_kinetics(self):
        self.open_kinetics_of_nothing()
        self.qtbot.waitUntil(lambda: bool(self.kinetics.fits))

    def place(self, canvas, time):
        """Find the pixel of a canvas at a time."""
        canvas.draw()
        axes = canvas.figure.axes[0]
        x, y = axes.transData.transform((time, np.mean(axes.get_ylim())))
        ratio = canvas.device_pixel_ratio
        return QPoint(round(x / ratio), round((canvas.figure.bbox.height - y) / ratio))

    def drag(self, canvas, start, end):
        left = Qt.MouseButton.LeftButton
        self.qtbot.mousePress(canvas, left, pos=self.place(canvas, start))
        self.qtbot.mouseMove(canvas, pos=self.place(canvas, end))
        self.qtbot.mouseRelease(canvas, left, pos=self.place(canvas, end))

    def curve(self, name):
        return next(curve for curve in self.curves.curves if curve.name == name)


def hint(shown):
    """Return what the figure of the kinetics says where there is nothing to draw."""
    return " ".join(
        " ".join(text.get_text().split()) for text in shown.kinetics.canvas.figure.texts
    )
