"""The dock of unit cells in real windows: a click, a region or a class becomes a cell."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QFileDialog

from napari_lattice_symmetry.plugin.layers.legend import legend_of

CRYSTAL, PIXEL = 200, 0.3161 / 12  # columns with a crystal; nm, if it is MoS2


def test_a_click_averages_the_window_round_it(dock):
    assert dock.averaged.places[0].tolist() == pytest.approx([0, 40, 30], abs=2)
    assert dock.averaged.cell.group.name == "p3m1"
    assert "p3m1, with probability" in dock.answer
    assert "1 of 1 windows, 11" in dock.answer
    assert re.search(r"a = 1[12]\.\d+ ± 0\.0\d+, b = 1[12]\.\d+ ± 0\.0\d+ pixel", dock.answer)
    assert "At least p2: 0.0" in dock.answer
    assert "that the tolerance leaves" not in dock.answer
    outline = dock.widget.chooser.outline.layer
    corner = dock.averaged.places[0, 1:] - 0.5
    np.testing.assert_allclose(outline.data[0].min(axis=0), corner)
    assert len(dock.widget.cell.canvas.figure.axes) == 1
    dock.widget.cell.picture.setCurrentText("mean beside symmetrized")
    assert len(dock.widget.cell.canvas.figure.axes) == 2


def test_the_atoms_of_the_cell_are_listed_as_narrow_as_the_dock(dock):
    motif = dock.averaged.cell.motif()
    assert motif.symmetries == ["3m.", "3m."]
    fixed = r"0(\.33333|\.66667)?"  # by symmetry: without an error
    for letter in motif.letters:
        assert re.search(rf"1{letter} 3m\. +{fixed} +{fixed} +\d+\.?\d*\(\d+\)", dock.answer)
    answer = dock.widget.cell.details
    area = answer.parent()
    assert answer.minimumSizeHint().width() <= area.width()
    assert answer.width() <= area.width()


def test_a_click_on_a_real_crystal_shows_its_group(make_shown_viewer, open_dock, shared_data):
    viewer = make_shown_viewer()
    viewer.open(
        str(shared_data / "images" / "Si_110_haadf_5nm.png"), plugin="napari-lattice-symmetry"
    )
    dock = open_dock(viewer)
    dock.click(250, 250)
    assert "cmm within the tolerance; the image departs from it by" in dock.answer
    assert "Probabilities are those among the groups that the tolerance leaves." in dock.answer
    assert "At least p2: 1.00" in dock.answer
    dock.press(dock.widget.cell.layers_button)
    assert "unit cell as cmm" in viewer.layers[-2].name


def test_the_pixel_size_of_a_real_crystal_is_that_of_its_file(
    make_shown_viewer, open_dock, shared_data
):
    viewer = make_shown_viewer()
    viewer.open(
        str(shared_data / "images" / "STO_001_haadf_nsid.hf5"), plugin="napari-lattice-symmetry"
    )
    scale = viewer.layers[0].scale[-2:].copy()
    dock = open_dock(viewer)
    dock.widget.tabs.setCurrentWidget(dock.widget.pixel)
    tab = dock.widget.pixel
    tab.form["lattice"].value = "SrTiO3 [001]"
    dock.press(tab.bar.button)
    found = tab.found.y, tab.found.x
    assert found == pytest.approx(tuple(scale), rel=0.01)
    dock.press(tab.write_button)
    np.testing.assert_array_equal(viewer.layers[0].scale[-2:], found)
    assert [str(each) for each in viewer.layers[0].units[-2:]] == ["nanometer"] * 2
    assert tab.answer.text().startswith(f"{viewer.layers[0].name} has pixels of 0.01")


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


def test_the_grain_that_is_clicked_is_averaged(analyzed):
    analyzed.choose("clicked grain")
    assert "4 of 4 windows" in analyzed.answer  # of the class there are 6
    assert (analyzed.averaged.places[:, 2] < CRYSTAL).all()
    outline = analyzed.widget.chooser.outline.layer  # of the window that was averaged at first
    assert outline is None or not outline.visible


def test_the_answer_is_seen_without_scrolling(dock):
    answer = dock.widget.cell.answer
    assert answer.text() == f"<b>{dock.averaged.cell.group.sentences[0]}</b>"
    shown = answer.visibleRegion().boundingRect()
    assert shown.height() == answer.height() >= answer.heightForWidth(answer.width())


def test_the_cell_becomes_layers_at_its_place(calibrated):
    before = len(calibrated.viewer.layers)
    calibrated.press(calibrated.widget.cell.layers_button)
    layers = {layer.name.split(" \u00b7 ")[0]: layer for layer in calibrated.viewer.layers}
    assert len(calibrated.viewer.layers) == before + 4
    assert calibrated.averaged is not None
    film, unit = calibrated.viewer.layers["film"], layers["unit cell"]
    assert [str(each) for each in unit.units] == ["nanometer", "nanometer"]
    places = np.stack(np.meshgrid(*map(np.arange, unit.data.shape), indexing="ij"), -1)
    y, x = np.array(
        [film.world_to_data((0, *unit.data_to_world(p)))[-2:] for p in places.reshape(-1, 2)]
    ).T
    seen = film.data[0][np.rint(y).astype(int), np.rint(x).astype(int)]
    assert np.corrcoef(seen, unit.data.ravel())[0, 1] > 0.8
    error = layers["error of unit cell"]
    np.testing.assert_array_equal(error.data, calibrated.averaged.cell.error)
    np.testing.assert_allclose(error.affine.affine_matrix, unit.affine.affine_matrix)
    residual = layers["residual"]
    assert residual.contrast_limits[0] == -residual.contrast_limits[1]
    corner = film.world_to_data((0, *residual.data_to_world((0, 0))))[-2:]
    np.testing.assert_allclose(corner, calibrated.averaged.places[0, 1:], atol=1e-6)
    assert residual.data.std() < film.data[0, :, :CRYSTAL].std() / 2


def export_to(monkeypatch, dock, path, button=None):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    dock.press(button or dock.widget.cell.export_button)


def test_files_are_written(calibrated, monkeypatch, tmp_path):
    for ending in ("tif", "csv", "cif", "png", "atoms.csv"):
        export_to(monkeypatch, calibrated, tmp_path / f"cell.{ending}")
    pages = tifffile.imread(tmp_path / "cell.tif")
    np.testing.assert_allclose(pages[0], calibrated.averaged.cell.image, rtol=1e-5)
    with (tmp_path / "cell.csv").open(newline="") as file:
        assert next(csv.reader(file))[:3] == ["h", "k", "amplitude"]
    assert "_cell_length_a 3.16" in (tmp_path / "cell.cif").read_text()
    with (tmp_path / "cell.atoms.csv").open(newline="") as file:
        atoms = list(csv.DictReader(file))
    assert [atom["site symmetry"] for atom in atoms] == ["3m.", "3m."]
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


def strain_layer(dock, name):
    return next(each for each in dock.viewer.layers if each.name.startswith(f"{name} ("))


def test_strain_against_a_region_or_along_the_crystal(analyzed, messages):
    tab, result = analyzed.widget.strain, analyzed.widget.selection.result
    analyzed.widget.tabs.setCurrentWidget(tab)
    shapes = analyzed.viewer.add_shapes(
        np.array([[0, 0], [0, 60], [60, 60], [60, 0]]), name="corner"
    )
    analyzed.viewer.layers.selection.active = analyzed.viewer.layers["film"]
    analyzed.settle()
    tab.form["reference"].value = "region corner"
    analyzed.press(tab.bar.button)
    first = np.zeros(result.grid.shape, dtype=bool)
    first[0, 0] = True  # the only window whose center lies in it
    expected = result.strain(first)
    np.testing.assert_allclose(strain_layer(analyzed, "exx").data, expected.exx, atol=1e-5)
    tab.form["axes"].value = "crystal: along a"
    analyzed.press(tab.bar.button)
    turned = result.strain(first, lattice_axes=True)
    np.testing.assert_allclose(strain_layer(analyzed, "exx").data, turned.exx, atol=1e-5)
    assert np.nanmax(np.abs(turned.exx - expected.exx)) > 1e-3, "a lies 12 degrees off x"
    shapes.data = [np.array([[0, 0], [0, 9], [9, 9], [9, 0]])]
    analyzed.press(tab.bar.button)
    assert messages()[-1].startswith("No window has its center in 'corner'; draw a polygon")
    assert messages()[-1].count(". ") == 0
    shapes.data = [np.array([[0, 225], [0, 330], [200, 330], [200, 225]])]
    analyzed.press(tab.bar.button)
    assert messages()[-1] == "No window of the reference has a lattice; choose another region."
    np.testing.assert_allclose(strain_layer(analyzed, "exx").data, turned.exx, atol=1e-5)


def test_strain_is_exported_as_a_table_and_a_picture(analyzed, monkeypatch, tmp_path):
    tab = analyzed.widget.strain
    assert not tab.export_button.isEnabled()
    analyzed.widget.tabs.setCurrentWidget(tab)
    analyzed.press(tab.bar.button)
    analyzed.viewer.dims.set_current_step(0, 1)
    analyzed.settle()
    for name in ("strain.csv", "strain.png"):
        export_to(monkeypatch, analyzed, tmp_path / name, tab.export_button)
    maps = analyzed.widget.selection.result.strain()
    with (tmp_path / "strain.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == np.isfinite(maps.exx).sum()
    (row, *_) = rows
    assert float(row["exx_percent"]) == pytest.approx(maps.exx[0, 0, 0], rel=1e-3, abs=1e-4)
    assert float(row["exx_percent_error"]) == pytest.approx(maps.errors[0, 0, 0, 0], rel=1e-3)
    assert (tmp_path / "strain.png").stat().st_size > 1000
    analyzed.viewer.layers.clear()
    analyzed.settle()
    assert not tab.export_button.isEnabled()


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
