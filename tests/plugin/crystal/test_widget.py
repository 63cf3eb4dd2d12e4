"""The dock "Crystal" in a real window, by mouse."""

from __future__ import annotations

import numpy as np
import pytest
from ase.io import write
from napari.layers import Labels, Layer, Points
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QInputDialog, QToolButton
from waiting import PATIENCE

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.crystals import project, prototype
from napari_lattice_symmetry.plugin.layers.legend import legend_of
from napari_lattice_symmetry.plugin.layers.result_layers import result_layers
from napari_lattice_symmetry.plugin.selection.source import take_source

LEFT = Qt.MouseButton.LeftButton
TIMEOUT = 1000 * PATIENCE
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
        self.press(self.dock.match.task.button)
        self.qtbot.waitUntil(lambda: not self.dock.match.task.is_running, timeout=TIMEOUT)

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
    listed = dock.structures
    for button in (listed.add_button, listed.add_button, listed.listed_button):
        bench.press(button)
    assert [dock.structures.crystals.item(row).text() for row in range(2)] == ["titanate.cif", "Cu"]
    assert dock.structures.crystals.count() == 2, "a file is listed once"
    bench.match()
    assert not messages()
    layer = bench.map()
    assert isinstance(layer, Labels)
    np.testing.assert_array_equal(np.squeeze(layer.data), [[1, 1], [1, 2]])
    assert list(layer.features["crystal"])[:3] == ["not matched", "Cu [1 1 0]", "titanate [0 0 1]"]
    class_map = bench.layers[-1]
    np.testing.assert_allclose(layer.scale, class_map.scale)
    np.testing.assert_allclose(layer.translate, class_map.translate)
    assert not layer.editable
    assert not class_map.visible
    legend = legend_of(layer)
    assert [name for _, name in legend.keys] == ["Cu [1 1 0]", "titanate [0 0 1]", "none of these"]
    assert dock.match.task.status.text() == "Cu [1 1 0]: 75%; titanate [0 0 1]: 25%."
    (turns,) = (
        each for each in bench.viewer.layers if each.name.startswith("direction of a of the")
    )
    assert not turns.visible
    directions = np.squeeze(turns.data)
    assert np.abs((directions[1, 1] - 20 + 45) % 90 - 45) < 1, "the titanate is drawn at 20°"
    assert np.isfinite(directions).all()
    axes = dock.match.canvas.figure.axes[0]
    np.testing.assert_allclose(
        [line.get_ydata() for line in axes.lines], [[1, 0.5], [0, 0.5], [0, 0]]
    )


def test_crystals_can_be_removed(bench):
    dock = bench.dock
    for name in ("Cu", "Au", "Fe"):
        dock.structures.add_listed(name)
    dock.structures.crystals.item(1).setSelected(True)
    bench.press(dock.structures.remove_button)
    assert [dock.structures.crystals.item(row).text() for row in range(2)] == ["Cu", "Fe"]
    bench.press(dock.structures.remove_button)
    assert dock.structures.crystals.count() == 0


def test_what_lacks_is_told_in_one_sentence(bench, messages):
    bench.match()
    assert "has no result yet" in messages()[-1]
    bench.add_result(lattice_maps=False)
    bench.match()
    assert "There is no crystal to match" in messages()[-1]
    bench.dock.structures.add_listed("Cu")
    bench.match()
    assert "analyze again with lattice maps" in messages()[-1]
    bench.dock.structures.add_files(["/nowhere/gone.cif"])
    bench.match()
    assert "gone.cif is not there" in messages()[-1]


def test_the_figure_is_of_the_selected_result(bench):
    bench.add_result()
    bench.dock.structures.add_listed("Cu")
    bench.match()
    assert bench.dock.match.canvas.figure.axes
    other = bench.viewer.add_image(np.zeros((2, 64, 64), np.float32), name="other")
    bench.viewer.layers.selection.active = other
    assert not bench.dock.match.canvas.figure.axes
    bench.viewer.layers.selection.active = bench.map()
    assert bench.dock.match.canvas.figure.axes


def test_a_match_is_of_the_result_that_was_selected_when_it_began(bench):
    bench.add_result()
    bench.dock.structures.add_listed("Cu")
    bench.dock.match.task.start()
    other = bench.viewer.add_image(np.zeros((2, 64, 64), np.float32), name="other")
    bench.qtbot.waitUntil(lambda: not bench.dock.match.task.is_running, timeout=TIMEOUT)
    assert bench.viewer.layers.selection.active == other
    assert bench.map().name == "crystals \u00b7 two"
    assert not bench.layers[-1].visible
    assert bench.dock.match.task.status.text() == ""
    bench.viewer.layers.selection.active = bench.image
    assert bench.dock.match.task.status.text() == "Cu [1 1 0]: 75%; none of these: 25%."
    bench.match()
    names = [layer.name for layer in bench.viewer.layers]
    assert names.count("crystals \u00b7 two") == 1
    assert sum(name.startswith("direction of a") for name in names) == 1
    assert sum(layer.name.startswith("crystals") for layer in bench.viewer.layers) == 1


