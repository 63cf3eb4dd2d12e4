"""The dock "Structure without labels" in real windows, by mouse and keys."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from napari.layers import Layer
from qtpy.QtCore import QPoint, Qt

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.analysis.steps import Steps
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.plugin.layers.origin import result_of
from napari_lattice_symmetry.plugin.layers.result_layers import result_layers
from napari_lattice_symmetry.plugin.selection.source import take_source
from napari_lattice_symmetry.structure.embedding import Embedding

LEFT = Qt.MouseButton.LeftButton
GRAYS = (5, 35, 55)  # what the stand-in network calls square, hexagonal and noise


class StructureBench:
    """The dock in a shown viewer with a movie of three stripes, and perhaps its result."""

    def __init__(self, viewer, qtbot, network):
        self.viewer, self.qtbot, self.network = viewer, qtbot, network
        noise = np.random.default_rng(0).normal(0, 1, (2, 96, 288))
        frames = np.repeat(GRAYS, 96) + noise * np.repeat((1, 3, 5), 96)
        self.image = viewer.add_image(
            frames.astype(np.float32), name="stripes", scale=(1, 0.5, 0.5), units=("s", "nm", "nm")
        )
        _, self.widget = viewer.window.add_plugin_dock_widget(
            "napari-lattice-symmetry", "Structure without labels"
        )
        self.unmixing, self.embedding = self.widget.unmixing, self.widget.embedding

    def add_result(self, **settings):
        source = take_source(self.image)
        parameters = AnalysisParameters(window=32, stride=16, samples=3, **settings)
        self.result = analyze(source.movie, parameters, model=self.network)
        layers = result_layers(self.result, source.geometry, maps=["labels"], origin=source.origin)
        self.layers = [self.viewer.add_layer(Layer.create(*each)) for each in layers]
        return self.result

    def press(self, bar):
        self.qtbot.mouseClick(bar.button, LEFT)

    def finish(self, bar):
        self.qtbot.waitUntil(lambda: not bar.is_running)

    def embed(self):
        """Embed, and lay the windows out where they lie in the image, frame by frame."""
        self.widget.tabs.setCurrentIndex(1)
        self.press(self.embedding.task)
        self.finish(self.embedding.task)
        assert self.embedding.embedded is not None
        self.settle()

    def settle(self):
        """Wait until the plot keeps its size: places in it are to be clicked."""
        canvas, size = self.embedding.canvas, None
        while canvas.size() != size:
            size = canvas.size()
            self.qtbot.wait(250)
        canvas.draw()

    def drag(self, *corners):
        """Draw a loop in the scatter plot by mouse, through corners in its coordinates."""
        canvas = self.embedding.canvas
        axes = canvas.figure.axes[0]
        ratio = canvas.device_pixel_ratio
        points = [axes.transData.transform(corner) / ratio for corner in (*corners, corners[0])]
        spots = [QPoint(round(x), round(canvas.height() - y)) for x, y in points]
        self.qtbot.mousePress(canvas, LEFT, pos=spots[0])
        for spot in spots[1:]:
            self.qtbot.mouseMove(canvas, spot)
        self.qtbot.mouseRelease(canvas, LEFT, pos=spots[-1])

    def lasso(self, first_column, last_column):
        """Draw a loop around the windows of some columns."""
        left, right = first_column - 0.5, last_column + 0.5
        self.drag((left, -0.15), (right, -0.15), (right, 4.45), (left, 4.45))

    def is_lit(self):
        return bool(self.embedding.link.lit.any())

    def selection(self):
        return next(layer for layer in self.viewer.layers if layer.name.startswith("selected"))


@pytest.fixture
def laid_out(monkeypatch):
    """Let windows be laid out as in the image: row upwards, column to the right."""

    def embed(movie, result, method, *, at_most, progress, should_stop):
        places = np.argwhere(np.asarray(result.labels) > 0)
        points = places[:, [2, 1]] + 0.3 * places[:, [0]]
        Steps(1, progress, should_stop).advance()
        return Embedding(method, points.astype(np.float32), places)

    monkeypatch.setattr("napari_lattice_symmetry.plugin.structure.embedding_tab.embed", embed)


@pytest.fixture
def loaded(network, monkeypatch):
    """The stand-in network where unmixing and embedding load theirs."""
    for module in ("unmixing", "embedding"):
        name = f"napari_lattice_symmetry.structure.{module}.load_model"
        monkeypatch.setattr(name, lambda *_: network)
    return network


@pytest.fixture
def bench(make_shown_viewer, qtbot, loaded):
    return StructureBench(make_shown_viewer(), qtbot, loaded)


@pytest.fixture
def hidden_bench(make_napari_viewer, qtbot, loaded):
    """Without a window on the screen: software OpenGL may crash when all layers are removed."""
    return StructureBench(make_napari_viewer(), qtbot, loaded)


# ------------------------------------------------------------------ unmixing


def test_a_click_unmixes_an_image_that_was_never_analyzed(bench):
    assert bench.widget.result_text.text().startswith("stripes has no result yet")
    bench.unmixing.parameters["window"].value = 32
    bench.unmixing.parameters["components"].value = 3
    bench.press(bench.unmixing.task)
    assert bench.unmixing.task.button.text() == "Cancel"
    bench.finish(bench.unmixing.task)

    unmixing = bench.unmixing.unmixing
    layers = {layer.name: layer for layer in bench.viewer.layers}
    for name, abundance in zip(unmixing.names, unmixing.abundances, strict=True):
        layer = layers[f"abundance: {name} · stripes"]
        np.testing.assert_array_equal(layer.data, abundance)
        np.testing.assert_allclose(layer.scale, (1, 0.5 * 16, 0.5 * 16))
        np.testing.assert_allclose(layer.translate, (0, 0.5 * 15.5, 0.5 * 15.5))
        assert layer.units == bench.image.units
    spectra = layers["endmember spectra · stripes"]
    assert spectra.data.shape == (64, 3 * 64 + 2 * 4)
    below, frame = spectra.extent.world, bench.image.extent.world
    assert below[0, 0] > frame[1, 1]  # below the image, and as wide
    np.testing.assert_allclose(below[:, 1], frame[:, 2], atol=0.5)
    assert "3 components" in bench.unmixing.task.status.text()
    assert len(bench.unmixing.canvas.figure.axes) == 4


def test_unmixing_takes_the_windows_of_the_result_and_is_compared_with_it(bench):
    result = bench.add_result()
    assert bench.widget.result_text.text() == "Result of stripes"
    bench.press(bench.unmixing.task)
    bench.finish(bench.unmixing.task)
    assert bench.unmixing.unmixing.grid == result.grid
    share = bench.unmixing.unmixing.agreement(result)
    assert f"class in {share:.0%} of the windows" in bench.unmixing.task.status.text()
    assert not any(layer.visible for layer in bench.layers)  # the abundances are seen


def test_other_windows_are_not_compared(bench):
    bench.add_result()
    bench.unmixing.parameters["window"].value = 36
    bench.unmixing.parameters["stride"].value = 15  # which makes 5 x 17 windows, too
    bench.press(bench.unmixing.task)
    bench.finish(bench.unmixing.task)
    assert bench.unmixing.unmixing.labels.shape == bench.result.labels.shape
    told = bench.unmixing.task.status.text()
    assert told.endswith("The result of stripes has other windows, so it is not compared.")


def test_unmixing_again_hides_what_was_there(bench):
    bench.add_result()
    for components in (2, 3):
        bench.unmixing.parameters["components"].value = components
        bench.press(bench.unmixing.task)
        bench.finish(bench.unmixing.task)
    visible = [layer.name for layer in bench.viewer.layers if layer.visible]
    assert sum(name.startswith("abundance") for name in visible) == 3
    assert sum(name.startswith("endmember") for name in visible) == 1


def test_cancel_bites_and_another_run_can_follow(bench, monkeypatch):
    begun, go = threading.Event(), threading.Event()
    plain = bench.network.classify

    def slow(*arguments, **keywords):
        begun.set()
        go.wait(10)
        return plain(*arguments, **keywords)

    monkeypatch.setattr(bench.network, "classify", slow)
    bench.unmixing.parameters["window"].value = 32
    bench.press(bench.unmixing.task)
    bench.qtbot.waitUntil(begun.is_set)
    bench.press(bench.unmixing.task)
    assert bench.unmixing.task.status.text() == "Cancelled."
    assert bench.unmixing.task.button.text() == "&Unmix"
    go.set()
    bench.qtbot.wait(300)
    assert bench.unmixing.unmixing is None
    assert len(bench.viewer.layers) == 1
    bench.press(bench.unmixing.task)
    bench.finish(bench.unmixing.task)
    assert bench.unmixing.unmixing is not None


def test_what_cannot_be_done_is_one_sentence(hidden_bench, messages):
    bench = hidden_bench
    bench.unmixing.parameters["window"].value = 128
    bench.press(bench.unmixing.task)
    bench.finish(bench.unmixing.task)
    bench.viewer.layers.clear()
    assert bench.widget.result_text.text().startswith("Open an image or a movie")
    bench.press(bench.unmixing.task)
    bench.press(bench.embedding.task)
    texts = messages()
    assert len(texts) == 3
    assert "128 px does not fit into frames of 96 x 288 px" in texts[0]
    assert texts[1] == "Open an image or a movie first."
    assert texts[2] == bench.widget.result_text.text()
    assert not bench.unmixing.task.is_running


# ------------------------------------------------------------------ embedding


def test_a_lasso_paints_the_windows_in_the_image(bench, laid_out):
    result = bench.add_result()
    bench.embed()
    bench.lasso(0, 4)
    bench.qtbot.waitUntil(bench.is_lit)

    layer = bench.selection()
    assert layer.data.shape == result.labels.shape
    assert (layer.data[0, :, :5] == 1).all()
    assert (layer.data[:, :, 6:] == 0).all()
    np.testing.assert_allclose(layer.scale, bench.layers[0].scale)
    np.testing.assert_allclose(layer.translate, bench.layers[0].translate)
    np.testing.assert_array_equal(
        bench.embedding.link.lit, layer.data[tuple(bench.embedding.embedded.embedding.places.T)] > 0
    )
    alphas = np.asarray(bench.embedding._points.get_alpha())
    np.testing.assert_array_equal(alphas == 1, bench.embedding.link.lit)
    assert bench.embedding.region.current_choice == layer.name


def test_another_label_keeps_another_group_and_escape_lets_go(bench, laid_out):
    bench.add_result()
    bench.embed()
    bench.lasso(0, 3)
    layer = bench.selection()
    layer.selected_label = 2
    bench.lasso(10, 16)
    assert set(np.unique(layer.data)) == {0, 1, 2}
    canvas = bench.embedding.canvas
    canvas.setFocus()
    bench.qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert set(np.unique(layer.data)) == {0, 1}
    layer.undo()
    assert set(np.unique(layer.data)) == {0, 1, 2}


def test_a_painted_region_lights_up_points(bench, laid_out):
    """The brush in any Labels layer, finer than the windows are."""
    bench.add_result()
    bench.embed()
    labels = bench.viewer.add_labels(
        np.zeros((2, 96, 288), np.uint8), name="brush", scale=(1, 0.5, 0.5)
    )
    bench.embedding.region.native.setCurrentText("brush")
    assert not bench.embedding.link.lit.any()
    labels.brush_size = 40
    labels.paint((1, 48, 144), 3)
    bench.qtbot.waitUntil(bench.is_lit)
    places = bench.embedding.embedded.embedding.places[bench.embedding.link.lit]
    assert set(places[:, 0]) == {1}
    middle = places[:, 1:] * 16 + 15.5
    assert np.abs(middle - (48, 144)).max() < 21
    labels.undo()
    bench.qtbot.waitUntil(lambda: not bench.is_lit())


@pytest.mark.parametrize("shape", ["rectangle", "polygon", "ellipse"])
def test_a_drawn_shape_lights_up_points(bench, laid_out, shape):
    bench.add_result()
    bench.embed()
    shapes = bench.viewer.add_shapes(name="drawn", ndim=2, scale=(0.5, 0.5))
    bench.embedding.region.native.setCurrentText("drawn")
    shapes.add(np.array([[0, 0], [0, 96], [96, 96], [96, 0]]), shape_type=shape)
    bench.qtbot.waitUntil(bench.is_lit)
    places = bench.embedding.embedded.embedding.places[bench.embedding.link.lit]
    assert set(places[:, 0]) == {0, 1}
    assert places[:, 2].max() == 5
    corner = (places[:, 1:] == (0, 5)).all(axis=1).any()
    assert corner == (shape != "ellipse")
    bench.lasso(10, 16)  # in a shape no window can be painted: a layer is made for that
    assert bench.selection().data.any()
    assert len(shapes.data) == 1


def test_painted_windows_are_no_map_of_the_result(hidden_bench, laid_out, messages):
    bench = hidden_bench
    bench.add_result()
    bench.embed()
    link = bench.embedding.link
    link.paint(bench.embedding.embedded.embedding.places[:, 2] < 5)
    painted = bench.selection()
    pixels = painted.data.copy()
    _, dock = bench.viewer.window.add_plugin_dock_widget(
        "napari-lattice-symmetry", "Lattice symmetry"
    )
    for name, value in {"window": 32, "stride": 16, "samples": 3}.items():
        dock.parameters[name].value = value
    bench.viewer.layers.selection.active = bench.image
    dock.run_button.click()
    bench.qtbot.waitUntil(lambda: dock.run.is_over)
    assert messages() == []
    assert dock.run.n_done == 2
    assert painted.visible

    bench.viewer.layers.selection.active = painted
    assert dock.selection.result is bench.result
    chooser = dock.maps.chooser
    chooser.activated.emit(chooser.findText("uncertainty"))
    shown = bench.viewer.layers.selection.active
    np.testing.assert_array_equal(shown.data, bench.result.entropy)
    assert painted.visible
    dock.maps.hide_button.click()
    assert (shown.visible, painted.visible) == (False, True)
    for _ in range(2):  # the maps are gone, then asked for again
        bench.viewer.layers.selection.active = painted
        dock.maps.remove_button.click()
        left = [layer for layer in bench.viewer.layers if result_of(layer) is bench.result]
        assert left == [painted]
        np.testing.assert_array_equal(painted.data, pixels)
        chooser.activated.emit(chooser.findText("classes"))
        shown = bench.viewer.layers.selection.active
        np.testing.assert_array_equal(shown.data, bench.result.labels)


def test_what_is_this_cluster(bench, laid_out):
    bench.add_result()
    bench.embed()
    assert not bench.embedding.question.isEnabled()
    bench.lasso(0, 2)
    bench.qtbot.waitUntil(bench.embedding.question.isEnabled)
    bench.press(bench.embedding.question)
    bench.finish(bench.embedding.question)
    cluster = bench.embedding.cluster
    assert cluster.size == bench.embedding.link.lit.sum()
    assert cluster.shares[0] == 1
    assert f"{cluster.size} windows in frames 0 to 1" in bench.embedding.question.status.text()
    spectrum, shares = bench.embedding.cluster_canvas.figure.axes
    assert len(spectrum.images) == 1
    assert len(shares.patches) == 6


def test_points_are_colored_by_what_the_result_has(bench, laid_out):
    bench.add_result(lattice_maps=True)
    bench.embed()
    coloring = bench.embedding.coloring
    assert [coloring.itemText(i) for i in range(coloring.count())] == [
        "class",
        "frame",
        "entropy",
        "a",
    ]
    coloring.setFocus()
    bench.qtbot.keyClick(coloring, Qt.Key.Key_Down)
    assert coloring.currentText() == "frame"
    assert bench.embedding.canvas.figure.axes[1].get_ylabel() == "frame"
    for theme in ("light", "dark"):
        bench.viewer.theme = theme
        face = bench.embedding.canvas.figure.get_facecolor()
        assert (sum(face[:3]) > 1.5) == (theme == "light")


def test_the_real_embedding_runs_from_the_dock(bench):
    bench.add_result()
    bench.embedding.form["at_most"].value = 100
    bench.embed()
    assert bench.embedding.embedded.embedding.points.shape == (100, 2)
    assert bench.embedding.task.status.text().startswith("Finished")


# ------------------------------------------------------------------ what may happen in between


def test_layers_may_go_change_their_name_or_be_edited(hidden_bench, laid_out, messages):
    bench = hidden_bench
    bench.add_result()
    bench.embed()
    bench.lasso(0, 4)
    first = bench.selection()
    first.name = "kept"
    assert bench.embedding.region.current_choice == "kept"

    first.data = np.ones((2, 5, 5), np.uint8)  # nothing of the map is left
    bench.qtbot.wait(200)
    bench.lasso(5, 9)
    second = bench.selection()
    assert second.data.any()
    assert second is not first

    bench.viewer.layers.remove(second)
    assert bench.embedding.region.current_choice == "none"
    assert not bench.embedding.link.lit.any()
    assert bench.embedding.question.status.text().startswith("0 of")

    for layer in bench.layers:
        bench.viewer.layers.remove(layer)
    bench.viewer.layers.remove(bench.image)
    bench.lasso(0, 2)  # what was embedded is still known
    bench.qtbot.waitUntil(bench.embedding.question.isEnabled)
    bench.press(bench.embedding.question)
    bench.finish(bench.embedding.question)
    assert bench.embedding.cluster is not None
    assert messages() == []


def test_another_image_in_place_of_the_analyzed_one_is_one_sentence(bench, laid_out, messages):
    bench.add_result()
    bench.image.data = bench.image.data[:, :64]
    bench.embed()
    bench.lasso(0, 2)
    bench.qtbot.waitUntil(bench.embedding.question.isEnabled)
    bench.press(bench.embedding.question)
    bench.finish(bench.embedding.question)
    assert len(messages()) == 1
    assert "is not what stripes was made from" in messages()[0]


def test_a_dock_that_is_closed_lets_go(hidden_bench, laid_out):
    bench = hidden_bench
    bench.add_result()
    bench.embed()
    bench.lasso(0, 4)
    layer = bench.selection()
    bench.viewer.window.remove_dock_widget(bench.widget)
    layer.data = np.zeros_like(layer.data)
    bench.viewer.layers.clear()
    bench.viewer.theme = "light"


def test_it_fits_a_small_screen_and_keys_reach_everything(bench):
    for tab in range(2):
        bench.widget.tabs.setCurrentIndex(tab)
        hint = bench.widget.minimumSizeHint()
        assert hint.width() <= 460
        assert hint.height() <= 700
    for part in (
        bench.embedding.form["method"].native,
        bench.embedding.form["at_most"].native,
        bench.embedding.task.button,
        bench.embedding.canvas,
        bench.embedding.coloring,
        bench.embedding.region.native,
        bench.embedding.clear_button,
    ):
        assert part.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert part.toolTip()
