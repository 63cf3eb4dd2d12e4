"""The averaged cell: what is drawn comes back, as sharp as its error says."""

from __future__ import annotations

import re

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.cells.lattices import window_lattices
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms

SIZE, SIGMA, BACKGROUND = 128, 1.8, 0.1
# Two atoms on a rectangle: pm with mirrors through both.
BASIS = cell(14, 17, 90) @ rotation(23)
SITES = np.array([[0.0, 0.0], [0.0, 0.37]])
BRIGHT = np.array([1.0, 0.5])
COUNTS = 60.0


def crystal(center, seed, counts=COUNTS, basis=BASIS, size=SIZE):
    points = lattice_points(basis, (size, size), center, 30)
    atoms = (points[:, np.newaxis] + SITES @ basis).reshape(-1, 2)
    image = draw_atoms(atoms, np.tile(BRIGHT, len(points)), SIGMA, (size, size)) + BACKGROUND
    if counts is None:
        return image
    rng = np.random.default_rng(seed)
    return count_electrons(image, counts, rng) * image.max() / counts


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


def test_image_is_that_of_one_cell_and_its_error_is_the_scatter():
    true = nls.cells.average_cell(crystal((60, 66), 0, counts=None))
    cells = [nls.cells.average_cell(crystal((60, 66), seed)) for seed in range(12)]
    assert {each.group.name for each in (true, *cells)} == {"pm"}

    # The mirror leaves the origin free along it: compare with the bright atom as origin.
    def centered(each):
        bright = each.motif().fractions[0]
        grid = np.stack(
            np.meshgrid(np.arange(40) / 40, np.arange(40) / 40, indexing="ij"), axis=-1
        )[..., ::-1]
        # The other atom lies along +b, whichever way b was chosen.
        sites = each.motif().fractions
        up = 1 if (sites[1, 1] - bright[1]) % 1 < 0.5 else -1
        return each.at(bright + grid * [1, up])

    images = np.array([centered(each) for each in cells])
    ideal = centered(true)
    expected = np.mean([rms(each.error) for each in cells])
    scatter = np.sqrt(np.mean(np.square(images - ideal)))
    assert 0.6 < scatter / expected < 1.5
    assert ideal.max() - ideal.min() == pytest.approx(1.0, abs=0.1)
    first = cells[0]
    assert (first.a, first.b, first.gamma) == pytest.approx((14, 17, 90), rel=2e-3)
    assert first.n_cells == pytest.approx(SIZE**2 / (14 * 17), rel=5e-3)
    found = np.array([(each.a, each.b, each.gamma) for each in cells])
    scatter = np.sqrt(np.mean(np.square(found - [14, 17, 90]), axis=0))
    assert scatter / first.errors == pytest.approx(np.ones(3), abs=0.5)
    assert first.image.shape == first.error.shape == first.shape
    assert first.image.mean() == pytest.approx(crystal((60, 66), 0).mean(), rel=0.02)


def test_windows_of_one_crystal_are_brought_to_one_origin():
    rng = np.random.default_rng(1)
    centers = 64 + rng.uniform(-8, 8, (9, 2))
    windows = np.array([crystal(tuple(c), 100 + i, counts=6) for i, c in enumerate(centers)])
    one = nls.cells.average_cell(windows[0])
    nine = nls.cells.average_cell(windows.reshape(3, 3, SIZE, SIZE))
    assert list(nine.places) == list(range(9))
    assert rms(nine.error) == pytest.approx(rms(one.error) / 3, rel=0.25)
    # Origins lie on the same point of the crystal in every window.
    away = (nine.origins - centers) @ np.linalg.inv(nine.basis)
    spread = away - away[0]
    spread -= np.rint(spread)
    assert np.abs(spread).max() < 0.03
    assert len(nine.structure_factors.indices) >= len(one.structure_factors.indices)


def test_windows_of_another_grain_are_left_out():
    turned = BASIS @ rotation(15)
    windows = [crystal((64, 64), i) for i in range(3)]
    windows.insert(1, crystal((64, 64), 7, basis=turned))
    found = nls.cells.average_cell(np.array(windows))
    assert list(found.places) == [0, 2, 3]


