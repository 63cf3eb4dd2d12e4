from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.evolution.holes import hole_curve, smallest_hole
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.results import MovieResult

SIZE, WINDOW, STRIDE = 512, 64, 8
NOISE = CLASSES.index("noise")


@pytest.fixture
def make_result():
    """Results in which windows say noise that lie `reach` windows inside round holes."""

    def make(radii, reach, std=0.0):
        movie = Movie(np.broadcast_to(np.float32(0), (len(radii), SIZE, SIZE)))
        result = MovieResult.empty(movie, AnalysisParameters(window=WINDOW, stride=STRIDE))
        result.state[:] = 1
        gy, _gx = result.grid.shape
        centers = (WINDOW - 1) / 2 + STRIDE * np.arange(gy)
        distance = np.hypot(centers[:, None] - 240, centers - 260)
        inside = np.array(radii)[:, None, None] - reach * WINDOW - distance
        result.mean[:] = 0
        result.mean[NOISE] = np.clip(0.5 + inside / 20, 0, 1)
        result.std[:] = std
        return result

    return make


def test_a_hole_has_its_size_again(make_result):
    curve = hole_curve(make_result([60, 90, 120], reach=0.275))
    np.testing.assert_allclose(
        curve.values * curve.area, np.pi * np.array([60, 90, 120]) ** 2, rtol=0.05
    )


@pytest.mark.parametrize("reach", [0.18, 0.37])
def test_the_draws_hold_the_true_size_however_far_windows_look(make_result, reach):
    curve = hole_curve(make_result([100], reach))
    low, high = np.percentile(curve.draws * curve.area, [2.5, 97.5])
    assert low < np.pi * 100**2 < high


def test_what_the_networks_leave_open_widens_the_draws(make_result):
    sure, unsure = (hole_curve(make_result([100], 0.275, std=std)) for std in (0, 0.3))
    assert unsure.std[0] > 1.1 * sure.std[0]


@pytest.mark.parametrize("diameter", [0.5, 0.75])
def test_a_hole_that_is_not_seen_may_be_there(make_result, diameter):
    result = make_result([diameter / 2 * WINDOW], reach=0.4)
    curve = hole_curve(result)
    assert curve.values == 0
    low, high = np.percentile(curve.draws * curve.area, [2.5, 97.5])
    assert low < np.pi / 4 * (diameter * WINDOW) ** 2 < high
    assert smallest_hole(result) == pytest.approx(0.85 * WINDOW)


def test_a_region_is_what_counts(make_result):
    result = make_result([100], reach=0.275)
    hole, film = np.zeros((2, *result.grid.shape), dtype=bool)
    hole[22:28, 24:30] = True
    film[:6, :6] = True
    assert hole_curve(result, hole).values == pytest.approx(1)
    assert hole_curve(result, film).values == pytest.approx(0)


def test_frames_that_are_not_done_are_unknown(make_result):
    result = make_result([100, 100], reach=0.275)
    result.state[1] = 0
    assert np.isnan(hole_curve(result).values).tolist() == [False, True]
