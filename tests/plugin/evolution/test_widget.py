"""The dock of phase evolution and kinetics, driven with mouse and keys in a real window."""

from __future__ import annotations

import csv
import threading

import numpy as np
import pytest
from evolution_bench import (
    FILM,
    FRAME_TIME,
    HOLE,
    N_FRAMES,
    PIXEL,
    Bench,
    hint,
    make_frames,
)
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QFileDialog

from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.evolution.curves import BRIGHTNESS, HOLES
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.lattice.image import LatticeImage
from napari_lattice_symmetry.plugin.evolution import brightness_controls
from napari_lattice_symmetry.results.areas import area_fractions


@pytest.fixture
def bench(make_shown_viewer, qtbot, fake_model):
    return Bench(make_shown_viewer(), qtbot, fake_model)


def test_the_classes_are_drawn_over_time(bench):
    assert [curve.name for curve in bench.curves.curves] == list(CLASSES)
    np.testing.assert_array_equal(bench.curve("noise").values, bench.result.fractions[:, 5])
    np.testing.assert_array_equal(bench.curve("noise").std, bench.result.fractions_std[:, 5])
    assert bench.widget.result_text.text() == "Result of film"
    assert bench.curves.canvas.figure.axes[0].get_xlabel() == "Time (s)"


def test_areas_are_the_other_view(bench):
    bench.choose(bench.curves.quantity, "area fraction")
    areas = area_fractions(bench.result)
    np.testing.assert_array_equal(bench.curve("noise").values, areas.values[:, 5])


def test_the_line_follows_the_slider(bench):
    bench.viewer.dims.set_current_step(0, 7)
    assert bench.curves.line.time == 7 * FRAME_TIME


def test_dragging_the_line_moves_the_slider(bench):
    bench.viewer.dims.set_current_step(0, 3)
    bench.drag(bench.curves.canvas, 3 * FRAME_TIME, 17 * FRAME_TIME)
    assert bench.viewer.dims.current_step[0] == 17
    assert bench.curves.line.time == 17 * FRAME_TIME


def test_the_arrow_keys_move_the_line(bench):
    bench.viewer.dims.set_current_step(0, 3)
    canvas = bench.curves.canvas
    canvas.setFocus()
    bench.qtbot.keyClick(canvas, Qt.Key.Key_Right)
    bench.qtbot.keyClick(canvas, Qt.Key.Key_Right)
    bench.qtbot.keyClick(canvas, Qt.Key.Key_Left)
    assert bench.viewer.dims.current_step[0] == 4


def test_a_region_counts_alone(bench):
    bench.add_region()
    bench.choose(bench.widget.region_chooser.native, "region")
    maps = bench.layers[-1]
    inside = np.zeros(bench.result.grid.shape, dtype=bool)
    for index in np.ndindex(inside.shape):
        _, y, x = maps.data_to_world((0, *index))
        inside[index] = 1.5 < y < 5.0 and 3.0 < x < 6.0
    expected = bench.result.mean[5][:, inside].mean(axis=1)
    np.testing.assert_allclose(bench.curve("noise").values, expected, rtol=1e-5)


def test_a_region_that_is_edited_counts_anew(bench):
    region = bench.add_region()
    bench.choose(bench.widget.region_chooser.native, "region")
    before = bench.curve("noise").values
    region.data = [np.array([[1.0, 1.0], [1.0, 2.0], [2.0, 2.0], [2.0, 1.0]])]
    bench.settle()
    assert np.all(bench.curve("noise").values < before)


def test_a_region_without_a_window_is_said(bench):
    bench.add_region(corners=((-9, -9), (-9, -8), (-8, -8)))
    bench.choose(bench.widget.region_chooser.native, "region")
    assert "No window has its center in 'region'" in bench.widget.status.text()
    assert not bench.curves.curves
    assert not bench.curves.export_button.isEnabled()


