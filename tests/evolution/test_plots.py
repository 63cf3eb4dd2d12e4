from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stored_figures import assert_as_stored

from napari_lattice_symmetry.evolution.curves import BRIGHTNESS, HOLES, Curve, thinned_draws
from napari_lattice_symmetry.evolution.kinetics import fit_growth
from napari_lattice_symmetry.evolution.plots import plot_defect_counts, plot_evolution, plot_growth

IMAGES = Path(__file__).parent / "images"
TIMES = np.arange(40) * 5.0


@pytest.fixture
def make_curve():
    def make(name, values, std):
        std = np.full_like(values, std)
        draws = thinned_draws(values, std)
        indices = np.arange(len(TIMES))
        return Curve(
            name, indices, TIMES, values, std, draws, area=100.0, timed=True, calibrated=True
        )

    return make


@pytest.fixture
def noise():
    scatter = np.random.default_rng(0).normal(0, 0.005, len(TIMES))
    return 1e-4 * np.exp(0.04 * TIMES) + 0.05 + scatter


def test_evolution(make_curve, noise, tmp_path):
    curves = [
        make_curve("hexagonal", 1 - noise, 0.02),
        make_curve("noise", noise, 0.02),
        make_curve(HOLES, 1.2 * noise, 0.04),
        make_curve(BRIGHTNESS, 1.1 * noise, 0.0),
    ]
    curves[1].values[[5, 6]] = np.nan
    assert_as_stored(plot_evolution(curves, "a movie"), IMAGES / "evolution.png", tmp_path)


def test_growth(make_curve, noise, tmp_path):
    fit = fit_growth(make_curve(HOLES, noise, 0.01), 80)
    assert_as_stored(plot_growth(fit, "a movie"), IMAGES / "growth.png", tmp_path)


def test_no_curve_is_an_empty_figure():
    (axes,) = plot_evolution([]).axes
    assert not axes.lines


def test_one_frame_is_a_dot_with_a_bar(make_curve, noise):
    curve = make_curve("noise", np.where(np.arange(len(TIMES)) == 3, noise, np.nan), 0.02)
    (axes,) = plot_evolution([curve]).axes
    (dots, _, (bars,)) = axes.containers[0]
    assert dots.get_marker() == "o"
    low, high = bars.get_segments()[3][:, 1]
    assert (low, high) == pytest.approx((noise[3] - 0.02, noise[3] + 0.02))


def test_atoms_that_are_missing_are_drawn_as_seen_and_as_missed(lives):
    (axes,) = plot_defect_counts(lives, 2.0).axes
    drawn = {line.get_label(): line for line in axes.get_lines()}
    assert drawn["seen"].get_ydata().tolist() == [1, 1, 1, 1, 1]
    assert drawn["seen, or missed in between"].get_ydata().tolist() == [1, 1, 2, 1, 1]
    assert drawn["seen / 0.67"].get_ydata() == pytest.approx([1.5] * 5)
    assert drawn["seen"].get_xdata().tolist() == [0, 2, 4, 6, 8]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Time (s)", "Atoms missing")
