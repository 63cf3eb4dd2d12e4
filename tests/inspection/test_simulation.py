from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from stored_figures import assert_as_stored

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.inspection.simulation import (
    inspect_lattice,
    iter_sweep,
    sweep_values,
    sweepable,
)
from napari_lattice_symmetry.inspection.simulation_plot import LiveFigure, plot_sweep
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.lattice.image import LatticeImage


def test_a_verdict_is_of_the_whole_image(fake_model):
    image = LatticeImage(lattice="square", size=96)
    verdict = inspect_lattice(image, fake_model, samples=7)
    np.testing.assert_array_equal(verdict.pixels, image.draw())
    assert verdict.corner == (0, 0)
    assert verdict.fit.lattice == "square"
    assert verdict.mean.sum() == pytest.approx(1, abs=1e-5)


def test_what_is_settled_by_the_class_is_not_swept():
    assert "gamma" in sweepable("centered rectangular")
    assert not {"b", "gamma"} & set(sweepable("hexagonal"))
    for lattice in CLASSES:
        assert {"a", "disorder", "counts"} <= set(sweepable(lattice))
        assert not {"lattice", "seed"} & set(sweepable(lattice))


def test_values_are_even_equal_in_factor_or_whole():
    np.testing.assert_allclose(sweep_values("gamma", 60, 90, 4), [60, 70, 80, 90])
    np.testing.assert_allclose(sweep_values("counts", 100, 1, 3), [100, 10, 1])
    assert sweep_values("atoms", 1, 3, 9) == [1, 2, 3]
    assert sweep_values("atoms", 3, 1, 9) == [3, 2, 1]


@pytest.mark.parametrize(
    ("sweep", "sentence"),
    [
        (("gamma", 10, 90, 5), r"gamma \(°\) = 10: input should be greater than or equal to 30"),
        (("gamma", 70, 70, 5), "From 70 to 70 in 5 steps there is nothing to vary"),
        (("gamma", 60, 70, 1), "From 60 to 70 in 1 steps there is nothing to vary"),
    ],
)
def test_sweeps_of_nothing_are_refused(sweep, sentence):
    with pytest.raises(InputError, match=sentence):
        sweep_values(*sweep)


@pytest.fixture
def points(fake_model):
    image = LatticeImage(lattice="centered rectangular", size=96, disorder=0.02)
    values = [60, 75, 90]
    return list(iter_sweep(image, "gamma", values, fake_model, images=3, samples=5))


def test_a_sweep_follows_the_truth(points, fake_model):
    assert [point.value for point in points] == [60, 75, 90]
    assert [point.truth for point in points] == ["hexagonal", "centered rectangular", "square"]
    assert [point.fit_right for point in points] == [1, 1, 1]
    assert [point.resolved for point in points] == [1, 1, 1]
    image = LatticeImage(lattice="centered rectangular", gamma=75, size=96, disorder=0.02)
    windows = np.stack([image.model_copy(update={"seed": seed}).draw() for seed in range(3)])
    (block,) = fake_model.classify_blocks(windows, samples=5)
    np.testing.assert_allclose(points[1].mean, block.mean.mean(axis=0), rtol=1e-5)
    variance = np.square(block.std).mean(axis=0) + block.mean.var(axis=0)
    np.testing.assert_allclose(points[1].std, np.sqrt(variance), rtol=1e-4)
    right = block.mean.argmax(axis=1) == CLASSES.index("centered rectangular")
    assert points[1].right == right.mean()


def test_noise_is_right_without_a_lattice(fake_model):
    image = LatticeImage(lattice="noise", size=96)
    (point,) = iter_sweep(image, "a", [12], fake_model, images=3, samples=3)
    assert (point.truth, point.resolved, point.fit_right) == ("noise", 0, 1)


def test_a_sweep_stops_before_the_next_image(fake_model):
    asked = []

    def should_stop():
        asked.append(True)
        return len(asked) > 4

    values = [0, 0.1, 0.2]
    sweep = iter_sweep(
        LatticeImage(), "disorder", values, fake_model, images=3, should_stop=should_stop
    )
    assert len(list(sweep)) == 1
    assert len(asked) == 5


def test_a_sweep_is_drawn_with_truth_and_bands(points):
    figure = plot_sweep("gamma", points)
    top, bottom = figure.axes
    assert [line.get_label() for line in top.lines] == list(CLASSES)
    for k, line in enumerate(top.lines):
        np.testing.assert_allclose(line.get_ydata(), [point.mean[k] for point in points])
    assert bottom.get_xlabel() == "gamma (°)"
    assert bottom.lines[1].get_ydata().tolist() == [1, 1, 1]
    (dose,) = plot_sweep("counts", points[:1]).axes[1:]
    assert dose.get_xscale() == "log"


def test_in_a_dock_no_text_lies_over_another(points, fake_model):
    figure = plot_sweep("gamma", points, Figure(figsize=(2.3, 2.5), layout="constrained"))
    figure.canvas.draw()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    live, figure = LiveFigure(), Figure(figsize=(2.3, 2.3))
    live.plot(figure)
    live.show(inspect_lattice(LatticeImage(counts=10_000), fake_model, samples=3))
    figure.canvas.draw()
    bars = figure.axes[2]
    boxes = [text.get_window_extent() for text in (*bars.get_yticklabels(), *bars.texts)]
    assert Bbox.union(boxes).x0 >= 0
    assert Bbox.union(boxes).x1 <= figure.bbox.width
    assert not any(box.overlaps(other) for box, other in combinations(boxes, 2))


def test_figures_look_as_stored(points, fake_model, tmp_path):
    images = Path(__file__).parent / "images"
    assert_as_stored(plot_sweep("gamma", points), images / "sweep.png", tmp_path)
    live, figure = LiveFigure(), Figure(figsize=(4, 3.5))
    live.plot(figure)
    live.show(inspect_lattice(LatticeImage(counts=10_000), fake_model, samples=3))
    assert_as_stored(figure, images / "live.png", tmp_path)


def drawn(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def test_the_live_figure_shows_each_image_as_a_new_figure_would(fake_model):
    first = inspect_lattice(LatticeImage(lattice="square", size=96), fake_model, samples=3)
    second = inspect_lattice(LatticeImage(lattice="noise", a=15), fake_model, samples=3)
    live, figure = LiveFigure(), Figure(figsize=(4, 3.5))
    live.plot(figure)
    live.show(first)
    of_first = drawn(figure).copy()
    live.show(second)
    fresh, other = LiveFigure(), Figure(figsize=(4, 3.5))
    fresh.inspection = second
    fresh.plot(other)
    np.testing.assert_array_equal(drawn(figure), drawn(other))
    assert not np.array_equal(of_first, drawn(figure))