def test_structure_factors_are_those_of_the_atoms():
    found = nls.cells.average_cell(crystal((63.5, 63.5), 0, counts=None))
    table = found.structure_factors
    atom = 2 * np.pi * SIGMA**2 / (14 * 17)
    reciprocal = np.array([1 / found.a, 1 / found.b])
    q2 = np.square(table.indices * reciprocal).sum(axis=1)
    amplitude = np.abs(
        atom
        * np.exp(-2 * np.pi**2 * SIGMA**2 * q2)
        * (BRIGHT[0] + BRIGHT[1] * np.exp(-2j * np.pi * table.indices @ SITES[1]))
    )
    strong = amplitude > 0.05 * amplitude.max()
    assert strong.sum() >= 10
    np.testing.assert_allclose(table.amplitude[strong], amplitude[strong], rtol=0.03)
    assert (table.error < 0.02 * amplitude.max()).all()
    assert (table.phase_error[strong] < 5).all()
    assert np.abs(table.phase).max() <= 180


def test_residual_shows_the_atom_that_is_missing():
    points = lattice_points(BASIS, (SIZE, SIZE), (64, 64), 30)
    atoms = (points[:, np.newaxis] + SITES @ BASIS).reshape(-1, 2)
    missing = np.linalg.norm(atoms - 64, axis=1).argmin()
    weights = np.tile(BRIGHT, len(points))
    weights[missing] = 0
    image = draw_atoms(atoms, weights, SIGMA, (SIZE, SIZE)) + BACKGROUND
    left = nls.cells.average_cell(image).residual()
    assert left.shape == (SIZE, SIZE)
    y, x = np.unravel_index(left.argmin(), left.shape)
    assert np.hypot(x - atoms[missing, 0], y - atoms[missing, 1]) < 2
    assert left.min() < -0.7
    away = np.hypot(*(np.mgrid[:SIZE, :SIZE] - atoms[missing, ::-1, np.newaxis, np.newaxis]))
    assert np.abs(left[away > 10]).max() < 0.2


def test_motif_finds_atoms_with_their_sites_and_honest_errors():
    apart = []
    for seed in range(10):
        found = nls.cells.average_cell(crystal((60, 66), seed)).motif()
        assert found.letters == [found.letters[0]] * 2
        assert found.symmetries == [".m.", ".m."]
        assert list(found.multiplicity) == [1, 1]
        assert found.intensity[1] / found.intensity[0] == pytest.approx(0.5, abs=0.06)
        away = found.fractions[1, 1] - found.fractions[0, 1]
        error = np.hypot(*found.errors[:, 1])
        assert error < 0.01
        apart.append((abs(away - np.rint(away)) - 0.37) / error)
    assert np.sqrt(np.mean(np.square(apart))) < 1.8


def test_the_other_cell_of_a_superlattice_is_told():
    """Of every second atom that is dimmer spots are weak."""
    points = lattice_points(np.diag([24.0, 12.0]), (SIZE, SIZE), (60, 66), 30)
    atoms, bright = np.concatenate([points, points + [12, 0]]), np.repeat([0.6, 1.0], len(points))
    image = draw_atoms(atoms, bright, SIGMA, (SIZE, SIZE)) + BACKGROUND
    window = count_electrons(image, 200, np.random.default_rng(0))
    found = nls.cells.average_cell(window, pixel_size=0.02)
    assert abs(np.linalg.det(found.primitive)) == pytest.approx(0.24 * 0.48, rel=0.02)
    assert found.remarks.startswith(
        "the strong spots alone speak for a smaller cell, square, 0.24 x"
    )
    assert not nls.cells.average_cell(crystal((60, 66), 0)).remarks


def dumbbells(distance, seed, counts=100):
    """Draw pairs of like atoms along the longer side of a rectangle: two orbits of pmm, or one."""
    basis = cell(14, 20, 90) @ rotation(5)
    points = lattice_points(basis, (SIZE, SIZE), (60, 66), 30)
    along = basis[1] / np.linalg.norm(basis[1]) * distance / 2
    atoms = np.concatenate([points + along, points - along])
    image = draw_atoms(atoms, np.ones(len(atoms)), SIGMA, (SIZE, SIZE)) + BACKGROUND
    return count_electrons(image, counts, np.random.default_rng(seed))


@pytest.mark.parametrize(("distance", "overlap"), [(2.3, True), (2.7, True), (3.9, False)])
def test_atoms_are_as_far_apart_as_they_were_drawn_also_where_they_overlap(distance, overlap):
    motif = nls.cells.average_cell(dumbbells(distance * SIGMA, 0, counts=10_000)).motif()
    assert (len(motif), *motif.multiplicity) == (1, 2)
    away = abs(np.subtract(*motif.sites[:, 1]))
    assert 20 * min(away, 1 - away) == pytest.approx(distance * SIGMA, rel=2e-3)
    assert motif.fitted
    assert motif.remarks[0].endswith("told apart as round peaks") == overlap


