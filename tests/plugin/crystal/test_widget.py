"""The dock "Crystal" in a real window, by mouse."""

from __future__ import annotations

import numpy as np
import pytest
from ase.io import write
from napari.layers import Labels, Layer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QInputDialog

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.crystals import project, prototype
from napari_lattice_symmetry.plugin.layers.legend import legend_of
from napari_lattice_symmetry.plugin.layers.result_layers import result_layers
from napari_lattice_symmetry.plugin.selection.source import take_source

LEFT = Qt.MouseButton.LeftButton
TIMEOUT = 60_000
PIXEL = 0.016


class CrystalBench:
    """The dock in a shown viewer with two frames of copper, the second half of SrTiO3."""

    def __init__(self, viewer, qtbot, network):
        self.viewer, self.qtbot, self.network = viewer, qtbot, network
        copper = project(prototype("Cu"), (1, 1, 0)).picture(PIXEL, (128, 256), angle=10)
        frames = np.stack([copper, copper]).astype(np.float32)
        frames[1, :, 128:] = project(prototype("SrTiO3")).picture(PIXEL, (128, 128), angle=20)
        place = {"scale": (1, PIXEL, PIXEL), "units": ("s", "nm", "nm")}
        self.image = viewer.add_image(frames, name="two", **place)
        _, self.dock = viewer.window.add_plugin_dock_widget("napari-lattice-symmetry", "Crystal")

    def add_result(self, *, lattice_maps=True):
        source = take_source(self.image)
        parameters = AnalysisParameters(
            window=128, stride=128, samples=2, lattice_maps=lattice_maps
        )
        self.result = analyze(source.movie, parameters, model=self.network)
        layers = result_layers(self.result, source.geometry, origin=source.origin)
        self.layers = [self.viewer.add_layer(Layer.create(*each)) for each in layers]

    def press(self, button):
        self.qtbot.mouseClick(button, LEFT)

    def match(self):
        self.press(self.dock.task.button)
        self.qtbot.waitUntil(lambda: not self.dock.task.is_running, timeout=TIMEOUT)

    def map(self):
        return next(layer for layer in self.viewer.layers if layer.name.startswith("crystals"))


@pytest.fixture
def bench(make_shown_viewer, qtbot, network):
    return CrystalBench(make_shown_viewer(), qtbot, network)


def test_files_and_listed_crystals_are_matched(bench, tmp_path, monkeypatch, messages):
    path = str(tmp_path / "titanate.cif")
    write(path, prototype("SrTiO3").atoms)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([path], ""))
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: ("Cu", True))
    dock = bench.dock
    bench.add_result()
    for button in (dock.add_button, dock.add_button, dock.listed_button):
        bench.press(button)
    assert [dock.crystals.item(row).text() for row in range(2)] == ["titanate.cif", "Cu"]
    assert dock.crystals.count() == 2, "a file is listed once"
    bench.match()
    assert not messages()
    layer = bench.map()
    assert isinstance(layer, Labels)
    np.testing.assert_array_equal(np.squeeze(layer.data), [[1, 1], [1, 2]])
    assert list(layer.features["crystal"])[:3] == ["no lattice", "Cu [1 1 0]", "titanate [0 0 1]"]
    class_map = bench.layers[-1]
    np.testing.assert_allclose(layer.scale, class_map.scale)
    np.testing.assert_allclose(layer.translate, class_map.translate)
    assert not layer.editable
    assert not class_map.visible
    legend = legend_of(layer)
    assert [name for _, name in legend.keys] == ["Cu [1 1 0]", "titanate [0 0 1]", "none of these"]
    assert dock.task.status.text() == "Cu [1 1 0]: 75%; titanate [0 0 1]: 25%."
    axes = dock.canvas.figure.axes[0]
    np.testing.assert_allclose(
        [line.get_ydata() for line in axes.lines], [[1, 0.5], [0, 0.5], [0, 0]]
    )


def test_crystals_can_be_removed(bench):
    dock = bench.dock
    for name in ("Cu", "Au", "Fe"):
        dock.add_listed(name)
    dock.crystals.item(1).setSelected(True)
    bench.press(dock.remove_button)
    assert [dock.crystals.item(row).text() for row in range(2)] == ["Cu", "Fe"]
    bench.press(dock.remove_button)
    assert dock.crystals.count() == 0


def test_what_lacks_is_told_in_one_sentence(bench, messages):
    bench.match()
    assert "has no result yet" in messages()[-1]
    bench.add_result(lattice_maps=False)
    bench.match()
    assert "There is no crystal to match" in messages()[-1]
    bench.dock.add_listed("Cu")
    bench.match()
    assert "analyze again with lattice maps" in messages()[-1]
    bench.dock.add_files(["/nowhere/gone.cif"])
    bench.match()
    assert "gone.cif is not there" in messages()[-1]


def test_the_figure_is_of_the_selected_result(bench):
    bench.add_result()
    bench.dock.add_listed("Cu")
    bench.match()
    assert bench.dock.canvas.figure.axes
    other = bench.viewer.add_image(np.zeros((2, 64, 64), np.float32), name="other")
    bench.viewer.layers.selection.active = other
    assert not bench.dock.canvas.figure.axes
    bench.viewer.layers.selection.active = bench.map()
    assert bench.dock.canvas.figure.axes


def test_a_match_is_of_the_result_that_was_selected_when_it_began(bench):
    bench.add_result()
    bench.dock.add_listed("Cu")
    bench.dock.task.start()
    other = bench.viewer.add_image(np.zeros((2, 64, 64), np.float32), name="other")
    bench.qtbot.waitUntil(lambda: not bench.dock.task.is_running, timeout=TIMEOUT)
    assert bench.viewer.layers.selection.active == other
    assert bench.map().name == "crystals \u00b7 two"
    assert not bench.layers[-1].visible
    assert bench.dock.task.status.text() == ""
    bench.viewer.layers.selection.active = bench.image
    assert bench.dock.task.status.text() == "Cu [1 1 0]: 75%; none of these: 25%."
    bench.match()
    assert [layer.name for layer in bench.viewer.layers].count("crystals \u00b7 two") == 1
    assert sum(layer.name.startswith("crystals") for layer in bench.viewer.layers) == 1


def test_it_fits_beside_the_image_on_a_small_screen(bench):
    bench.viewer.window.resize(1280, 800)
    assert bench.dock.minimumSizeHint().width() <= 270
    bench.add_result()
    bench.dock.add_listed("SrTiO3")
    bench.match()
    assert bench.dock.minimumSizeHint().width() <= 270