def test_tabulated_crystals_with_such_a_lattice_are_suggested(bench):
    dock = bench.dock
    bench.press(dock.match.suggest_button)
    assert "has no result yet" in dock.match.task.status.text()
    bench.add_result()
    bench.press(dock.match.suggest_button)
    bench.qtbot.waitUntil(lambda: not dock.match.is_busy, timeout=TIMEOUT)
    assert "Cu [1 1 0]" in dock.match.task.status.text()
    assert ("Cu", True) in dock.structures.sources
    assert len(dock.structures.sources) <= 5


def test_fractions_of_crystals_are_drawn_over_time_in_the_evolution_dock(bench):
    bench.add_result()
    _, evolution = bench.viewer.window.add_plugin_dock_widget(
        "napari-lattice-symmetry", "Phase evolution"
    )
    curves = evolution.curves
    curves.quantity.setCurrentText("fraction of crystals")
    bench.qtbot.waitUntil(lambda: not curves.is_busy, timeout=TIMEOUT)
    assert "match some in the dock Crystal" in evolution.status.text()
    for name in ("Cu", "SrTiO3"):
        bench.dock.structures.add_listed(name)
    bench.match()
    bench.qtbot.waitUntil(lambda: len(curves.curves) == 3, timeout=TIMEOUT)
    assert [curve.name for curve in curves.curves][:2] == ["Cu [1 1 0]", "SrTiO3 [0 0 1]"]
    np.testing.assert_allclose([curve.values for curve in curves.curves][:2], [[1, 0.5], [0, 0.5]])
    assert len(curves.canvas.figure.axes[0].lines) >= 3
    assert evolution.status.text() == ""


def test_a_crystal_is_broken_by_its_sliders_and_each_method_answers(bench):
    dock = bench.dock
    dock.structures.add_listed("Cu")
    dock.tabs.setCurrentWidget(dock.family)
    tab = dock.family
    bench.qtbot.waitUntil(lambda: tab.symmetry is not None and not tab.is_busy, timeout=TIMEOUT)
    whole = tab.found
    assert whole.answers["fingerprint"].family == ["fcc"]
    assert {family for _, _, family in tab.symmetry} == {"fcc"}
    assert "face-centered cubic by fingerprint" in tab.text.text()
    image, bars = tab.canvas.figure.axes
    assert image.images[0].get_array().shape == (64, 64, 3)
    assert len(bars.patches) == 16  # seven families and none, by two networks
    assert "Fm-3m (fcc)" in bars.texts[0].get_text()

    tab.sliders["vacancies"].setValue(40)
    tab.sliders["rotation"].setValue(30)
    bench.qtbot.waitUntil(
        lambda: tab.found is not whole and tab.symmetry is not None and not tab.is_busy,
        timeout=TIMEOUT,
    )
    assert tab.found.atoms == round(0.6 * whole.atoms)
    assert np.abs(tab.found.fingerprint - whole.fingerprint).max() > 0.3
    assert tab.canvas.figure.axes == [image, bars], "only what has changed is drawn anew"
    seen = np.sqrt(tab.found.fingerprint)
    np.testing.assert_allclose(image.images[0].get_array(), seen, atol=1e-6)
    heights = [bar.get_height() for bar in bars.patches]
    told = [answer.probabilities[0] for answer in tab.found.answers.values()]
    np.testing.assert_allclose(heights, np.concatenate(told), atol=1e-6)
    assert "fcc" not in {family for _, _, family in tab.symmetry}

    bench.press(tab.layers_button)
    added = [layer for layer in bench.viewer.layers if layer.name.endswith("· Cu")]
    assert [layer.name.split(" · ")[0].split(" for ")[0] for layer in added] == [
        "fingerprint",
        "attentive response",
        "Grad-CAM",
    ]
    assert added[0].rgb
    assert added[0].data.shape == (64, 64, 3)
    assert added[2].data.shape == (64, 64)
    assert bench.viewer.layers.selection.active is added[2]
    line = dock.match.result_text
    assert not line.isVisible(), "whether a layer has a result matters to a match alone"
    dock.tabs.setCurrentWidget(dock.match)
    assert line.isVisible()


def test_a_crystal_of_none_of_the_families_is_said_to_be_none(bench):
    bench.dock.structures.add_listed("TiO2 (rutile)")
    bench.dock.tabs.setCurrentWidget(bench.dock.family)
    tab = bench.dock.family
    bench.qtbot.waitUntil(lambda: tab.symmetry is not None and not tab.is_busy, timeout=TIMEOUT)
    assert "none of the seven families by fingerprint" in tab.text.text()
    assert "By space group, P4_2/mnm" in tab.text.text()
    trial, symmetry = tab.found, tab.symmetry
    tab.found = tab.symmetry = None
    tab._on_symmetry(symmetry)  # whichever comes first
    tab._show(trial)
    assert "none of the seven families by fingerprint" in tab.text.text()
    assert "By space group, P4_2/mnm" in tab.text.text()
    assert all(answer.family == ["none"] for answer in tab.found.answers.values())


