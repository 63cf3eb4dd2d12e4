"""The dock of unit cells in real windows: a click, a region or a class becomes a cell."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.lattice import LABELS
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.plugin.layers.legend import legend_of
from napari_lattice_symmetry.plugin.layers.result_layers import result_layers

TIMEOUT = 60_000
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
        self.qtbot.waitUntil(lambda: not any(bar.is_running for bar in bars), timeout=TIMEOUT)
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
        return re.sub(r"<[^>]+>", " ", self.widget.cell.answer.text())


@pytest.fixture
def dock(make_shown_viewer, qtbot, frames):
    viewer = make_shown_viewer()
    viewer.add_image(frames, name="film")
    viewer.dims.set_current_step(0, 0)
    dock = Dock(viewer, qtbot)
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


def test_a_click_averages_the_window_round_it(dock):
    assert dock.averaged.places[0].tolist() == pytest.approx([0, 40, 30], abs=2)
    assert dock.averaged.cell.group.name == "p3m1"
    assert "p3m1, with probability" in dock.answer
    assert "1 of 1 windows, 11" in dock.answer
    assert re.search(r"a = 1[12]\.\d+ ± 0\.0\d+, b = 1[12]\.\d+ ± 0\.0\d+ pixel", dock.answer)
    assert "At least p2: 0.0" in dock.answer
    outline = dock.widget.chooser.outline.layer
    corner = dock.averaged.places[0, 1:] - 0.5
    np.testing.assert_allclose(outline.data[0].min(axis=0), corner)
    assert len(dock.widget.cell.canvas.figure.axes) == 1
    dock.widget.cell.picture.setCurrentText("mean beside symmetrized")
    assert len(dock.widget.cell.canvas.figure.axes) == 2


def test_a_click_on_a_real_crystal_shows_its_group(make_shown_viewer, qtbot, shared_data):
    viewer = make_shown_viewer()
    viewer.open(
        str(shared_data / "images" / "Si_110_haadf_5nm.png"), plugin="napari-lattice-symmetry"
    )
    dock = Dock(viewer, qtbot)
    dock.click(250, 250)
    assert "cmm within the tolerance; the image departs from it by" in dock.answer
    assert "At least p2: 1.00" in dock.answer
    dock.press(dock.widget.cell.layers_button)
    assert "unit cell as cmm" in viewer.layers[-2].name


def test_the_pixel_size_of_a_real_crystal_is_that_of_its_file(
    make_shown_viewer, qtbot, shared_data
):
    viewer = make_shown_viewer()
    viewer.open(
        str(shared_data / "images" / "STO_001_haadf_nsid.hf5"), plugin="napari-lattice-symmetry"
    )
    scale = viewer.layers[0].scale[-2:].copy()
    dock = Dock(viewer, qtbot)
    dock.widget.tabs.setCurrentWidget(dock.widget.pixel)
    tab = dock.widget.pixel
    tab.form["lattice"].value = "SrTiO3 [001]"
    dock.press(tab.bar.button)
    assert (tab.found.y, tab.found.x) == pytest.approx(tuple(scale), rel=0.01)


def test_a_window_without_a_crystal_gets_one_sentence_and_no_cell(dock):
    dock.click(100, 270)
    assert dock.averaged is None
    assert dock.answer.startswith("No window has a lattice to average:")
    assert not dock.widget.cell.export_button.isEnabled()
    assert not dock.widget.cell.canvas.figure.axes
    dock.widget.chooser.form["window"].value = 64
    dock.click(100, 90)
    assert re.search(r"5\.\d periods in the window, fewer than 6", dock.answer)
    dock.viewer.layers.clear()
    dock.settle()
    assert dock.answer == "Open an image or a movie first."


def test_whole_frames_and_the_movie_are_averaged_without_what_is_no_crystal(dock):
    dock.widget.chooser.form["window"].value = 100
    dock.choose("whole frame")
    assert "4 of 6 windows" in dock.answer
    one = dock.averaged.cell.errors[0]
    frames = dock.widget.chooser.frames
    frames.setCurrentIndex(1)
    frames.activated.emit(1)
    dock.settle()
    assert dock.averaged is None  # a movie is read when asked for
    dock.press(dock.widget.cell.bar.button)
    assert "8 of 12 windows" in dock.answer
    assert dock.averaged.cell.errors[0] == pytest.approx(one / np.sqrt(2), rel=0.2)


def test_it_follows_the_time_slider(dock):
    dock.viewer.dims.set_current_step(0, 1)
    dock.settle()
    assert dock.averaged.places[0, 0] == 1


def test_a_region_is_averaged_or_refused(dock):
    dock.widget.chooser.form["window"].value = 80
    shapes = dock.viewer.add_shapes(
        np.array([[10, 10], [10, 180], [185, 180], [185, 10]]), name="grain"
    )
    dock.viewer.layers.selection.active = dock.viewer.layers["film"]
    dock.choose("region grain")
    assert "4 of 4 windows" in dock.answer
    assert (dock.averaged.places[:, 1:] >= 10).all()
    shapes.data = [np.array([[10, 10], [10, 50], [50, 50], [50, 10]])]
    dock.settle()
    assert dock.answer.startswith("No window of 80 px lies in the region; draw it larger")


def test_a_class_of_the_result_is_averaged(analyzed):
    analyzed.choose("class hexagonal")
    assert "4 of 6 windows" in analyzed.answer  # side by side, and without noise
    analyzed.choose("class square")
    assert analyzed.answer == "No window of the class square was found in frame 0."


def test_the_cell_becomes_layers_at_its_place(calibrated):
    before = len(calibrated.viewer.layers)
    calibrated.press(calibrated.widget.cell.layers_button)
    layers = {layer.name.split(" \u00b7 ")[0]: layer for layer in calibrated.viewer.layers}
    assert len(calibrated.viewer.layers) == before + 3
    assert calibrated.averaged is not None
    film, unit = calibrated.viewer.layers["film"], layers["unit cell"]
    assert [str(each) for each in unit.units] == ["nanometer", "nanometer"]
    places = np.stack(np.meshgrid(*map(np.arange, unit.data.shape), indexing="ij"), -1)
    y, x = np.array(
        [film.world_to_data((0, *unit.data_to_world(p)))[-2:] for p in places.reshape(-1, 2)]
    ).T
    seen = film.data[0][np.rint(y).astype(int), np.rint(x).astype(int)]
    assert np.corrcoef(seen, unit.data.ravel())[0, 1] > 0.8
    residual = layers["residual"]
    assert residual.contrast_limits[0] == -residual.contrast_limits[1]
    corner = film.world_to_data((0, *residual.data_to_world((0, 0))))[-2:]
    np.testing.assert_allclose(corner, calibrated.averaged.places[0, 1:], atol=1e-6)
    assert residual.data.std() < film.data[0, :, :CRYSTAL].std() / 2


def export_to(monkeypatch, dock, path):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    dock.press(dock.widget.cell.export_button)


def test_files_are_written(calibrated, monkeypatch, tmp_path):
    for ending in ("tif", "csv", "cif", "png"):
        export_to(monkeypatch, calibrated, tmp_path / f"cell.{ending}")
    pages = tifffile.imread(tmp_path / "cell.tif")
    np.testing.assert_allclose(pages[0], calibrated.averaged.cell.image, rtol=1e-5)
    with (tmp_path / "cell.csv").open(newline="") as file:
        assert next(csv.reader(file))[:3] == ["h", "k", "amplitude"]
    assert "_cell_length_a 3.16" in (tmp_path / "cell.cif").read_text()
    assert (tmp_path / "cell.png").stat().st_size > 1000


def test_a_file_of_atoms_without_a_pixel_size_is_refused(dock, monkeypatch, tmp_path, messages):
    export_to(monkeypatch, dock, tmp_path / "cell.cif")
    assert messages()[-1].startswith("The pixel size is not known")
    assert not list(tmp_path.iterdir())


def test_the_pixel_size_is_found_and_written(dock):
    dock.widget.tabs.setCurrentWidget(dock.widget.pixel)
    tab = dock.widget.pixel
    tab.form["lattice"].value = "SrTiO3 [001]"
    dock.press(tab.bar.button)
    assert "does not show the lattice of SrTiO3 [001]" in tab.answer.text()
    assert not tab.write_button.isEnabled()
    tab.form["lattice"].value = "MoS2"
    assert (tab.form["a"].value, tab.form["a"].enabled) == (0.3161, False)
    dock.press(tab.bar.button)
    assert (tab.found.y, tab.found.x) == pytest.approx((PIXEL, PIXEL), rel=3e-3)
    assert "± " in tab.answer.text()
    dock.press(tab.write_button)
    film = dock.viewer.layers["film"]
    np.testing.assert_allclose(film.scale[-2:], PIXEL, rtol=3e-3)
    assert str(film.units[-1]) == "nanometer"
    assert " nm" in dock.answer  # the cell has lengths now
    tab.form["lattice"].value = "typed cell"
    assert (tab.form["a"].value, tab.form["a"].enabled) == (0.3161, True)
    tab.form.update(a=0.6322, b=0.6322)
    dock.press(tab.bar.button)
    assert tab.found.x == pytest.approx(2 * PIXEL, rel=3e-3)


def test_strain_is_mapped_with_errors_and_colors_even_about_zero(analyzed, messages):
    widget = analyzed.widget
    widget.tabs.setCurrentWidget(widget.strain)
    widget.strain.form["errors"].value = True
    analyzed.press(widget.strain.bar.button)
    found = {layer.name.split(" \u00b7 ")[0]: layer for layer in analyzed.viewer.layers}
    for name in ("exx (%)", "eyy (%)", "exy (%)", "rotation (°)"):
        low, high = found[name].contrast_limits
        assert low == -high < 0
        assert legend_of(found[name]).title == name
        assert found[f"error of {name}"].contrast_limits[0] == 0
        crystal = found[name].data[:, :, :2]
        assert np.abs(crystal[np.isfinite(crystal)]).max() < 1
    result = widget.selection.result
    np.testing.assert_allclose(found["exx (%)"].data, result.strain().exx, atol=1e-4)
    np.testing.assert_allclose(found["exx (%)"].scale, found["classes"].scale)
    assert "windows have the lattice of the reference" in widget.strain.summary.text()
    number = len(analyzed.viewer.layers)
    analyzed.press(widget.strain.bar.button)
    assert len(analyzed.viewer.layers) == number  # the maps before are replaced
    widget.strain.form["reference"].value = "known lattice"
    analyzed.press(widget.strain.bar.button)
    assert "film has no pixel size" in messages()[-1]


def test_strain_takes_a_result(dock, messages):
    dock.press(dock.widget.strain.bar.button)
    assert messages()[-1].startswith("film has no result yet")


def test_strain_of_another_result_and_what_is_selected_stay(analyzed):
    layers, widget = analyzed.viewer.layers, analyzed.widget
    classes, film = layers["classes \u00b7 film"], layers["film"]
    copy = classes.as_layer_data_tuple()
    about = {**copy[1]["metadata"]["napari-lattice-symmetry"], "result": "another"}
    copy[1]["metadata"] = {**copy[1]["metadata"], "napari-lattice-symmetry": about}
    for each in (classes, analyzed.viewer.add_labels(copy[0], **copy[1])):
        layers.selection.active = each
        widget.strain.bar.start()
        layers.selection.active = film
        analyzed.settle()
        assert layers.selection.active == film
    named = [layer for layer in layers if layer.name.startswith("exx (%)")]
    assert len({layer.metadata["napari-lattice-symmetry"]["result"] for layer in named}) == 2


def test_what_is_told_is_of_the_selected_image(analyzed, frames):
    widget = analyzed.widget
    analyzed.press(widget.strain.bar.button)
    told = widget.strain.summary.text()
    widget.pixel.bar.start()
    analyzed.viewer.add_image(frames[:, :90], name="other")
    assert widget.cell.averaged is None, "the cell is that of the other image"
    analyzed.settle()
    assert widget.pixel.found is None
    assert widget.strain.summary.text() != told
    analyzed.viewer.layers.selection.active = analyzed.viewer.layers["film"]
    analyzed.settle()
    assert widget.strain.summary.text() == told


def test_behind_another_dock_it_waits(dock):
    dock.viewer.window.add_plugin_dock_widget("napari-lattice-symmetry", "Crystal")
    dock.qtbot.waitUntil(lambda: not dock.widget.is_seen)
    dock.viewer.dims.set_current_step(0, 1)
    assert not dock.widget.cell.bar.is_running
    dock.widget.parent().raise_()
    dock.qtbot.waitUntil(lambda: dock.widget.is_seen)
    dock.settle()
    assert dock.averaged.places[0, 0] == 1


def test_closing_the_dock_gives_everything_back(dock):
    picking = dock.widget.chooser.picking
    dock.viewer.window.remove_dock_widget(dock.widget.parent())
    assert "averaged window" not in dock.viewer.layers
    assert picking._on_press not in dock.viewer.mouse_drag_callbacks
    dock.viewer.theme = "light"
    dock.viewer.layers.clear()
