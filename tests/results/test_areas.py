"""Area fractions: of the frame, and with bounds that say what windows cannot see."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.lattice import CLASSES, LABELS
from napari_lattice_symmetry.results.areas import HIDDEN, STRETCH, area_fractions
from napari_lattice_symmetry.results.result import MovieResult

NOISE = CLASSES.index("noise")


def result_of(labels, probability, window=32, stride=16, answer="verdict"):
    """Make a result whose windows give their own class a probability, the next one the rest."""
    labels = np.asarray(labels, dtype=np.uint8)
    sides = tuple(window + (n - 1) * stride for n in labels.shape[1:])
    movie = Movie(np.zeros((len(labels), *sides), np.float32), name="made")
    settings = AnalysisParameters(window=window, stride=stride, answer=answer)
    result = MovieResult.empty(movie, settings)
    result.labels[:] = labels
    result.mean[:] = 0
    for k, value in enumerate(LABELS.values()):
        result.mean[k][labels == value] = probability
        result.mean[(k + 1) % 6][labels == value] = 1 - probability
    result.state[:] = 1
    return result


def test_every_point_counts_for_the_nearest_window():
    areas = area_fractions(result_of([[[1, 1, 4]]], 1.0))
    # Three windows of 32 px at steps of 16 px: the border counts for the outer two.
    np.testing.assert_allclose(areas.values[0], [40 / 64, 0, 0, 24 / 64, 0, 0])


@pytest.mark.parametrize("answer", list(STRETCH))
def test_bounds_hold_what_windows_leave_to_others_and_what_they_hide(answer):
    areas = area_fractions(result_of([[[1, 1, 4]]], 0.8, answer=answer))
    (down, up), window = STRETCH[answer]["lattice"], 32**2 / (32 * 64)
    assert areas.low[0, 3] == pytest.approx(
        max(24 / 64 - down * (0.2 * 24 / 64 + HIDDEN * window), 0)
    )
    assert areas.high[0, 1] == pytest.approx(min(up * (0.2 * 40 / 64 + HIDDEN * window), 1))


def test_a_frame_without_any_hole_in_sight_may_hide_one():
    many = area_fractions(result_of(np.full((1, 31, 31), 4), 1.0))
    assert many.values[0, NOISE] == many.low[0, NOISE] == 0
    up = STRETCH["verdict"]["noise"][1]
    assert many.high[0, NOISE] == pytest.approx(up * HIDDEN * 32**2 / 512**2)
    assert many.high[0, 3] == 1


def test_windows_that_were_not_analyzed_have_no_area():
    areas = area_fractions(result_of([[[0, 1, 4]], [[0, 0, 0]]], 1.0))
    np.testing.assert_allclose(areas.values[0], [16 / 40, 0, 0, 24 / 40, 0, 0])
    assert np.isnan(areas.values[1]).all()
    assert np.isnan(areas.high[1]).all()


def test_a_region_counts_its_windows_alone(movie, parameters, fake_model):
    result = analyze(movie, parameters, model=fake_model)
    region = np.zeros(result.grid.shape, dtype=bool)
    region[:, -2:] = True
    areas = area_fractions(result, region)
    for k, value in enumerate(LABELS.values()):
        won = (result.labels[:, region] == value).mean(axis=1)
        np.testing.assert_allclose(areas.values[:, k], won)