def test_the_symmetry_of_the_selected_crystal_is_shown_over_tolerances(bench, tmp_path):
    dock = bench.dock
    path = tmp_path / "cluster.xyz"
    path.write_text("2\n\nAu 0 0 0\nCu 1 2 3\n", encoding="utf-8")
    dock.structures.add_listed("Si")
    dock.structures.add_files([str(path)])
    dock.tabs.setCurrentWidget(dock.symmetry)
    tab = dock.symmetry
    bench.qtbot.waitUntil(lambda: not tab.is_busy and bool(tab.text.text()), timeout=TIMEOUT)
    assert tab.text.text() == "cluster is a cluster without a cell: it has no space group."
    dock.structures.crystals.item(0).setSelected(True)
    bench.qtbot.waitUntil(lambda: tab.found is not None, timeout=TIMEOUT)
    assert "Fd-3m (227)" in tab.text.text()
    (axes,) = tab.canvas.figure.axes
    assert axes.get_xlabel() == "Tolerance (nm)"
    bench.press(dock.structures.remove_button)
    bench.press(dock.structures.remove_button)
    bench.qtbot.waitUntil(lambda: tab.found is None, timeout=TIMEOUT)
    assert not tab.canvas.figure.axes


def test_it_fits_beside_the_image_on_a_small_screen(bench):
    bench.viewer.window.resize(1280, 800)
    assert bench.dock.minimumSizeHint().width() <= 270
    bench.add_result()
    bench.dock.structures.add_listed("SrTiO3")
    bench.match()
    assert bench.dock.minimumSizeHint().width() <= 270
    arrows = bench.dock.tabs.tabBar().findChildren(QToolButton)
    assert not any(arrow.isVisible() for arrow in arrows), "all titles are seen"


def test_the_columns_along_a_typed_axis_are_drawn_and_become_points(bench, shared_data):
    """Zinc blende of a published file, and titanium along an axis of four indices."""
    dock, tab = bench.dock, bench.dock.projection
    dock.structures.add_listed("Ti")
    dock.structures.add_files([str(shared_data / "crystals" / "Binaries__Zincblende_ZnS.in")])
    dock.tabs.setCurrentWidget(tab)
    bench.qtbot.waitUntil(lambda: tab.found is not None, timeout=TIMEOUT)
    assert tab.found.label == "square"
    tab.zone.selectAll()
    bench.qtbot.keyClicks(tab.zone, "1 1 0")
    bench.qtbot.waitUntil(lambda: tab.found is not None and tab.found.zone == (1, 1, 0))
    assert "centered rectangular, plane group cm." in tab.text.text()
    (axes,) = tab.canvas.figure.axes
    assert axes.images[0].get_array().shape == (320, 320)
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {"Zn", "S"}
    bench.press(tab.layers_button)
    points = bench.viewer.layers[-1]
    assert isinstance(points, Points)
    assert points.name == "Binaries__Zincblende_ZnS [1 1 0]"
    assert set(points.features["column"]) == {"Zn", "S"}
    apart = np.linalg.norm(points.data[:, np.newaxis] - points.data, axis=2)
    zinc_to_sulfur = (apart + 9 * np.eye(len(apart))).min()
    side = tab.found.a / np.sqrt(3 / 8)
    assert zinc_to_sulfur == pytest.approx(side / 4, rel=1e-3)

    dock.structures.crystals.item(0).setSelected(True)
    tab.zone.setText("2 -1 -1 0")
    bench.qtbot.waitUntil(lambda: "Ti [2 -1 -1 0]" in tab.text.text(), timeout=TIMEOUT)
    assert tab.found.plane_group == "pmg"
    for text, sentence in (("1 1", "type three whole numbers"), ("0 0 0", "is no zone axis")):
        tab.zone.setText(text)
        bench.qtbot.waitUntil(lambda said=sentence: said in tab.text.text(), timeout=TIMEOUT)
        assert not tab.layers_button.isEnabled()


def test_what_is_beyond_training_or_differs_is_said(bench):
    tab = bench.dock.family
    bench.dock.structures.add_listed("Cu")
    bench.dock.tabs.setCurrentWidget(tab)
    bench.qtbot.waitUntil(lambda: tab.found is not None and not tab.is_busy, timeout=TIMEOUT)
    assert tab.found.remark == ""
    tab.sliders["rotation"].setValue(30)
    bench.qtbot.waitUntil(lambda: "unknown direction" in tab.text.text(), timeout=TIMEOUT)
    tab.sliders["rotation"].setValue(0)
    tab.sliders["vacancies"].setValue(80)
    bench.qtbot.waitUntil(lambda: "more than 70% of the atoms" in tab.text.text(), timeout=TIMEOUT)
    tab.sliders["vacancies"].setValue(70)
    bench.qtbot.waitUntil(lambda: not tab.is_busy and not tab.found.remark, timeout=TIMEOUT)