def test_a_region_is_the_same_on_layers_that_are_transformed(bench):
    corners = np.array([(1.5, 3.0), (1.5, 6.0), (5.0, 6.0), (5.0, 3.0)])
    bench.add_region("before", corners)
    bench.choose(bench.widget.region_chooser.native, "before")
    follower = bench.widget.follower
    maps, frames = follower.map_region(), follower.frame_region()
    turn = np.array([[0, 0.5], [-2, 0]])
    affine = np.eye(4)
    affine[1:3, 1:3] = turn
    for layer in (bench.image, *bench.layers):
        layer.affine = affine
    bench.add_region("after", corners @ turn.T)
    bench.choose(bench.widget.region_chooser.native, "after")
    np.testing.assert_array_equal(follower.map_region(), maps)
    np.testing.assert_array_equal(follower.frame_region(), frames)


def test_a_region_that_is_renamed_keeps_its_place(bench):
    region = bench.add_region()
    bench.choose(bench.widget.region_chooser.native, "region")
    region.name = "other"
    assert bench.widget.region_chooser.current_choice == "other"


def test_a_region_that_is_deleted_gives_way_to_whole_frames(bench):
    region = bench.add_region()
    bench.choose(bench.widget.region_chooser.native, "region")
    bench.viewer.layers.remove(region)
    bench.settle()
    assert bench.widget.region_chooser.current_choice == "whole frames"
    np.testing.assert_array_equal(bench.curve("noise").values, bench.result.fractions[:, 5])


def test_the_brightness_gives_the_holes(bench):
    bench.widget.brightness.form["bright"].value = True
    bench.qtbot.mouseClick(
        bench.widget.brightness.form["shown"].native, Qt.MouseButton.LeftButton, pos=QPoint(10, 8)
    )
    bench.settle()
    truth = (make_frames() > 45).mean(axis=(1, 2))
    np.testing.assert_allclose(bench.curve(BRIGHTNESS).values, truth, atol=0.005)
    bench.widget.brightness.form["threshold"].value = 54
    bench.settle()
    assert np.all(bench.curve(BRIGHTNESS).values < truth)


def test_brightness_that_is_being_measured_is_waited_for(bench, monkeypatch):
    gate, plain = threading.Event(), brightness_controls.measure_brightness

    def waiting(*args, **keywords):
        gate.wait(30)
        yield from plain(*args, **keywords)

    monkeypatch.setattr(brightness_controls, "measure_brightness", waiting)
    bench.widget.brightness.form["shown"].value = True
    bench.widget.tabs.setCurrentWidget(bench.kinetics)
    bench.kinetics.form["curve"].native.setCurrentText(BRIGHTNESS)
    assert bench.widget.status.text() == "Measuring the brightness…"
    gate.set()
    bench.qtbot.waitUntil(lambda: bool(bench.kinetics.fits))
    assert bench.kinetics.fit.curve.name == BRIGHTNESS


def test_the_brightness_of_a_frame_that_cannot_be_read_is_unknown(bench, monkeypatch):
    plain = Movie.frame

    def spoilt(movie, index):
        if index == 3:
            raise OSError("corrupt")
        return plain(movie, index)

    monkeypatch.setattr(Movie, "frame", spoilt)
    bench.widget.brightness.form["shown"].value = True
    bench.settle()
    assert np.flatnonzero(np.isnan(bench.curve(BRIGHTNESS).values)).tolist() == [3]


def test_the_brightness_of_a_movie_that_is_gone_is_said(bench):
    bench.viewer.layers.remove(bench.image)
    bench.widget.brightness.form["shown"].value = True
    bench.settle()
    assert "The image layer of 'film' is not there" in bench.widget.status.text()


def test_the_brightness_of_a_movie_that_was_edited_is_said(bench):
    bench.image.data = np.zeros((3, 64, 64), dtype=np.float32)
    bench.widget.brightness.form["shown"].value = True
    bench.settle()
    assert "'film' is not the movie that was analyzed" in bench.widget.status.text()


def test_the_holes_are_wider_than_the_noise_and_nearer_to_the_truth(bench):
    bench.curves.holes.setChecked(True)
    bench.settle()
    curve = bench.curve(HOLES)
    holes = curve.values * curve.area
    noise = bench.result.area_shares[:, 5] * bench.curve("noise").area
    truth = (make_frames() > (HOLE + FILM) / 2).sum(axis=(1, 2)) * PIXEL**2
    assert np.all(holes > 1.1 * noise)
    assert np.all(np.abs(holes - truth) < 0.8 * np.abs(noise - truth))


