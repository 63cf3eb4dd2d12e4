"""Strain against analytic fields, and pixel sizes of lattices that are known."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import (
    cell,
    lattice_parameters,
    lattice_points,
    reduce_basis,
    rotation,
)
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms

SIDE, WINDOW, STRIDE, A = 400, 72, 16, 10.0
POISSON = 0.3


def displacement(x, y, burgers):
    """Give the displacement around an edge dislocation (Hirth and Lothe, chapter 3)."""
    square = x**2 + y**2
    along = np.arctan2(y, x) + x * y / (2 * (1 - POISSON) * square)
    across = (1 - 2 * POISSON) / (4 * (1 - POISSON)) * np.log(square) + (x**2 - y**2) / (
        4 * (1 - POISSON) * square
    )
    return burgers / (2 * np.pi) * np.stack([along, -across], axis=-1)


def gradient_of(maps):
    strain = np.stack([maps.exx, maps.exy, maps.exy, maps.eyy], axis=-1) / 100
    stretch = np.eye(2) + strain.reshape(*maps.exx.shape, 2, 2)
    return stretch @ np.swapaxes(
        np.array([rotation(each) for each in maps.rotation.ravel()]).reshape(stretch.shape), -1, -2
    )


@pytest.fixture(scope="module")
def dislocation():
    """An edge dislocation in the middle of a square crystal, and its strain maps."""
    basis = cell(A, A, 90)
    middle = np.array([SIDE / 2 + 2.3, SIDE / 2 + 3.1])
    points = lattice_points(basis, (SIDE, SIDE), tuple(middle + A / 2), 40)
    x, y = (points - middle).T
    atoms = points + displacement(x, y, A)
    image = draw_atoms(atoms, np.ones(len(atoms)), 2.0, (SIDE, SIDE))
    grid = nls.WindowGrid((SIDE, SIDE), WINDOW, STRIDE)
    fits = nls.fit_lattices(grid.windows(image))
    return image, middle, nls.cells.fitted_strain(fits, basis)


def centers(middle, count):
    place = np.arange(count) * STRIDE + (WINDOW - 1) / 2
    return np.meshgrid(place - middle[0], place - middle[1])


def test_burgers_circuit_closes_by_one_lattice_vector_of_the_right_sign(dislocation):
    _, _, maps = dislocation
    inverse = np.linalg.inv(gradient_of(maps))
    change = np.eye(2) - inverse  # of the displacement, by places in the image
    edge = slice(1, -1)
    change = change[edge, edge]
    assert np.isfinite(change[[0, -1]]).all()
    assert np.isfinite(change[:, [0, -1]]).all()

    def along(values):
        return STRIDE * (values[1:] + values[:-1]).sum(axis=0) / 2

    # From x towards y: to the right at the top, down at the right, and back.
    circuit = along(change[0, :, :, 0]) + along(change[:, -1, :, 1])
    circuit -= along(change[-1, :, :, 0]) + along(change[:, 0, :, 1])
    assert circuit == pytest.approx([A, 0], abs=0.01 * A)


def test_strain_is_that_of_the_field_away_from_the_core(dislocation):
    _, middle, maps = dislocation
    x, y = centers(middle, maps.exx.shape[0])
    far = np.hypot(x, y) > 90
    step = 1e-3
    by_x = (displacement(x + step, y, A) - displacement(x - step, y, A)) / (2 * step)
    by_y = (displacement(x, y + step, A) - displacement(x, y - step, A)) / (2 * step)
    jump = np.abs(by_y).max(axis=-1) > 1
    far &= ~jump
    turn = np.rad2deg(by_x[..., 1] - by_y[..., 0]) / 2
    expected = (100 * by_x[..., 0], 100 * by_y[..., 1], 50 * (by_x[..., 1] + by_y[..., 0]), turn)
    for seen, true in zip((maps.exx, maps.eyy, maps.exy, maps.rotation), expected, strict=True):
        assert np.sqrt(np.mean((seen - true)[far] ** 2)) < 0.12
    assert np.corrcoef(maps.exx[far], expected[0][far])[0, 1] > 0.98


def test_geometric_phase_analysis_of_the_same_image_agrees(dislocation):
    image, middle, maps = dislocation
    frequency = np.fft.fftfreq(SIDE)
    ky, kx = np.meshgrid(frequency, frequency, indexing="ij")
    spectrum = np.fft.fft2(image - image.mean())
    y, x = np.mgrid[:SIDE, :SIDE]
    gradients = []
    for g in ((1 / A, 0), (0, 1 / A)):
        mask = np.exp(-((kx - g[0]) ** 2 + (ky - g[1]) ** 2) / (2 * 0.012**2))
        wave = np.fft.ifft2(spectrum * mask) * np.exp(-2j * np.pi * (g[0] * x + g[1] * y))
        by_y, by_x = (np.angle(np.roll(wave, -1, k) / np.roll(wave, 1, k)) / 2 for k in range(2))
        gradients.append(-A / (2 * np.pi) * np.stack([by_x, by_y], axis=-1))
    change = np.stack(gradients, axis=-2)  # of u, by places in the image
    strain = np.linalg.inv(np.eye(2) - change) - np.eye(2)
    at = np.rint(np.arange(maps.exx.shape[0]) * STRIDE + (WINDOW - 1) / 2).astype(int)
    strain = 100 * strain[np.ix_(at, at)]
    far = np.hypot(*centers(middle, maps.exx.shape[0])) > 90
    far[[0, -1]] = far[:, [0, -1]] = False  # the mask meets the edges of the image
    for seen, phase in (
        (maps.exx, strain[..., 0, 0]),
        (maps.eyy, strain[..., 1, 1]),
        (maps.exy, (strain[..., 0, 1] + strain[..., 1, 0]) / 2),
    ):
        assert np.sqrt(np.mean((seen - phase)[far] ** 2)) < 0.2


def test_even_strain_is_told_in_both_axes_with_honest_errors():
    reference = cell(11, 13, 82) @ rotation(20)
    deformation = np.array([[1.02, 0.01], [0.0, 0.99]])  # for columns
    strained = reference @ deformation.T
    points = lattice_points(strained, (128, 128), (60, 61), 15)
    image = draw_atoms(points, np.ones(len(points)), 2.0, (128, 128)) + 0.1
    rng = np.random.default_rng(0)
    windows = np.array([count_electrons(image, 30, rng) for _ in range(80)])
    fits = nls.fit_lattices(windows)
    maps = nls.cells.fitted_strain(fits, reference)
    seen = np.stack([maps.exx, maps.eyy, maps.exy, maps.rotation])
    symmetric = (deformation + deformation.T) / 2
    turn = np.rad2deg(np.arctan2(-0.01, 2.01))
    true = [100 * symmetric[0, 0] - 100, 100 * symmetric[1, 1] - 100, 0.5, turn]
    assert seen.mean(axis=1) == pytest.approx(true, abs=0.08)
    pull = (seen - np.array(true)[:, np.newaxis]) / maps.errors
    assert np.sqrt(np.mean(pull**2, axis=1)) == pytest.approx(np.ones(4), abs=0.2)
    turned = nls.cells.fitted_strain(fits, reference, lattice_axes=True)
    assert turned.exx + turned.eyy == pytest.approx(maps.exx + maps.eyy, abs=0.05)
    along = reference[0] / np.linalg.norm(reference[0])
    assert turned.exx.mean() == pytest.approx(
        100 * (np.linalg.norm(deformation @ along) - 1), abs=0.1
    )


@pytest.mark.parametrize("disorder", [0.0, 0.03])
def test_errors_of_strains_are_those_of_a_fit_whose_vectors_err_together(disorder):
    """Those of a, b and angles alone, taken as independent, are up to twice too large."""
    basis = cell(12, 12, 60) @ rotation(5)
    rng = np.random.default_rng(0)
    points = lattice_points(basis, (128, 128), (60, 61), 25)
    windows = []
    for _ in range(300):
        moved = points + disorder * 12 * rng.standard_normal(points.shape)
        image = draw_atoms(moved, np.ones(len(points)), 2.0, (128, 128)) + 0.1
        windows.append(count_electrons(image, 30, rng))
    maps = nls.cells.fitted_strain(nls.fit_lattices(np.array(windows)), basis)
    seen = np.stack([maps.exx, maps.eyy, maps.exy, maps.rotation])
    pull = (seen - seen.mean(axis=1, keepdims=True)) / maps.errors
    assert np.sqrt(np.mean(pull**2, axis=1)) == pytest.approx(np.ones(4), abs=0.2)


def test_a_fit_tells_how_the_components_of_its_vectors_err_together():
    basis = cell(12, 14, 75) @ rotation(5)
    points = lattice_points(basis, (128, 128), (60, 61), 25)
    image = draw_atoms(points, np.ones(len(points)), 2.0, (128, 128)) + 0.1
    rng = np.random.default_rng(0)
    fits = nls.fit_lattices(np.array([count_electrons(image, 30, rng) for _ in range(150)]))
    departures = (fits.basis - fits.basis.mean(axis=0)).reshape(-1, 4)
    seen = departures.T @ departures / len(departures)
    stated = fits.covariance.mean(axis=0)
    assert seen.diagonal() == pytest.approx(stated.diagonal(), rel=0.35)

    def correlation(covariance):
        spread = np.sqrt(covariance.diagonal())
        return covariance / np.outer(spread, spread)

    assert correlation(seen) == pytest.approx(correlation(stated), abs=0.25)
    assert np.abs(correlation(stated) - np.eye(4)).max() > 0.2
    assert np.isnan(nls.fit_lattice(np.zeros((64, 64))).covariance).all()


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("a", "'a' is no reference: give a region, a basis, or a, b and gamma"),
        ([1.0, 2.0], r"\[1.0, 2.0\] is no reference"),
        ((10, np.inf, 90), "There is no cell with a = 10, b = inf, gamma = 90"),
        ((10, 10, 1e-14), "There is no cell with a = 10, b = 10, gamma = 1e-14"),
        ([[1, 1], [1, 1]], "spans no lattice"),
    ],
)
def test_what_is_no_reference_is_refused(reference, words):
    points = lattice_points(cell(10, 12, 90), (96, 96), (48, 48), 12)
    fit = nls.fit_lattice(draw_atoms(points, np.ones(len(points)), 2.0, (96, 96)))
    with pytest.raises(InputError, match=words):
        nls.cells.fitted_strain(fit, reference)


def test_one_window_lists_and_cells_are_taken():
    points = lattice_points(cell(10, 12, 90) @ rotation(10), (96, 96), (48, 48), 12)
    fit = nls.fit_lattice(draw_atoms(points, np.ones(len(points)), 2.0, (96, 96)))
    for reference in ((10 / 1.02, 12, 90), ((cell(10 / 1.02, 12, 90) @ rotation(10)).tolist())):
        maps = nls.cells.fitted_strain(fit, reference, lattice_axes=True)
        assert maps.exx == pytest.approx(2, abs=0.1)
        assert maps.errors.shape == (4,)


def test_references_are_a_fit_a_region_or_the_median_of_all():
    bases = [cell(10, 12, 90) @ rotation(10), cell(10.2, 12, 90) @ rotation(10)]
    windows = []
    for basis in [*bases, bases[0], cell(10, 12, 90) @ rotation(40)]:
        points = lattice_points(basis, (96, 96), (48, 48), 12)
        windows.append(draw_atoms(points, np.ones(len(points)), 2.0, (96, 96)))
    fits = nls.fit_lattices(np.array(windows)[np.newaxis])
    region = np.array([[True, False, True, False]])
    of_region = nls.cells.fitted_strain(fits, region, lattice_axes=True)
    of_fit = nls.cells.fitted_strain(fits, fits[0, 0], lattice_axes=True)
    for each in (of_region, of_fit):
        assert each.exx[0, :3] == pytest.approx([0, 2, 0], abs=0.1)
        assert np.isnan(each.exx[0, 3])  # another grain
    assert np.isfinite(nls.cells.fitted_strain(fits).exx[0, :3]).all()
    with pytest.raises(InputError, match=r"shape \(2,\), the windows have \(1, 4\)"):
        nls.cells.fitted_strain(fits, np.array([True, False]))
    with pytest.raises(InputError, match="No window of the reference has a lattice"):
        nls.cells.fitted_strain(fits, np.zeros((1, 4), dtype=bool))
    with pytest.raises(InputError, match="no lattice in pixel"):
        nls.cells.fitted_strain(fits, nls.fit_lattice(windows[0], 0.02))
    with pytest.raises(InputError, match="spans no lattice"):
        nls.cells.fitted_strain(fits, np.ones((2, 2)))


def test_pixel_size_follows_from_a_lattice_that_is_known():
    true = (0.021, 0.019)  # y, x
    basis = cell(0.3161, 0.3161, 120) @ rotation(17) / [true[1], true[0]]
    points = lattice_points(basis, (160, 160), (80, 80), 20)
    image = draw_atoms(points, np.ones(len(points)), 2.5, (160, 160)) + 0.1
    fit = nls.fit_lattice(count_electrons(image, 50, np.random.default_rng(0)))
    found = nls.cells.pixel_size_of(fit, "MoS2")
    assert (found.y, found.x) == pytest.approx(true, rel=3e-3)
    assert abs(found.y - true[0]) < 4 * found.y_error
    assert abs(found.x - true[1]) < 4 * found.x_error
    assert found.y_error < 0.01 * found.y
    assert found.misfit < 0.01
    assert found.remarks == ""
    typed = nls.cells.pixel_size_of(fit, (0.3161, 0.3161, 60))
    assert (typed.y, typed.x) == pytest.approx((found.y, found.x))
    square = nls.cells.pixel_size_of(fit, "MoS2", square=True)
    assert square.y == square.x
    assert square.misfit > 0.02
    with pytest.raises(InputError, match="'Unobtainium' is not listed; choose one of graphene"):
        nls.cells.pixel_size_of(fit, "Unobtainium")
    with pytest.raises(InputError, match="There is no cell with a = -1"):
        nls.cells.pixel_size_of(fit, (-1, 1, 90))
    with pytest.raises(InputError, match="does not show the lattice of a = 0"):
        nls.cells.pixel_size_of(fit, (0.3, 0.9, 90), square=True)
    with pytest.raises(InputError, match="fitted in pixels"):
        nls.cells.pixel_size_of(nls.fit_lattice(image, 0.02), "MoS2")
    noise = np.random.default_rng(0).poisson(20, (96, 96))
    with pytest.raises(InputError, match="The lattice is not resolved"):
        nls.cells.pixel_size_of(nls.fit_lattice(noise), "MoS2")


PULLED = [(0.3161, 0.3161, 120), (0.28, 0.36, 75), (0.26, 0.52, 90)]


@pytest.mark.parametrize("square", [False, True])
@pytest.mark.parametrize("known", PULLED)
def test_the_error_of_a_pixel_size_is_what_the_covariance_of_the_lattice_makes(known, square):
    points = lattice_points(cell(*known) @ rotation(17) / 0.02, (128, 128), (64, 64), 20)
    image = draw_atoms(points, np.ones(len(points)), 2.0, (128, 128)) + 0.1
    fit = nls.fit_lattice(count_electrons(image, 20, np.random.default_rng(0)))

    def sizes(step):
        found = nls.cells.pixel_size_of(replace(fit, basis=fit.basis + step), known, square=square)
        return np.array([found.y, found.x])

    steps = 1e-3 * np.eye(4).reshape(4, 2, 2)
    slope = np.array([(sizes(each) - sizes(-each)) / 2e-3 for each in steps]).T
    expected = np.sqrt(np.diagonal(slope @ fit.covariance @ slope.T))
    found = nls.cells.pixel_size_of(fit, known, square=square)
    assert (found.y_error, found.x_error) == pytest.approx(expected, rel=5e-3)


def test_the_truth_is_within_the_error_of_a_pixel_size_as_often_as_that_says():
    """From counts to pixels, over four windows as the dock and the command take them."""
    rng = np.random.default_rng(1)
    true, off = np.array([0.021, 0.02]), []  # y, x
    for known in PULLED * 25:
        basis = cell(*known) @ rotation(rng.uniform(0, 360)) / true[::-1]
        points = lattice_points(basis, (192, 192), tuple(rng.uniform(90, 100, 2)), 20)
        image = draw_atoms(points, np.ones(len(points)), 2.0, (192, 192)) + 0.1
        movie = nls.Movie.from_array(count_electrons(image, 10, rng))
        places = nls.places_of_frames((192, 192), [0], 96)
        found = nls.average_pixel_size(movie, places, 96, known)
        errors = np.array([found.y_error, found.x_error])
        off.append((np.array([found.y, found.x]) - true) / errors)
    off = np.abs(off)
    assert 0.58 < np.mean(off < 1) < 0.8
    assert np.mean(off < 2) > 0.9


def test_a_pixel_size_by_a_part_of_the_cell_is_questioned():
    """Of two kinds of atoms that are nearly alike the small cell may be fitted: sqrt 2 off."""
    basis = cell(10, 10, 90) @ rotation(17)
    points = lattice_points(basis, (256, 256), (60, 60), 8)
    i, j = np.rint((points - 60) @ np.linalg.inv(basis)).T
    bright = np.where((i + j) % 2 == 0, 1.0, 0.95)
    image = draw_atoms(points, bright, 2.0, (256, 256)) + 0.1
    image = count_electrons(image, 300, np.random.default_rng(0))
    known = (2**0.5, 2**0.5, 90)
    small = nls.cells.pixel_size_of(nls.fit_lattice(image[:128, :128]), known)
    assert small.x == pytest.approx(0.1 * 2**0.5, rel=0.01)
    assert small.misfit < 0.01
    assert re.search(
        r"^Weak spots speak for a larger cell, square, 14\.\d x 14\.\d px, .*: "
        r"if that is the known one, pixels are 0\.70\d times as large\.$",
        small.remarks,
    )
    large = nls.cells.pixel_size_of(nls.fit_lattice(image[128:, 128:]), known)
    assert large.x == pytest.approx(0.1, rel=0.01)
    assert large.remarks.endswith("if that is the known one, pixels are 1.41 times as large.")
    movie = nls.Movie.from_array(image)
    places = nls.places_of_frames((256, 256), [0], 128)
    mean = nls.average_pixel_size(movie, places, 128, known)
    assert "if that is the known one" in mean.remarks
    simple = draw_atoms(points, np.ones(len(points)), 2.0, (128, 128)) + 0.1
    assert nls.cells.pixel_size_of(nls.fit_lattice(simple), (1, 1, 90)).remarks == ""


def test_a_pixel_size_by_the_wrong_material_is_questioned():
    points = lattice_points(cell(18, 18, 90) @ rotation(43), (160, 160), (80, 80), 20)
    fit = nls.fit_lattice(draw_atoms(points, np.ones(len(points)), 2.5, (160, 160)))
    square = nls.cells.pixel_size_of(fit, (0.39, 0.39, 90))
    assert square.remarks == ""
    found = nls.cells.pixel_size_of(fit, "graphene")
    assert max(found.y / found.x, found.x / found.y) == pytest.approx(np.sqrt(3), rel=0.05)
    assert re.fullmatch(
        r"Pixels 1\.7\d times as (high as wide|wide as high) speak for another lattice, unless the "
        r"scan had such steps\.",
        found.remarks,
    )


DICHALCOGENIDE = [("M", (1 / 3, 2 / 3, 0.25)), ("X", (2 / 3, 1 / 3, 0.12))]
FACES = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
# Crystals in three dimensions: a and c in nm, whether hexagonal, atoms, and the axis looked along.
CRYSTALS = {
    "graphene": (
        0.2461,
        1.0,
        True,
        [("C", (1 / 3, 2 / 3, 0)), ("C", (2 / 3, 1 / 3, 0))],
        (0, 0, 1),
    ),
    "graphite": (
        0.2461,
        0.6708,
        True,
        [("C", each) for each in ((0, 0, 0), (1 / 3, 2 / 3, 0), (0, 0, 0.5), (2 / 3, 1 / 3, 0.5))],
        (0, 0, 1),
    ),
    "hBN": (
        0.2504,
        0.6661,
        True,
        [
            (element, (place, 1 - place, height))
            for element, place, height in (
                ("B", 1 / 3, 0),
                ("N", 2 / 3, 0),
                ("N", 1 / 3, 0.5),
                ("B", 2 / 3, 0.5),
            )
        ],
        (0, 0, 1),
    ),
    **{
        name: (a, 1.3, True, DICHALCOGENIDE, (0, 0, 1))
        for name, a in (("MoS2", 0.3161), ("WS2", 0.3153), ("MoSe2", 0.3289), ("WSe2", 0.3282))
    },
    "SrTiO3 [001]": (
        0.3905,
        0.3905,
        False,
        [("Sr", (0, 0, 0)), ("Ti", (0.5, 0.5, 0.5))]
        + [("O", each) for each in ((0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5))],
        (0, 0, 1),
    ),
    "Si [110]": (
        0.5431,
        0.5431,
        False,
        [("Si", each) for each in FACES] + [("Si", tuple(np.add(each, 0.25))) for each in FACES],
        (1, 1, 0),
    ),
    "Au [001]": (0.4078, 0.4078, False, [("Au", each) for each in FACES], (0, 0, 1)),
}


def shortest(vectors):
    """Give the reduced basis of the lattice that holds all vectors (n, 2)."""
    steps = np.array(list(itertools.product(range(-2, 3), repeat=len(vectors))))
    points = steps @ vectors
    points = points[np.argsort(np.linalg.norm(points, axis=1))]
    points = points[np.linalg.norm(points, axis=1) > 1e-6]
    u = points[0]
    return reduce_basis(
        np.array([u, next(v for v in points if abs(np.cross([*u, 0], [*v, 0])[2]) > 1e-6)])
    )


def projected(a, c, is_hexagonal, atoms, axis):
    """Give the reduced basis of the columns of a crystal that is looked at along an axis."""
    side = np.zeros((3, 3))
    side[:2, :2], side[2, 2] = cell(a, a, 120 if is_hexagonal else 90), c
    along = np.array(axis) @ side / np.linalg.norm(np.array(axis) @ side)
    flat = np.linalg.svd(along[np.newaxis])[2][1:]  # two directions across the axis
    basis = shortest(side @ flat.T)
    columns = [(kind, np.array(place) @ side @ flat.T) for kind, place in atoms]

    def density(shift):
        """List the columns, in fractions of the basis, with how many atoms they hold."""
        places = [(p + shift) @ np.linalg.inv(basis) + 1e-7 for _, p in columns]
        return Counter(
            (k, *np.rint(60 * (p % 1)) % 60) for (k, _), p in zip(columns, places, strict=True)
        )

    shifts = [p - columns[0][1] for _, p in columns]
    same = [shift for shift in shifts if density(shift) == density(0 * shift)]
    return shortest(np.array([*basis, *same]))


@pytest.mark.parametrize("name", nls.cells.KNOWN_CELLS)
def test_known_lattices_are_those_of_the_columns_that_are_seen(name):
    a, b, gamma = nls.cells.KNOWN_CELLS[name]
    listed = cell(a, b, gamma)
    if name == "Si [110]":  # centered
        listed = np.array([[1, 0], [0.5, 0.5]]) @ listed
    expected = lattice_parameters(projected(*CRYSTALS[name]))
    assert lattice_parameters(reduce_basis(listed)) == pytest.approx(expected, rel=3e-4)


def test_the_pixel_size_of_gold_follows_from_its_columns():
    """Columns of gold along [001] are half a cube's side apart, along x and y."""
    basis = cell(0.2039, 0.2039, 90) @ rotation(11) / 0.015
    points = lattice_points(basis, (160, 160), (80, 80), 20)
    image = draw_atoms(points, np.ones(len(points)), 2.5, (160, 160)) + 0.1
    fit = nls.fit_lattice(count_electrons(image, 50, np.random.default_rng(0)))
    found = nls.cells.pixel_size_of(fit, "Au [001]")
    assert (found.y, found.x) == pytest.approx((0.015, 0.015), rel=3e-3)