def test_what_symmetry_fixes_is_exact():
    motif = nls.cells.average_cell(dumbbells(3.9 * SIGMA, 0)).motif()
    assert motif.sites[:, 0].tolist() == [motif.fractions[0, 0]] * 2
    assert motif.fractions[0, 0] in (0, 0.5)
    assert motif.errors[0, 0] == 0 < motif.errors[0, 1]
    assert (motif.site_errors == motif.errors).all()


def widths(seed, sigmas=(1.5, 2.2), counts=10_000):
    """Draw a wide atom 5 px from a narrow one, along the mirror of pm."""
    points = lattice_points(BASIS, (SIZE, SIZE), (60, 66), 30)
    along = BASIS[1] / np.linalg.norm(BASIS[1]) * 5
    image = np.full((SIZE, SIZE), BACKGROUND)
    for sigma, atoms in zip(sigmas, (points, points + along), strict=True):
        image += draw_atoms(atoms, np.ones(len(atoms)), sigma, (SIZE, SIZE))
    return count_electrons(image, counts, np.random.default_rng(seed))


def test_a_wide_atom_does_not_draw_a_narrow_one_towards_it():
    motif = nls.cells.average_cell(widths(0)).motif()
    assert len(motif) == 2
    away = abs(np.subtract(*motif.fractions[:, 1]))
    assert 17 * min(away, 1 - away) == pytest.approx(5, rel=2e-3)
    np.testing.assert_allclose(motif.intensity[0], motif.intensity[1], rtol=0.01)


def test_places_do_not_depend_on_the_unit_of_lengths():
    image = dumbbells(2.7 * SIGMA, 0)
    one, other = (nls.cells.average_cell(image, pixel_size=size).motif() for size in (None, 3e-12))
    np.testing.assert_allclose(other.fractions, one.fractions, atol=1e-7)
    np.testing.assert_allclose(other.errors, one.errors, rtol=1e-4)
    assert other.remarks == one.remarks


def test_places_do_not_depend_on_the_order_of_the_windows():
    windows = np.array([dumbbells(2.7 * SIGMA, seed, counts=20) for seed in range(4)])
    one, other = (nls.cells.average_cell(each).motif() for each in (windows, windows[::-1]))
    np.testing.assert_allclose(other.sites, one.sites, atol=1e-5)
    np.testing.assert_allclose(other.errors, one.errors, rtol=1e-2)
    assert (other.letters, other.symmetries) == (one.letters, one.symmetries)


def shoulder(counts, height=0.3, seed=0):
    """Draw a faint atom so near to a bright one that it is no maximum."""
    points = lattice_points(BASIS, (SIZE, SIZE), (60, 66), 30)
    along = BASIS[1] / np.linalg.norm(BASIS[1]) * 2.2 * SIGMA
    atoms = np.concatenate([points, points + along])
    bright = np.repeat([1.0, height], len(points))
    image = draw_atoms(atoms, bright, SIGMA, (SIZE, SIZE)) + BACKGROUND
    return count_electrons(image, counts, np.random.default_rng(seed))


def test_an_atom_that_is_a_shoulder_of_another_is_found():
    motif = nls.cells.average_cell(shoulder(1000)).motif()
    assert motif.remarks == ["", "is hidden in another: only a fit of round peaks shows it"]
    assert motif.intensity[1] / motif.intensity[0] == pytest.approx(0.3, rel=0.03)
    away = abs(np.subtract(*motif.fractions[:, 1]))
    assert 17 * min(away, 1 - away) == pytest.approx(2.2 * SIGMA, rel=0.01)


def test_a_picture_that_is_no_peaks_has_maxima_and_no_hidden_atoms():
    """Waves, as a scanning tip sees: a cosine is too wide to be a sum of peaks."""
    y, x = np.mgrid[:SIZE, :SIZE]
    image = 2 + np.cos(2 * np.pi * x / 12) + np.cos(2 * np.pi * y / 12)
    image = count_electrons(image, 1000, np.random.default_rng(0))
    found = nls.cells.average_cell(image, "square")
    motif = found.motif()
    assert motif.fitted is False
    assert motif.remarks == ["is a maximum of the image: no round peaks fit it"]
    place = (found.origins[0] + motif.fractions @ found.basis) / 12
    np.testing.assert_allclose(place, np.rint(place), atol=0.01)
    assert (motif.errors > 0).all()