def test_the_dock_follows_the_selected_layer(bench):
    other = bench.add_movie("other film", make_frames(0.5))
    _, layers = bench.add_result(other)
    bench.viewer.layers.selection.active = layers[-1]
    bench.settle()
    assert bench.widget.result_text.text() == "Result of other film"
    bench.viewer.layers.selection.active = bench.layers[0]
    bench.settle()
    assert bench.widget.result_text.text() == "Result of film"
    np.testing.assert_array_equal(bench.curve("noise").values, bench.result.fractions[:, 5])


def test_results_that_are_deleted_leave_a_sentence(bench):
    bench.open_kinetics()
    for layer in bench.layers:
        bench.viewer.layers.remove(layer)
    bench.settle()
    assert bench.widget.result_text.text().startswith("film has no result yet")
    assert not bench.curves.export_button.isEnabled()
    assert not bench.kinetics.export_button.isEnabled()


def test_frames_that_a_run_adds_are_drawn(bench):
    bench.result.state[10:] = 0
    bench.result.fractions[10:] = np.nan
    bench.qtbot.waitUntil(lambda: np.isnan(bench.curve("noise").values).sum() == N_FRAMES - 10)


def test_the_kinetics_of_the_holes(bench):
    bench.open_kinetics()
    fit = bench.kinetics.fit
    assert fit.curve.name == HOLES
    assert fit.law.name == "exponential"
    low, high = fit.estimates["rho"].low, fit.estimates["rho"].high
    assert low < 0.12 < high
    table = bench.kinetics.table
    shown = {table.item(row, 0).text(): table.item(row, 1).text() for row in range(8)}
    assert shown["rho"] == f"{fit.estimates['rho'].value:.3g} 1/s"
    assert shown["A0, area"].endswith("nm²")
    assert bench.kinetics.laws_text.text().startswith("AICc: ")
    assert "Holes less than some 1.36 nm across" in bench.widget.status.text()


def test_dragging_the_interval_fits_anew(bench):
    bench.open_kinetics()
    before = bench.kinetics.fit
    bench.drag(bench.kinetics.canvas, before.initial_end, 6 * FRAME_TIME)
    bench.settle()
    assert bench.kinetics.form["after"].native.value() == 6 * FRAME_TIME
    assert bench.kinetics.fit.initial_end == 6 * FRAME_TIME


def test_an_interval_that_leaves_nothing_is_said(bench):
    bench.open_kinetics()
    bench.kinetics.form["after"].native.setValue(N_FRAMES * FRAME_TIME)
    bench.settle()
    assert hint(bench) == (
        "The initial interval ends at 46 s, which leaves 0 of 24 frames for the growth: "
        "let it end between 0 and 36 s."
    )
    bench.kinetics.form["after"].native.setValue(20)
    bench.settle()
    assert bench.kinetics.fit is not None


def test_another_law_and_another_curve(bench):
    bench.open_kinetics()
    bench.kinetics.form["law"].value = "logistic"
    assert bench.kinetics.fit.law.name == "logistic"
    bench.choose(bench.kinetics.form["curve"].native, "P(hexagonal)")
    assert bench.kinetics.fit.curve.name == "hexagonal"
    bench.choose(bench.kinetics.form["curve"].native, BRIGHTNESS)
    assert "Tick 'holes, by brightness'" in hint(bench)


def test_the_beam(bench):
    beam = bench.kinetics.beam
    assert beam.energies.text() == "W 1.3 eV, S 7.5 eV"
    beam.form["formula"].native.clear()
    bench.qtbot.keyClicks(beam.form["formula"].native, "C")
    assert beam.energies.text() == "C 20.1 eV"
    bench.qtbot.keyClicks(beam.form["formula"].native, "x")
    assert beam.energies.text() == "'Cx' is not a chemical formula; write one such as WS2."


@pytest.mark.parametrize("ending", [".csv", ".png", ".svg"])
def test_export(bench, tmp_path, monkeypatch, ending):
    bench.open_kinetics()
    for part in (bench.curves, bench.kinetics):
        path = tmp_path / f"{type(part).__name__}{ending}"
        monkeypatch.setattr(
            QFileDialog, "getSaveFileName", lambda *_, path=path: (str(path), "Table (*.csv)")
        )
        part.export_button.click()
        assert path.stat().st_size > 300
    if ending == ".csv":
        with (tmp_path / "CurvesTab.csv").open(encoding="utf-8") as file:
            assert len(list(csv.DictReader(file))) == N_FRAMES


