from __future__ import annotations

import dataclasses
from threading import Event, Thread

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.colors import to_hex

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.lattice import CLASSES, COLORS
from napari_lattice_symmetry.results import plot_fractions, plot_maps
from napari_lattice_symmetry.results.plots import drawing


@pytest.fixture
def result(movie, parameters, fake_model):
    return analyze(movie, parameters, model=fake_model)


def test_fractions_are_drawn_with_bands_in_class_colors(result):
    (axes,) = plot_fractions(result).axes
    assert axes.get_xlabel() == "Time (s)"
    assert len(axes.lines) == len(axes.collections) == 6
    for k, (name, line, band) in enumerate(zip(CLASSES, axes.lines, axes.collections, strict=True)):
        assert line.get_label() == name
        assert to_hex(line.get_color()) == COLORS[name].lower()
        np.testing.assert_allclose(line.get_xdata(), result.times)
        np.testing.assert_allclose(line.get_ydata(), result.fractions[:, k])
        heights = band.get_paths()[0].vertices[:, 1]
        assert heights.max() == pytest.approx((result.fractions + result.fractions_std)[:, k].max())


def test_frames_stand_on_the_axis_without_frame_time(frames, parameters, fake_model):
    (axes,) = plot_fractions(analyze(frames, parameters, model=fake_model)).axes
    assert axes.get_xlabel() == "Frame"


def test_one_image_becomes_bars(frames, parameters, fake_model):
    result = analyze(frames[0], parameters, model=fake_model)
    (axes,) = plot_fractions(result).axes
    assert [bar.get_height() for bar in axes.patches] == pytest.approx(result.fractions[0])


def test_maps_have_class_colors_and_lie_on_the_frame(result):
    left, right, _ = plot_maps(result, 3).axes
    colors = left.images[0].to_rgba(left.images[0].get_array())
    assert to_hex(colors[0, 0]) == COLORS["square"].lower()
    assert to_hex(colors[0, 6]) == COLORS["hexagonal"].lower()
    np.testing.assert_array_equal(right.images[0].get_array(), result.entropy[3])
    # 7 x 3 map pixels of 8 px around window centers from 15.5 px on, pixels of 0.01 x 0.02 nm
    expected = (0.01 * 11.5, 0.01 * 67.5, 0.02 * 35.5, 0.02 * 11.5)
    assert left.images[0].get_extent() == pytest.approx(expected)
    assert left.get_xlabel() == "x (nm)"


def test_names_are_no_formulas(movie, parameters, fake_model, tmp_path):
    movie = dataclasses.replace(movie, name="run_$5_{")
    result = analyze(movie, parameters, model=fake_model)
    for figure in (plot_fractions(result), plot_maps(result, 0)):
        figure.savefig(tmp_path / "figure.png")


@pytest.mark.parametrize("draw", [plot_fractions, plot_maps])
def test_figures_with_nothing_in_them_can_be_saved(frames, parameters, fake_model, draw, tmp_path):
    frames[0] = 0
    result = analyze(Movie(frames), parameters, model=fake_model)
    draw(result).savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_a_report_that_is_drawn_while_a_dock_is_leaves_no_color_behind():
    plain, seen = rcParams["text.color"], {}
    begun, finish = Event(), Event()

    def draw_in_a_dock():
        with drawing({"text.color": "white"}):
            begun.set()
            finish.wait(10)
            seen["dock"] = rcParams["text.color"]

    def draw_a_report():
        with drawing({"text.color": "red"}):
            seen["report"] = rcParams["text.color"]

    dock, report = Thread(target=draw_in_a_dock), Thread(target=draw_a_report)
    dock.start()
    begun.wait(10)
    report.start()
    report.join(0.2)  # it has not begun: the dock still draws
    assert not seen
    finish.set()
    dock.join()
    report.join()
    assert seen == {"dock": "white", "report": "red"}
    assert rcParams["text.color"] == plain