def test_maxima_that_noise_may_have_split_are_one():
    """A little farther apart than twice their width two atoms have hardly a valley between."""
    for distance in (2.05, 2.2):
        motif = nls.cells.average_cell(dumbbells(distance * SIGMA, 0, counts=10)).motif()
        assert motif.multiplicity.tolist() == [1]
        assert np.isnan(motif.valley).all()
    clear = nls.cells.average_cell(dumbbells(2.3 * SIGMA, 0, counts=10_000)).motif()
    assert clear.multiplicity.tolist() == [2]


@pytest.mark.parametrize("least", [-0.1, 1, np.nan, "a", [0.08]])
def test_a_least_height_is_a_share(least):
    with pytest.raises(InputError, match=re.escape(f"A least height of {least!r} is no share")):
        nls.cells.average_cell(crystal((60, 66), 0)).motif(min_height=least)


def test_lengths_are_in_nanometers_where_pixels_are():
    found = nls.cells.average_cell(crystal((60, 66), 0), pixel_size=(0.02, 0.01))
    # Rows are twice as far apart: the cell is no rectangle any more, but the image is the same.
    pixels = nls.cells.average_cell(crystal((60, 66), 0))
    np.testing.assert_allclose(found.basis, pixels.basis * [0.01, 0.02])
    assert found.unit == "nm"
    assert pixels.unit == "pixel"
    assert found.n_cells == pytest.approx(pixels.n_cells)


def test_without_a_lattice_there_is_no_cell():
    rng = np.random.default_rng(0)
    noise = rng.poisson(20, (2, 64, 64)).astype(float)
    with pytest.raises(InputError, match="No window has a lattice to average: no two spots"):
        nls.cells.average_cell(noise)
    with pytest.raises(InputError, match=r"shape \(4,\) holds no windows"):
        nls.cells.average_cell(np.zeros(4))
    with pytest.raises(InputError, match=r"shape \(0, 8, 8\) holds no windows"):
        nls.cells.average_cell(np.zeros((0, 8, 8)))


def test_the_order_of_the_windows_changes_nothing():
    """Windows of which some are nearer to a higher class than the crystal is."""
    side = cell(13, 13 * 1.042, 90) @ rotation(9)  # outside of the tolerance of a square: 4 %
    windows = []
    for seed in range(10):
        points = lattice_points(side, (SIZE, SIZE), (60, 66), 30)
        image = draw_atoms(points, np.ones(len(points)), SIGMA, (SIZE, SIZE)) + BACKGROUND
        windows.append(count_electrons(image, 6, np.random.default_rng(seed)))
    classes = window_lattices(np.array(windows)).families
    assert {"square", "rectangular"} <= set(classes)
    first, last = (np.argsort([name != of for name in classes]) for of in ("square", "rectangular"))
    found = [nls.cells.average_cell(np.array(windows)[order]) for order in (first, last)]
    assert [each.group.lattice for each in found] == ["rectangular"] * 2
    assert [each.group.name for each in found] == ["pmm"] * 2
    assert found[0].a == pytest.approx(found[1].a, rel=1e-4)


def test_windows_without_spots_are_left_out_where_the_lattice_is_given():
    noise = np.random.default_rng(0).poisson(20, (3, SIZE, SIZE))
    windows = np.array([crystal((60, 66), 0), *noise, np.full((SIZE, SIZE), np.nan)])
    found = nls.cells.average_cell(windows, lattice=BASIS)
    assert list(found.places) == [0]
    with pytest.raises(InputError, match="No window has a lattice to average: no two spots"):
        nls.cells.average_cell(noise, lattice=BASIS)
    fits = nls.fit_lattices(windows)
    assert list(nls.cells.average_cell(windows, lattice=fits).places) == [0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tolerance": np.nan}, "tolerance of nan is no share"),
        ({"tolerance": "a"}, "tolerance of 'a' is no share"),
        ({"pixel_size": 0}, "pixel size of 0 is not positive"),
        ({"pixel_size": (0.1, -1)}, r"pixel size of \(0.1, -1\) is not positive"),
        ({"pixel_size": np.nan}, "pixel size of nan is not positive"),
        ({"pixel_size": (1, 2, 3)}, r"\(1, 2, 3\) is no pixel size: give one number, or two"),
        ({"pixel_size": "a"}, "'a' is no pixel size"),
        ({"tolerance": -1}, "tolerance of -1 is no share; give a number from 0 to 1"),
        ({"lattice": "cubic"}, "'cubic' is no class of lattices"),
    ],
)
def test_impossible_sizes_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        nls.cells.average_cell(crystal((60, 66), 0), **options)
    if "pixel_size" in options:
        with pytest.raises(InputError, match=words):
            nls.fit_lattice(crystal((60, 66), 0), **options)