def test_an_export_that_fails_is_said(bench, tmp_path, monkeypatch, messages):
    (tmp_path / "file").touch()
    monkeypatch.setattr(
        QFileDialog,
        "getSaveFileName",
        lambda *_: (str(tmp_path / "file" / "curves.csv"), "Table (*.csv)"),
    )
    bench.curves.export_button.click()
    assert any("curves.csv cannot be written" in message for message in messages())


def test_all_controls_are_reached_with_the_tab_key_and_explained(bench):
    bench.open_kinetics()
    for control in (
        bench.widget.region_chooser.native,
        bench.curves.quantity,
        bench.curves.holes,
        bench.curves.canvas,
        bench.widget.brightness.form["threshold"].native,
        bench.kinetics.form["curve"].native,
        bench.kinetics.form["after"].native,
        bench.kinetics.canvas,
        bench.kinetics.beam.form["formula"].native,
    ):
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert control.toolTip()


def test_it_fits_on_a_small_screen_with_a_plot_that_can_be_read(bench):
    window = bench.viewer.window._qt_window
    window.resize(1280, 780)
    bench.open_kinetics()
    assert window.minimumSizeHint().height() <= 780
    assert window.minimumSizeHint().width() <= 1280
    assert bench.kinetics.canvas.height() >= 220
    table = bench.kinetics.table
    fifth = table.visualItemRect(table.item(4, 0))  # A0, rho and C, which the law has, and more
    assert table.viewport().rect().contains(fifth)
    assert not table.horizontalScrollBar().isVisible()
    for row in range(table.rowCount()):
        for column in range(3):
            text = table.item(row, column).text()
            room = table.columnWidth(column) - 6  # between the lines
            assert table.fontMetrics().horizontalAdvance(text) <= room, text


def test_too_few_frames_are_said_in_the_figure_with_what_to_do(bench):
    few = bench.add_movie("few", make_frames()[:3])
    bench.add_result(few)
    bench.open_kinetics_of_nothing()
    assert hint(bench) == (
        "A growth law needs 7 analyzed frames or more, and there are 3: "
        "analyze more of the movie, or a longer one."
    )


def test_laws_that_few_frames_cannot_tell_are_named(bench):
    bench.add_result(bench.add_movie("few", make_frames()[-7:]))
    bench.open_kinetics_of_nothing()
    bench.kinetics.form["after"].native.setValue(FRAME_TIME)
    bench.qtbot.waitUntil(lambda: bool(bench.kinetics.fits))
    assert "too few frames for Avrami" in bench.kinetics.laws_text.text()


def test_the_toolbar_enlarges_and_keeps_the_line_where_it_is(bench):
    bench.open_kinetics()
    canvas, end = bench.kinetics.canvas, bench.kinetics.form["after"].native.value()
    assert canvas.navigation.isVisible()
    canvas.navigation.zoom()
    assert canvas.navigation.is_at_work
    bench.drag(canvas, 6 * FRAME_TIME, 12 * FRAME_TIME)
    assert bench.kinetics.form["after"].native.value() == end
    canvas.navigation.zoom()
    bench.drag(canvas, end, 6 * FRAME_TIME)
    assert bench.kinetics.form["after"].native.value() == 6 * FRAME_TIME


@pytest.mark.parametrize(("theme", "dark"), [("dark", True), ("light", False)])
def test_icons_of_the_toolbar_are_seen_in_both_themes(bench, theme, dark):
    bench.viewer.theme = theme
    icon = bench.curves.canvas.navigation.actions()[0].icon().pixmap(16, 16).toImage()
    drawn = [icon.pixelColor(x, y) for x in range(16) for y in range(16)]
    lightness = [color.lightness() for color in drawn if color.alpha() > 200]
    assert lightness
    assert (np.mean(lightness) > 128) == dark


