from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.colors import to_hex
from PIL import Image

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.cli import main
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import COLORS
from napari_lattice_symmetry.report.map_plots import plot_map, round_length


@pytest.fixture
def result(movie, parameters, fake_model):
    return analyze(movie, parameters, model=fake_model)


def test_a_class_map_has_its_colors_and_a_legend_of_those_that_are_there(result):
    figure = plot_map(result, 3)
    (axes,) = figure.axes
    pixels = axes.images[0].get_array()
    assert to_hex(pixels[0, 0]) == COLORS["square"].lower()
    (legend,) = figure.legends
    assert {"square", "hexagonal"} <= {text.get_text() for text in legend.texts} < set(COLORS)
    assert axes.get_title() == "growth, frame 3, 1.5 s"
    assert [text.get_text() for text in axes.texts] == ["0.1 nm"]
    bar = axes.lines[-1].get_xdata()
    assert bar[1] - bar[0] == pytest.approx(0.1)


def test_numbers_have_a_bar_of_colors(result):
    axes, bar = plot_map(result, 2, "entropy").axes
    np.testing.assert_array_equal(axes.images[0].get_array(), result.entropy[2])
    assert bar.get_ylabel() == "Predictive entropy (nats)"


def test_a_bare_map_is_a_map_and_nothing_else(result):
    figure = plot_map(result, 2, "entropy", legend=False, scale_bar=False)
    (axes,) = figure.axes
    assert not figure.legends
    assert not axes.texts
    assert not axes.lines
    assert axes.get_title() == ""


@pytest.mark.parametrize(("most", "length"), [(0.168, 0.1), (7, 5), (2, 2), (39, 20), (1e3, 1e3)])
def test_bars_have_round_lengths(most, length):
    assert round_length(most) == pytest.approx(length)


def test_a_map_that_is_not_there_is_named(result):
    with pytest.raises(InputError, match="growth has no map 'a' that can be drawn; it has labels"):
        plot_map(result, 0, "a")


def test_the_command_draws_one_map(result, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result.save("run.zarr")

    def export(*arguments):
        return CliRunner().invoke(main, ["export", "run.zarr", *arguments])

    assert export("--frame", "3", "--map", "entropy", "--to", "a.png").exit_code == 0
    bare = ("--no-legend", "--no-scale-bar")
    assert export("--frame", "3", *bare, "--to", "b.png").exit_code == 0
    assert export("--map", "labels", "--to", "c.gif").exit_code == 0
    with Image.open("a.png") as legend, Image.open("b.png") as alone, Image.open("c.gif") as film:
        assert legend.size[1] > alone.size[1]
        assert film.n_frames == len(result.times)
    assert "Say of which frame" in export("--map", "labels", "--to", "d.png").output
