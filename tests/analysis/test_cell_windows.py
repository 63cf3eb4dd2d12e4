"""Which windows a cell is averaged over."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.analysis.cell_windows import (
    MAX_WINDOWS,
    CellParameters,
    average_pixel_size,
    average_windows,
    cut_windows,
    places_of_frames,
    window_side,
)
from napari_lattice_symmetry.analysis.steps import Steps, StoppedError
from napari_lattice_symmetry.cells import pixel_size_of
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
    windows, kept = cut_windows(Movie.from_array(frames), places, 32)
    assert len(windows) == MAX_WINDOWS
    assert kept[[0, -1], 0].tolist() == [0, 499]
    np.testing.assert_array_equal(windows[:, 0, 0], kept[:, 0])


def test_places_are_those_of_the_windows_in_the_cell(movie):
    places = places_of_frames((160, 240), [0, 1], 80)
    averaged = average_windows(movie, places, 80, CellParameters())
    assert averaged.tried == len(averaged.places) == 12
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


def test_a_search_for_the_pixel_size_tells_how_far_it_is_and_stops(movie):
    places, known, told = places_of_frames((160, 240), [0, 1], 80), (0.24, 0.24, 120), []
    steps = Steps(2, lambda done, total: told.append((done, total)))
    average_pixel_size(movie, places, 80, known, steps=steps)
    assert told == [(1, 2), (2, 2)]
    with pytest.raises(StoppedError):
        average_pixel_size(movie, places, 80, known, steps=Steps(2, should_stop=lambda: True))


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