def test_the_legend_lies_in_the_figure(bench):
    bench.viewer.window._qt_window.resize(1280, 780)
    bench.curves.holes.setChecked(True)
    bench.widget.brightness.form["shown"].value = True
    bench.settle()
    figure = bench.curves.canvas.figure
    figure.canvas.draw()
    (legend,) = figure.legends
    assert len(legend.get_texts()) == len(CLASSES) + 2
    box = legend.get_window_extent()
    assert figure.bbox.x0 <= box.x0
    assert box.x1 <= figure.bbox.x1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figures_have_the_colors_of_the_theme(bench, theme):
    bench.viewer.theme = theme
    background = np.mean(bench.curves.canvas.figure.get_facecolor()[:3])
    label = bench.curves.canvas.figure.axes[0].xaxis.label.get_color()
    assert (background > 0.5) == (theme == "light")
    assert label != bench.curves.canvas.figure.get_facecolor()


def test_a_dock_that_is_closed_lets_go(bench):
    bench.viewer.window.remove_dock_widget("all")
    bench.viewer.layers.remove(bench.layers[-1])
    bench.viewer.dims.set_current_step(0, 5)
    assert bench.curves.line.time != 5 * FRAME_TIME


def test_the_evolution_is_drawn_along_a_column_of_a_table(bench, tmp_path, monkeypatch):
    table = tmp_path / "log.csv"
    kelvin = np.linspace(300, 760, N_FRAMES)  # 20 K a frame
    table.write_text("T (K),bias\n" + "".join(f"{value},0\n" for value in kelvin))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(table), ""))
    bench.qtbot.mouseClick(bench.curves.along.button, Qt.MouseButton.LeftButton)
    axes = bench.curves.canvas.figure.axes[0]
    assert axes.get_xlabel() == "T (K)"
    np.testing.assert_allclose(axes.lines[0].get_xdata(), kelvin)
    bench.viewer.dims.set_current_step(0, 3)
    bench.drag(bench.curves.canvas, 360, 640)
    assert bench.viewer.dims.current_step[0] == 17
    np.testing.assert_allclose(bench.curves.line._lines[0].get_xdata(), 640)
    bench.choose(bench.curves.along.chooser, "time")
    assert bench.curves.canvas.figure.axes[0].get_xlabel() == "Time (s)"


def test_a_table_of_other_frames_is_said_and_not_drawn(bench, tmp_path):
    table = tmp_path / "log.csv"
    table.write_text("frame,T (K)\n900,300\n901,301\n")
    bench.curves.along.open(table)
    assert bench.curves.canvas.figure.axes[0].get_xlabel() == "Time (s)"
    assert "from 900 to 901 frames" in bench.widget.status.text()


def test_the_drift_of_a_movie_is_measured_and_undone(make_shown_viewer, qtbot):
    image = LatticeImage(lattice="square", a=12, size=128).draw().astype(np.float32)
    frames = np.array([image[20 - t : 116 - t, 8 + 2 * t : 104 + 2 * t] for t in range(4)])
    viewer = make_shown_viewer()
    units = {"scale": (2, 0.1, 0.1), "units": ("s", "nm", "nm"), "axis_labels": ("t", "y", "x")}
    viewer.add_image(frames, name="walk", **units)
    _, widget = viewer.window.add_plugin_dock_widget("napari-lattice-symmetry", "Phase evolution")
    tab = widget.drift
    widget.tabs.setCurrentWidget(tab)
    tab.by_lattice.setChecked(True)
    qtbot.mouseClick(tab.measure_button, Qt.MouseButton.LeftButton)
    assert "has no result yet" in widget.status.text()
    tab.by_lattice.setChecked(False)
    qtbot.mouseClick(tab.measure_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.drift is not None)
    np.testing.assert_allclose(tab.drift.shifts[-1], [0.3, -0.6], atol=0.01)
    assert tab.canvas.figure.axes[0].get_ylabel() == "Shift (nm)"
    qtbot.mouseClick(tab.correct_button, Qt.MouseButton.LeftButton)
    still = viewer.layers["walk without drift"]
    np.testing.assert_allclose(still.scale, (2, 0.1, 0.1))
    last = np.asarray(still.data[3])
    seen = np.isfinite(last)
    np.testing.assert_allclose(last[seen], frames[0][seen], atol=1)
    assert widget.selection.image == still
    assert tab.drift is None  # which was that of another movie
