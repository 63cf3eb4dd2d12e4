"""Plane groups of windows whose group is known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.cells.factors import noise_gathering, structure_factors
from napari_lattice_symmetry.cells.superlattice import find_superlattices
from napari_lattice_symmetry.cells.transform import NODES
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms
from napari_lattice_symmetry.lattice.motifs import (
    Motif,
    break_symmetry,
    draw_motif,
    random_cell,
    random_motif,
)
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS

SIZE = 128


def window(group, seed=1, counts=200.0, **options):
    rng = np.random.default_rng([seed, PLANE_GROUPS.index(group)])
    motif = random_motif(group, rng)
    basis = random_cell(motif.family, SIZE / 8, rng)
    return draw_motif(motif, basis, SIZE, rng, counts=counts, **options)


def test_all_17_groups_are_named():
    windows = np.array([window(name) for name in PLANE_GROUPS])
    found = nls.cells.plane_groups(windows)
    assert [each.name for each in found] == list(PLANE_GROUPS)
    for each in found:
        assert sum(each.probabilities.values()) == pytest.approx(1)
        assert list(each.probabilities) == list(PLANE_GROUPS)
        assert each.at_least("p1") == pytest.approx(1)
        assert each.departure < 0.03
        assert each.p_value > 1e-4


def test_the_groups_of_the_sample_are_those_that_it_says():
    movie = nls.simulate("plane-groups").movie
    found = nls.cells.plane_groups(np.array(movie.frames)[:, 20:212, 30:222])
    assert [each.name for each in found] == list(PLANE_GROUPS)


def test_strong_spots_do_not_leak_into_others():
    """Structure factors of an image without noise are those of its atoms, weak ones too."""
    basis = cell(15.3, 18.1, 97) @ rotation(21)
    bright, faint = np.array([0.0, 0.0]), np.array([0.31, 0.43])
    points = lattice_points(basis, (160, 160), (79.5, 79.5), 40)
    atoms = np.concatenate([points, points + faint @ basis])
    image = draw_atoms(atoms, np.repeat([1.0, 0.9], len(points)), 2.0, (160, 160))
    found = structure_factors(image[np.newaxis], basis[np.newaxis], refine=False)
    q2 = np.square(found.frequencies[0]).sum(axis=1)
    waves = 1 + 0.9 * np.exp(-2j * np.pi * NODES @ (faint - bright))
    true = 8 * np.pi / abs(np.linalg.det(basis)) * np.exp(-8 * np.pi**2 * q2) * waves
    used = found.used[0]
    off = np.abs(found.values[0] - true)[used] / np.abs(true[used]).max()
    assert off.max() < 1e-3
    expected = np.sqrt(found.variance[0, used]) / np.abs(true[used]).max()
    assert expected.max() < 0.01


def test_a_cell_that_vacancies_seem_to_double_is_not_larger():
    rng = np.random.default_rng(3)
    motif = random_motif("p31m", rng)
    basis = random_cell("hexagonal", SIZE / 8, rng)
    windows = np.array(
        [draw_motif(motif, basis, SIZE, rng, counts=50, vacancies=0.1) for _ in range(3)]
    )
    doubled = np.tile(np.array([[2, 0], [0, 1]]) @ basis, (3, 1, 1))
    areas = np.abs(np.linalg.det(find_superlattices(windows, doubled)))
    np.testing.assert_allclose(areas, abs(np.linalg.det(basis)), rtol=1e-6)


def test_groups_that_contain_another_count_as_at_least_that():
    found = nls.cells.plane_group(window("p4g"))
    assert found.name == "p4g"
    assert found.at_least("p4") == pytest.approx(1, abs=0.02)
    assert found.at_least("p4m") < 0.02
    assert f"p4g, with probability {found.probabilities['p4g']:.2f}" in found.remarks
    assert found.probabilities["p4g"] > 0.9
    with pytest.raises(InputError, match="no plane group"):
        found.at_least("p5")


def test_mirrors_that_a_small_shift_breaks_are_not_named():
    rng = np.random.default_rng(11)
    motif = random_motif("p4m", rng, special=0)
    basis = random_cell("square", SIZE / 8, rng)
    broken = break_symmetry(motif, "p4", 0.02, rng)
    drawn = [
        draw_motif(each, basis, SIZE, np.random.default_rng(3), counts=1000)
        for each in (motif, broken)
    ]
    higher, lower = nls.cells.plane_groups(np.array(drawn))
    assert (higher.name, lower.name) == ("p4m", "p4")
    assert lower.table["p4m"].p_value < 1e-6
    assert lower.table["p4m"].departure > 0.01


def test_a_blur_along_one_axis_is_undone():
    """A lens that is not round leaves its mark on amplitudes, and none on phases."""
    rng = np.random.default_rng(4)
    motif, basis = random_motif("p4m", rng), random_cell("square", SIZE / 8, rng)
    image = gaussian_filter1d(draw_motif(motif, basis, SIZE, rng), 1.2, axis=1)
    found = nls.cells.plane_group(count_electrons(image, 1000, rng))
    assert found.name == "p4m"
    assert found.departure < 0.1


def test_a_small_departure_that_is_not_noise_is_within_the_tolerance_and_said():
    rng = np.random.default_rng(4)
    motif, basis = random_motif("p2", rng), random_cell("oblique", SIZE / 8, rng)
    weaker = motif.brightness * rng.uniform(0.85, 1.15, len(motif.brightness))
    broken = Motif(motif.sites, weaker, "oblique")
    assert broken.group == "p1"
    image = draw_motif(broken, basis, SIZE, rng, counts=10_000)
    found = nls.cells.plane_group(image)
    assert (found.name, found.within_tolerance) == ("p2", True)
    assert 0.02 < found.departure < 0.2
    assert found.remarks == (
        f"p2 within the tolerance; the image departs from it by {found.departure:.0%}, p < 1e-6."
    )
    strict = nls.cells.plane_group(image, tolerance=0.01)
    assert strict.name == "p1"
    assert strict.remarks == "p1: no symmetry holds within the tolerance of 1%."
    with pytest.raises(InputError, match="tolerance of -1 is no share"):
        nls.cells.plane_group(image, tolerance=-1)


def test_nothing_is_named_in_noise_fringes_two_lattices_and_few_periods():
    rng = np.random.default_rng(8)
    noise = rng.poisson(20, (SIZE, SIZE)).astype(float)
    y, x = np.mgrid[:SIZE, :SIZE]
    fringes = rng.poisson(20 + 10 * np.cos(2 * np.pi * (x + 0.3 * y) / 9)).astype(float)
    amorphous = draw_atoms(rng.uniform(0, SIZE, (200, 2)), np.ones(200), 2.0, (SIZE, SIZE))
    grains = np.zeros((SIZE, SIZE))
    for turn, side in ((5, 1), (30, -1)):
        points = lattice_points(cell(12, 12, 90) @ rotation(turn), (SIZE, SIZE), (64, 64), 9)
        grain = points[side * (points[:, 0] - 64) > 0]
        grains += draw_atoms(grain, np.ones(len(grain)), 2.0, (SIZE, SIZE))
    points = lattice_points(cell(25, 25, 90), (SIZE, SIZE), (64, 64), 20)
    few = draw_atoms(points, np.ones(len(points)), 2.5, (SIZE, SIZE))
    points = lattice_points(cell(36, 36, 90), (SIZE, SIZE), (64, 64), 20)
    no_fit = draw_atoms(points, np.ones(len(points)), 2.5, (SIZE, SIZE))
    found = nls.cells.plane_groups(np.array([noise, fringes, amorphous, grains, few, no_fit]))
    assert [each.name for each in found] == [None] * 6
    for each, words in zip(
        found,
        (
            "stand out",
            "on one line",
            "",
            "second lattice",
            "5.1 periods in the window, fewer than 6",
            "3.6 periods in the window, fewer than 6",
        ),
        strict=True,
    ):
        assert words in each.reason
        assert each.reason
        assert each.remarks == f"not resolved: {each.reason}"
        assert np.isnan(each.p_value)
        assert set(each.probabilities.values()) == {0.0}


def test_a_lattice_can_be_given():
    image = window("p3m1")
    sheared = nls.cells.plane_group(image, lattice="oblique")
    assert sheared.name in ("p1", "p2")
    assert set(sheared.table) == {"p1", "p2"}
    fit = nls.fit_lattice(image)
    assert nls.cells.plane_group(image, lattice=fit).name == "p3m1"
    assert nls.cells.plane_group(image, lattice=fit.basis).name == "p3m1"
    with pytest.raises(InputError, match="'cubic' is no class of lattices"):
        nls.cells.plane_group(image, lattice="cubic")
    with pytest.raises(InputError, match="fitted in pixels"):
        nls.cells.plane_group(image, lattice=nls.fit_lattice(image, 0.02))
    with pytest.raises(InputError, match="not one window"):
        nls.cells.plane_group(np.zeros((2, 64, 64)))
    with pytest.raises(InputError, match="spans no lattice"):
        nls.cells.plane_group(image, lattice=np.ones((2, 2)))


def test_a_weak_superlattice_makes_the_cell_larger():
    """Atoms that alternate in brightness double the cell, even where first spots are weak."""
    rng = np.random.default_rng(0)
    basis = cell(10, 10, 90) @ rotation(17)
    points = lattice_points(basis, (SIZE, SIZE), (60, 60), 8)
    i, j = np.rint((points - 60) @ np.linalg.inv(basis)).T
    bright = np.where((i + j) % 2 == 0, 1.0, 0.9)
    image = count_electrons(draw_atoms(points, bright, 2.0, (SIZE, SIZE)) + 0.1, 300, rng)
    found = nls.cells.plane_group(image)
    assert found.name == "p4m"
    assert np.linalg.norm(found.basis, axis=1) == pytest.approx([10 * 2**0.5] * 2, rel=0.01)


def test_the_origin_lies_on_the_axis_of_the_highest_symmetry():
    rng = np.random.default_rng(6)
    basis = cell(14, 14, 90) @ rotation(12)
    center = np.array([61.3, 66.2])
    corners = np.array([[0.2, 0.11], [0.11, 0.2]]) @ basis
    turns = [rotation(angle) for angle in (0, 90, 180, 270)]
    ring = np.concatenate([corners @ each for each in turns])
    flipped = np.concatenate([ring, np.array([[0.0, 0.0]])])
    points = lattice_points(basis, (SIZE, SIZE), tuple(center), 14)
    atoms = (points[:, np.newaxis] + flipped).reshape(-1, 2)
    weights = np.tile([*[0.6] * len(ring), 1.0], len(points))
    image = count_electrons(draw_atoms(atoms, weights, 1.5, (SIZE, SIZE)) + 0.1, 300, rng)
    found = nls.cells.plane_group(image)
    away = (found.origin - center) @ np.linalg.inv(found.basis)
    away -= np.rint(away)
    # Either of the two fourfold axes of p4m is an origin that the Tables allow.
    half = np.abs(away) - 0.5
    assert min(np.abs(away).max(), np.abs(half).max()) < 0.01


def stretched(percent, counts=1000.0):
    """Draw p4m but for its lattice, of which one side is longer."""
    rng = np.random.default_rng(5)
    basis = cell(14, 14 * (1 + percent / 100), 90) @ rotation(20)
    return draw_motif(random_motif("p4m", rng), basis, SIZE, rng, counts=counts)


def test_the_tolerance_of_a_lattice_says_which_groups_it_allows():
    near, far = stretched(2), stretched(7)
    square = [nls.cells.plane_group(each, lattice_tolerance=0.1) for each in (near, far)]
    assert [each.lattice for each in square] == ["square", "square"]
    right = [nls.cells.plane_group(each, lattice_tolerance=0.01) for each in (near, far)]
    assert [each.lattice for each in right] == ["rectangular", "rectangular"]
    assert nls.cells.average_cell(near, lattice_tolerance=0.01).group.lattice == "rectangular"
    assert nls.cells.average_cell(far, lattice_tolerance=0.1).group.lattice == "square"
    with pytest.raises(InputError, match=r"lattice tolerance of 0.5 is not from 0 to 0.2"):
        nls.cells.plane_group(near, lattice_tolerance=0.5)


def test_a_lattice_that_is_surely_another_one_is_told_with_the_group():
    found = nls.cells.plane_group(stretched(3))
    assert found.name == "p4m"
    assert found.metric_departure == pytest.approx(np.log(1.03), abs=1e-3)
    assert found.metric_errors > 10
    assert found.remarks.endswith(
        f"The lattice departs from square by {found.metric_departure:.1%} "
        f"({found.metric_errors:.0f} errors)."
    )
    basis = cell(14, 14.42, 90) @ rotation(20)
    distortion = np.linalg.solve(cell(14, 14, 90) @ rotation(20), basis).T
    (undone,) = nls.cells.plane_groups(stretched(3)[np.newaxis], distortion=distortion)
    assert undone.metric_departure < 0.003


def test_errors_of_the_metric_are_those_by_which_it_scatters():
    rng = np.random.default_rng(9)
    motif, basis = random_motif("p4m", rng), cell(14, 14, 90) @ rotation(33)
    drawn = np.array([draw_motif(motif, basis, SIZE, rng, counts=30) for _ in range(40)])
    found = nls.cells.plane_groups(drawn, lattice="square")
    errors = np.array([each.metric_errors for each in found])
    assert (errors > 3).mean() < 0.05  # the greater of two
    assert 0.7 < np.median(errors) < 1.7


def test_a_class_that_the_lattice_cannot_be_is_refused():
    found = nls.cells.plane_group(window("p4m"), lattice="hexagonal")
    assert found.name is None
    assert found.reason == "the lattice departs from hexagonal by 50%, more than 20%"
    with pytest.raises(InputError, match="to average: the lattice departs from hexagonal by"):
        nls.cells.average_cell(window("p4m"), "hexagonal")


@pytest.fixture(scope="module")
def crystal():
    return window("p4m")


def test_a_window_that_cannot_be_analyzed_is_none_where_the_lattice_is_given(crystal):
    basis = nls.fit_lattice(crystal).basis
    torn = crystal.copy()
    torn[:, : SIZE // 2] = np.nan
    windows = np.array([crystal, np.full_like(crystal, np.nan), torn, np.full_like(crystal, 7.0)])
    for lattice in (basis, basis.tolist(), nls.fit_lattice(crystal)):
        found = nls.cells.plane_groups(windows, lattice=lattice)
        assert [each.name for each in found] == ["p4m", None, None, None]
        missing = "more than 5% of the pixels are missing or padding"
        assert [each.reason for each in found[1:]] == 3 * [missing]


@pytest.mark.parametrize(
    ("windows", "lattice", "words"),
    [
        (np.zeros((1, 64, 48)), np.eye(2) * 9, "must be square, not 64 x 48 px"),
        (np.zeros((1, 2, 2)), np.eye(2) * 9, "2 px is too small; 32 px are needed"),
        (np.zeros((64, 64)), None, r"shape \(64, 64\) holds no windows \(n, w, w\)"),
        (np.zeros((2, 2, 64, 64)), None, r"shape \(2, 2, 64, 64\) holds no windows"),
        ([np.zeros((64, 64)), np.zeros((48, 48))], None, "not all of one shape"),
        (np.zeros((1, 64, 64), complex), None, "real numbers, not complex128"),
        (np.zeros((1, 64, 64)), 3, "3 is no lattice: give a fit, a class or a basis"),
        (np.zeros((1, 64, 64)), [[1, 2, 3]], r"\[\[1, 2, 3\]\] is no lattice"),
        (np.zeros((1, 64, 64)), {"a": 1}, "{'a': 1} is no lattice"),
        (np.zeros((1, 64, 64)), nls.fit_lattices(np.zeros((3, 64, 64))), "those of 3 windows, not"),
    ],
)
def test_what_comes_in_is_checked_at_the_door(windows, lattice, words):
    with pytest.raises(InputError, match=words):
        nls.cells.plane_groups(windows, lattice)


def test_a_list_of_windows_and_a_lattice_as_a_list_are_taken(crystal):
    (found,) = nls.cells.plane_groups([crystal.tolist()])
    assert found.name == "p4m"
    # A cell of twice the area is no square: what is given is what is used.
    double = np.array([[1, 0], [0, 2]]) @ nls.fit_lattice(crystal).basis
    for lattice in (double, double.tolist(), tuple(map(tuple, double))):
        assert nls.cells.plane_group(crystal, lattice=lattice).lattice == "rectangular"


@pytest.mark.parametrize("unit", [1e-30, 7.0, 1e30])
def test_the_unit_of_the_image_changes_nothing(crystal, unit):
    found, scaled = nls.cells.plane_groups(np.array([crystal, crystal * unit]))
    assert scaled.name == found.name == "p4m"
    assert scaled.probabilities == pytest.approx(found.probabilities, abs=1e-3)
    one, other = (nls.cells.average_cell(each) for each in (crystal, crystal * unit))
    np.testing.assert_allclose(other.image, one.image * unit, rtol=1e-3)
    np.testing.assert_allclose(other.error, one.error * unit, rtol=1e-3)
    np.testing.assert_allclose(other.motif().sites, one.motif().sites, atol=1e-6)
    np.testing.assert_allclose(other.motif().errors, one.motif().errors, rtol=1e-3)


def test_of_groups_that_no_spot_tells_apart_the_higher_is_named():
    """Round atoms so wide that only two rings of spots are seen: p6 and p6m ask for the same."""
    rng = np.random.default_rng(0)
    points = lattice_points(cell(13, 13, 60) @ rotation(7), (SIZE, SIZE), (60, 61), 20)
    image = draw_atoms(points, np.ones(len(points)), 2.6, (SIZE, SIZE)) + 0.1
    found = nls.cells.plane_group(count_electrons(image, 100, rng))
    assert found.nodes < 20
    assert found.probabilities["p6"] == pytest.approx(found.probabilities["p6m"])
    assert found.name == "p6m"


def test_cells_that_spots_a_third_of_the_way_make_are_found():
    """A weak atom in every third cell of a hexagonal lattice, as of graphite with adsorbates."""
    rng = np.random.default_rng(0)
    small = cell(9, 9, 60) @ rotation(11)
    large = np.array([[1, 1], [-1, 2]]) @ small
    atoms = [lattice_points(each, (SIZE, SIZE), (60, 61), 20) for each in (small, large)]
    weights = np.concatenate([np.ones(len(atoms[0])), np.full(len(atoms[1]), 0.25)])
    image = draw_atoms(np.concatenate(atoms), weights, 1.5, (SIZE, SIZE)) + 0.1
    found = nls.cells.plane_group(count_electrons(image, 60, rng))
    assert abs(np.linalg.det(found.basis)) == pytest.approx(3 * 81 * np.sqrt(3) / 2, rel=0.02)
    assert found.name == "p6m"


def test_what_breaks_a_group_is_told_in_words():
    """Mirrors that a shift of atoms breaks, and turns that it leaves."""
    rng = np.random.default_rng(11)
    motif = random_motif("p4m", rng, special=0)
    basis = random_cell("square", SIZE / 8, rng)
    image = draw_motif(break_symmetry(motif, "p4", 0.02, rng), basis, SIZE, rng, counts=1000)
    found = nls.cells.plane_group(image)
    assert found.name == "p4"
    assert list(found.broken()) == ["turns by 90°", "turns by 180°"]
    broken = found.broken("p4m")
    mirrors = [share for what, share in broken.items() if what.startswith("mirrors at ")]
    assert len(mirrors) == 4
    assert min(mirrors) > 2 * broken["turns by 90°"]
    assert found.words_of_broken("p4m").startswith(
        f"Of p4m it breaks turns by 90° by {broken['turns by 90°']:.0%}, turns by 180° by "
    )
    assert f"mirrors by {min(mirrors):.0%} (at " in found.words_of_broken("p4m")
    assert "breaks" not in found.remarks  # within noise
    with pytest.raises(InputError, match="A square lattice does not allow p6"):
        found.broken("p6")
    with pytest.raises(InputError, match="no plane group"):
        found.broken("p5")
    assert nls.cells.plane_group(rng.poisson(20, (SIZE, SIZE))).broken() == {}


def test_noise_is_gathered_where_atoms_are():
    """Counts on few bright atoms make the noise of nodes alike; those on a flat image do not."""
    rng = np.random.default_rng(2)
    motif, basis = random_motif("p2", rng), random_cell("oblique", SIZE / 8, rng)
    gathered = []
    for width in (0.05, 0.15):
        image = draw_motif(motif, basis, SIZE, rng, counts=100, width=width, background=0)
        factors = structure_factors(image[np.newaxis], basis[np.newaxis])
        gathered += noise_gathering(factors.values, factors.variance).tolist()
    expected = np.square(image).mean() / image.mean() ** 2
    assert gathered[1] == pytest.approx(expected, rel=0.35)
    assert gathered[0] > 1.5 * gathered[1] > 1.5
