from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import affine_transform

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.analysis.steps import StoppedError
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.evolution.drift import (
    correct_drift,
    lattice_deformations,
    measure_drift,
    plot_drift,
    write_drift,
)
from napari_lattice_symmetry.lattice.image import LatticeImage

SIDE, MARGIN, PERIOD = 128, 48, 10.0


@pytest.fixture(scope="module")
def scene():
    """A crystal with a hole, larger than what a frame shows of it."""
    size = SIDE + 2 * MARGIN
    image = LatticeImage(lattice="hexagonal", a=PERIOD, size=size, orientation=7).draw()
    y, x = np.mgrid[:size, :size]
    return np.where(np.hypot(y - 120, x - 100) < 18, image.min(), image)


def take(scene, affine, counts=20, seed=0):
    """Take the frame in which (y, x) of the middle of a scene is seen where `affine` says."""
    back = np.linalg.inv(affine)
    frame = affine_transform(
        scene, back[:2, :2], offset=back[:2, 2] + MARGIN, output_shape=(SIDE, SIDE), order=3
    )
    share = np.clip(frame - scene.min(), 0, None) / np.ptp(scene)
    return np.random.default_rng(seed).poisson(counts * share).astype(np.float32)


def shifted(shift):
    return np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]], dtype=float)


@pytest.fixture(scope="module")
def walk():
    """Shifts (y, x) of 26 frames, farther than half a frame is never seen, and period in all."""
    steps = np.random.default_rng(1).uniform(-2, 2, (26, 2)) + [1.2, -0.8]
    steps[0] = 0
    return np.cumsum(steps, axis=0)


@pytest.fixture(scope="module")
def movie(scene, walk):
    frames = [take(scene, shifted(shift), seed=t) for t, shift in enumerate(walk)]
    return Movie(np.array(frames), name="walk", pixel_size=(0.02, 0.03), unit="nm", frame_time=2)


@pytest.fixture(scope="module")
def drift(movie):
    return measure_drift(movie)


def test_shifts_are_found_to_a_fraction_of_a_pixel(drift, walk):
    error = drift.affines[:, :2, 2] - walk
    assert np.abs(walk).max() > 2 * PERIOD  # cells away
    assert np.sqrt((error**2).mean()) < 0.1
    assert np.abs(error).max() < 0.3
    np.testing.assert_allclose(drift.shifts, drift.affines[:, :2, 2] * (0.02, 0.03))
    assert drift.times[-1] == 50


def test_frames_without_drift_show_the_same(movie, drift):
    corrected = correct_drift(movie, drift)
    assert corrected.shape == movie.shape
    assert hasattr(corrected.frames, "dask")
    first, last = corrected.frame(0), corrected.frame(len(movie) - 1)
    seen = np.isfinite(last)
    assert 0.5 < seen.mean() < 0.9
    before = np.corrcoef(movie.frame(0)[seen], movie.frame(25)[seen])[0, 1]
    after = np.corrcoef(first[seen], last[seen])[0, 1]
    assert before < 0.5
    assert after > 0.7


def test_a_frame_that_shows_nothing_is_left_out(movie, walk):
    frames = movie.frames[:6].copy()
    frames[2] = np.nan
    frames[4, :40] = np.nan
    drift = measure_drift(replace(movie, frames=frames))
    assert np.isnan(drift.affines[2]).all()
    np.testing.assert_allclose(drift.affines[[3, 5], :2, 2], walk[[3, 5]], atol=0.3)
    assert len(correct_drift(replace(movie, frames=frames), drift)) == 5
    with pytest.raises(InputError, match="walk has no frame that shows anything"):
        measure_drift(replace(movie, frames=np.zeros((2, 32, 32))))


def test_steps_of_half_a_period_are_doubted(scene, drift):
    assert drift.remark == ""
    assert drift.period == pytest.approx(PERIOD, abs=0.1)
    frames = np.array([take(scene, shifted((0, 4.0 * t))) for t in range(3)])
    found = measure_drift(Movie(frames))
    assert "up to 4 px from one to the next" in found.remark


def test_stretch_and_turn_come_from_the_lattice(scene, fake_model):
    turns = [np.eye(2), np.array([[1.02, 0.03], [-0.01, 0.98]])]
    middle = np.full(2, (SIDE - 1) / 2)
    affines = []
    for turn, shift in zip(turns, [(0, 0), (2.5, -1.5)], strict=True):
        affine = np.eye(3)
        affine[:2, :2] = turn
        affine[:2, 2] = middle + shift - turn @ middle
        affines.append(affine)
    frames = np.array([take(scene, affine, counts=100) for affine in affines])
    movie = Movie(frames, pixel_size=(0.02, 0.02), unit="nm")
    parameters = AnalysisParameters(window=64, stride=32, samples=2, lattice_maps=True)
    result = analyze(movie, parameters, model=fake_model)
    np.testing.assert_allclose(lattice_deformations(result, movie)[1], turns[1], atol=0.006)
    found = measure_drift(movie, result).affines[1]
    corners = np.array([[30, 30, 1], [30, 98, 1], [98, 30, 1], [98, 98, 1]]).T
    np.testing.assert_allclose(found @ corners, affines[1] @ corners, atol=0.5)


def test_results_that_cannot_tell_are_refused(movie, fake_model):
    few = replace(movie, frames=movie.frames[:1])
    parameters = AnalysisParameters(window=64, stride=32, samples=2)
    result = analyze(few, parameters, model=fake_model)
    with pytest.raises(InputError, match="analyze again with lattice maps"):
        measure_drift(few, result)
    other = replace(movie, frames=movie.frames[:, 8:])
    with pytest.raises(InputError, match="its frames are other ones"):
        measure_drift(other, result)
    with pytest.raises(InputError, match="less than 16 px"):
        measure_drift(Movie(np.zeros((2, 8, 40))))


def test_it_can_be_stopped(movie):
    with pytest.raises(StoppedError):
        measure_drift(movie, should_stop=lambda: True)


def test_a_drift_is_drawn_and_written(drift, tmp_path):
    axes = plot_drift(drift, "walk").axes[0]
    assert [line.get_label() for line in axes.lines] == ["x", "y"]
    assert axes.get_ylabel() == "Shift (nm)"
    assert axes.lines[0].get_linestyle() != axes.lines[1].get_linestyle()
    write_drift(drift, tmp_path / "drift.csv")
    rows = list(csv.DictReader((tmp_path / "drift.csv").read_text().splitlines()))
    assert len(rows) == 26
    assert float(rows[-1]["x_nm"]) == pytest.approx(drift.shifts[-1, 1], rel=1e-4)
    assert float(rows[-1]["affine_y0"]) == pytest.approx(drift.affines[-1, 0, 2], rel=1e-4)


def test_a_hole_that_grows_does_not_move(scene):
    """At last only a rim of the crystal is left, where more of it lies on one side."""
    still = take(scene, shifted((0, 0)), counts=50)
    y, x = np.mgrid[:SIDE, :SIDE]
    frames = [np.where(np.hypot(y - 70, x - 50) < 12 * t, 0, still) for t in range(6)]
    np.testing.assert_allclose(measure_drift(Movie(np.array(frames))).shifts, 0, atol=0.1)
