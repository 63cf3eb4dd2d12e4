"""Which windows a cell is averaged over."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.analysis import cell_windows
from napari_lattice_symmetry.analysis.cell_windows import (
    MAX_WINDOWS,
    average_pixel_size,
    average_windows,
    cut_windows,
    places_of_frames,
    subsample,
    window_side,
)
from napari_lattice_symmetry.analysis.steps import StoppedError
from napari_lattice_symmetry.cells import pixel_size_of
from napari_lattice_symmetry.cells.parameters import CellParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import simulate
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms
from napari_lattice_symmetry.lattice.image import LatticeImage
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS
from napari_lattice_symmetry.spectrum import fit_lattices
from napari_lattice_symmetry.spectrum.checks import MIN_WINDOW


@pytest.fixture(scope="module")
def movie():
    """Two frames of a hexagonal crystal with its atoms 12 px apart."""
    points = lattice_points(cell(12, 12, 120) @ rotation(7), (160, 240), (80, 90), 20)
    image = draw_atoms(points, np.ones(len(points)), 2.0, (160, 240)) + 0.1
    rng = np.random.default_rng(0)
    return Movie.from_array(np.array([count_electrons(image, 30, rng) for _ in range(2)]))


def test_windows_of_a_region_begin_where_it_does_and_do_not_overlap():
    inside = np.zeros((160, 240), dtype=bool)
    inside[7:150, 33:200] = True
    places = places_of_frames((160, 240), [3, 5], 70, inside)
    expected = [(frame, y, x) for frame in (3, 5) for y in (7, 77) for x in (33, 103)]
    assert places.tolist() == [list(each) for each in expected]
    inside[7:80, 33:60] = False
    assert len(places_of_frames((160, 240), [0], 70, inside)) == 3
    with pytest.raises(InputError, match="No window of 150 px lies in the region"):
        places_of_frames((160, 240), [0], 150, inside)
    with pytest.raises(InputError, match="does not fit into frames of 160 x 240 px"):
        places_of_frames((160, 240), [0], 200)


def test_many_windows_are_thinned_all_over_a_movie():
    frames = np.arange(500.0)[:, np.newaxis, np.newaxis] * np.ones((1, 32, 32))
    places = places_of_frames((32, 32), range(500), 32)
    kept = subsample(places)
    assert len(kept) == MAX_WINDOWS
    assert kept[[0, -1], 0].tolist() == [0, 499]
    windows, read = cut_windows(Movie.from_array(frames), kept, 32)
    np.testing.assert_array_equal(read, kept)
    np.testing.assert_array_equal(windows[:, 0, 0], kept[:, 0])


def test_it_is_told_that_windows_were_left_out(movie, monkeypatch):
    places = places_of_frames((160, 240), [0, 1], 80)
    assert average_windows(movie, places, 80).sampled == ""
    monkeypatch.setattr(cell_windows, "MAX_WINDOWS", 5)
    monkeypatch.setattr(cell_windows, "MAX_FITTED", 3)
    averaged = average_windows(movie, places, 80)
    assert (averaged.tried, averaged.found) == (5, 12)
    assert averaged.sampled == "5 of 12 windows, spread over all"
    size = average_pixel_size(movie, places, 80, (0.24, 0.24, 120))
    assert size.sampled == "3 of 12 windows, spread over all"


def test_windows_of_a_class_are_averaged_in_three_lines(movie, fake_model):
    """Those of a result overlap: the same noise is not counted twice."""
    result = nls.analyze(movie, model=fake_model, window=80, stride=8, samples=2)
    result.maps["labels"][:] = nls.LABELS["hexagonal"]
    places = nls.places_of_class(result, "hexagonal")
    averaged = nls.average_windows(movie, places, result.grid.window)
    assert len(averaged.cell.windows) == 12
    here = places[places[:, 0] == 0, 1:]
    apart = np.abs(here[:, np.newaxis] - here).max(axis=-1) + 80 * np.eye(len(here))
    assert apart.min() >= 80
    with pytest.raises(InputError, match="'cubic' is no class"):
        nls.places_of_class(result, "cubic")
    with pytest.raises(InputError, match="Places are frame, row and column"):
        nls.average_windows(movie, places[:, 1:], 80)
    for wrong in (places + [0, 1, 0], places - [1, 0, 0], places + [2, 0, 0]):
        with pytest.raises(InputError, match="leave the movie of 2 frames, 240 x 160 px"):
            nls.average_windows(movie, wrong, 80)
    with pytest.raises(InputError, match="tolerance"):
        nls.average_windows(movie, places, 80, tolerance=3)


def test_places_are_those_of_the_windows_in_the_cell(movie):
    places = places_of_frames((160, 240), [0, 1], 80)
    averaged = average_windows(movie, places, 80, CellParameters())
    assert averaged.tried == averaged.found == len(averaged.places) == 12
    for window, (frame, y, x) in zip(averaged.cell.windows, averaged.places, strict=True):
        np.testing.assert_array_equal(window, movie.frame(frame)[y : y + 80, x : x + 80])


def test_the_pixel_size_of_many_windows_is_better_known_than_that_of_one(movie):
    places = places_of_frames((160, 240), [0, 1], 80)
    found = average_pixel_size(movie, places, 80, (0.24, 0.24, 120))
    one = pixel_size_of(fit_lattices(cut_windows(movie, places[:1], 80)[0])[0], (0.24, 0.24, 120))
    assert (found.y, found.x) == pytest.approx((0.02, 0.02), rel=2e-3)
    assert abs(found.x - 0.02) < 4 * found.x_error
    assert found.x_error < 0.7 * one.x_error
    with pytest.raises(InputError, match=r"does not show the lattice of a = 0\.3"):
        average_pixel_size(movie, places, 80, (0.3, 0.9, 90), square=True)


@pytest.mark.parametrize(
    ("average", "passes"),
    [(average_windows, 3), (partial(average_pixel_size, known=(0.24, 0.24, 120)), 2)],
)
def test_what_takes_time_tells_how_far_it_is_and_stops_after_reading_too(movie, average, passes):
    places, told = places_of_frames((160, 240), [0, 1], 80), []
    average(movie, places, 80, progress=lambda *now: told.append(now))
    assert {total for _, total in told} == {12 * passes}
    assert told == sorted(told)
    assert told[-1][0] == 12 * passes
    assert len(told) > 3  # two frames are read
    for most in (0, len(told) - 1):
        asked = iter(range(100))
        with pytest.raises(StoppedError):
            average(
                movie, places, 80, should_stop=lambda asked=asked, most=most: next(asked) >= most
            )


@pytest.mark.parametrize("name", ["pmg", "p6m"])
def test_a_window_holds_ten_cells_though_a_part_of_the_cell_shows_most(name):
    frame = PLANE_GROUPS.index(name)
    movie = simulate("plane-groups").movie
    side = window_side(movie.frame(frame))
    averaged = average_windows(
        movie, places_of_frames(movie.shape[1:], [frame], side), side, CellParameters()
    )
    longest = averaged.cell.b / movie.pixel_size[0]
    assert side == pytest.approx(10 * longest, abs=2)
    assert averaged.cell.group.name == name


def test_ten_cells_of_few_pixels_are_no_window_too_small_to_fit():
    frame = LatticeImage(lattice="square", a=3.1, counts=200).draw()
    assert window_side(frame) == MIN_WINDOW
    assert window_side(frame[:40, :35]) == MIN_WINDOW


@pytest.mark.parametrize("value", [np.nan, 3])
def test_a_hole_in_the_middle_of_a_frame_hides_no_cell(value):
    movie = simulate("plane-groups", size=512).movie
    frame = movie.frame(PLANE_GROUPS.index("pmg")).astype(float)
    side = window_side(frame)
    frame[150:-150, 150:-150] = value
    assert window_side(frame) == pytest.approx(side, abs=2)


@pytest.fixture(scope="module")
def turned():
    """A result of one square crystal that is turned by 20 degrees in half of the frame."""
    image = LatticeImage(
        lattice="square", a=12, size=320, second_grain=0.5, misorientation=20, counts=100
    ).draw()
    result = nls.analyze(image, window=96, stride=16, samples=2, lattice_maps=True)
    result.maps["labels"][:] = nls.LABELS["square"]
    return image, result


def test_grains_are_connected_windows_of_one_lattice(turned):
    _, result = turned
    grains = nls.grains_of(result)[0]
    sizes = np.bincount(grains.ravel())[1:]
    assert (np.diff(sizes) <= 0).all()
    first, second = grains[7, 0], grains[7, -1]
    assert {first, second} == {1, 2}
    assert sizes[:2].sum() > 0.7 * grains.size
    result.maps["labels"][0, :, :2] = nls.LABELS["noise"]
    assert not nls.grains_of(result)[0, :, :2].any()
    result.maps["labels"][:] = nls.LABELS["square"]


def test_the_windows_of_the_grain_at_a_place_are_averaged(turned):
    image, result = turned
    directions = []
    for x in (40, 280):
        places = nls.places_of_grain(result, (x, 160))
        grains = nls.grains_of(result)[0]
        rows, columns = places[:, 1:].T // 16
        assert len(set(grains[rows, columns])) == 1
        averaged = nls.average_windows(nls.Movie.from_array(image), places, 96)
        assert averaged.cell.group.name == "p4m"
        x_of_a, y_of_a = averaged.cell.basis[0]
        directions.append(np.rad2deg(np.arctan2(y_of_a, x_of_a)) % 90)
    apart = abs(directions[0] - directions[1])
    assert min(apart, 90 - apart) == pytest.approx(20, abs=1)
    result.maps["labels"][:] = nls.LABELS["noise"]
    with pytest.raises(InputError, match="There is no grain at 40, 160 px"):
        nls.places_of_grain(result, (40, 160))
    with pytest.raises(InputError, match="has nothing of frame 3"):
        nls.places_of_grain(result, (40, 160), [3])
    result.maps["labels"][:] = nls.LABELS["square"]
    plain = nls.analyze(image, window=96, stride=64, samples=2)
    with pytest.raises(InputError, match="analyze again with lattice maps"):
        nls.places_of_grain(plain, (40, 160))
