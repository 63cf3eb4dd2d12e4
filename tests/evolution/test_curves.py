from __future__ import annotations

import csv

import numpy as np
import pytest

from napari_lattice_symmetry.analysis import analyze, iter_analyze
from napari_lattice_symmetry.evolution.curves import (
    N_DRAWS,
    area_fractions,
    class_curves,
    class_fractions,
    snapshot,
    thinned_draws,
)
from napari_lattice_symmetry.evolution.tables import write_curves
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.results import MovieResult, load_result


@pytest.fixture
def result(movie, parameters, fake_model):
    return analyze(movie, parameters, model=fake_model)


@pytest.fixture
def right_half(result):
    region = np.zeros(result.grid.shape, dtype=bool)
    region[:, result.grid.shape[1] // 2 :] = True
    return region


def test_a_result_that_gets_longer_is_taken_as_long_as_all_its_arrays(result):
    n = len(result.state)
    result.frame_indices = np.arange(n + 1)  # a row is being added: the other arrays come next
    result.fractions = np.concatenate([result.fractions, result.fractions[:1]])
    now = snapshot(result)
    curve = class_curves(now)["hexagonal"]
    assert len(curve.times) == len(curve.values) == len(curve.std) == n
    assert len(result.fractions) == n + 1


def test_whole_frames_have_the_spread_over_the_thinned_networks(result):
    fractions, std = class_fractions(result)
    np.testing.assert_array_equal(fractions, result.fractions)
    np.testing.assert_array_equal(std, result.fractions_std)


def test_a_region_counts_its_own_windows(result, right_half):
    fractions, _ = class_fractions(result, right_half)
    expected = result.mean[:, :, right_half].mean(axis=-1).T
    np.testing.assert_allclose(fractions, expected, rtol=1e-6)
    hexagonal = CLASSES.index("hexagonal")
    assert np.all(fractions[:, hexagonal] > result.fractions[:, hexagonal])


def test_the_spread_of_a_region_is_an_upper_bound(result):
    everything = np.ones(result.grid.shape, dtype=bool)
    fractions, bound = class_fractions(result, everything)
    np.testing.assert_allclose(fractions, result.fractions, rtol=1e-5)
    assert np.all(bound >= result.fractions_std - 1e-7)


def test_draws_of_an_area_fill_its_interval(result, right_half):
    for region in (None, right_half):
        areas = area_fractions(result, region)
        curve = class_curves(result, region, areas=True)["hexagonal"]
        np.testing.assert_array_equal(curve.values, areas.values[:, 3])
        np.testing.assert_allclose(curve.draws.min(axis=0), areas.low[:, 3])
        np.testing.assert_allclose(curve.draws.max(axis=0), areas.high[:, 3])
    won = (result.labels[:, right_half] == CLASSES.index("hexagonal") + 1).mean(axis=1)
    np.testing.assert_allclose(areas.values[:, 3], won)


def test_a_saved_result_gives_the_same(result, right_half, tmp_path):
    result.save(tmp_path / "growth.zarr")
    loaded = load_result(tmp_path / "growth.zarr")
    for name in ("values", "std", "times"):
        np.testing.assert_array_equal(
            getattr(class_curves(loaded, right_half)["hexagonal"], name),
            getattr(class_curves(result, right_half)["hexagonal"], name),
        )


def test_frames_that_are_not_done_are_unknown(movie, parameters, fake_model):
    unfinished = MovieResult.empty(movie, parameters)
    frames = iter_analyze(movie, parameters, model=fake_model)
    unfinished.insert(next(frames))
    region = np.ones(unfinished.grid.shape, dtype=bool)
    for curves in (
        class_curves(unfinished),
        class_curves(unfinished, areas=True),
        class_curves(unfinished, region),
    ):
        assert np.isfinite(curves["square"].values).tolist() == [True] + [False] * 5


def test_a_curve_knows_its_units(result):
    curve = class_curves(result)["square"]
    np.testing.assert_allclose(curve.times, np.arange(6) * 0.5)
    assert (curve.time_unit, curve.area_unit, curve.length_unit) == ("s", "nm²", "nm")
    # 3 x 7 windows, each for a stride of 8 px.
    assert curve.area == pytest.approx(3 * 7 * 64 * 0.02 * 0.01)


def test_draws_spread_as_much_as_the_thinned_networks():
    values, std = np.array([0.5, 0.4]), np.array([0.01, 0.02])
    draws = thinned_draws(values, std)
    assert draws.shape == (N_DRAWS, 2)
    np.testing.assert_allclose(draws.mean(axis=0), values, atol=1e-9)
    np.testing.assert_allclose(draws.std(axis=0), std, rtol=0.02)


def test_the_table_holds_values_and_errors(result, tmp_path):
    curves = [class_curves(result)[name] for name in ("square", "hexagonal")]
    write_curves(curves, tmp_path / "evolution.csv")
    with (tmp_path / "evolution.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["time_s", "square", "square, std", "hexagonal", "hexagonal, std"]
    assert [float(row["time_s"]) for row in rows] == result.times.tolist()
    np.testing.assert_allclose(
        [float(row["hexagonal"]) for row in rows], result.fractions[:, 3], rtol=1e-5
    )
