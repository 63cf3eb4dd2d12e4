import numpy as np
import pytest

from napari_lattice_symmetry.lattice.basis import cell, lattice_points, reduce_basis, rotation
from napari_lattice_symmetry.lattice.drawing import draw_atoms
from napari_lattice_symmetry.spectrum.amplitude import standardized
from napari_lattice_symmetry.spectrum.fitting import fit_lattices
from napari_lattice_symmetry.spectrum.waves import moments, sharpened, transform

SIZE = 128
Y, X = np.mgrid[:SIZE, :SIZE]


def wave(kx, ky, phase=0.0):
    return np.cos(2 * np.pi * (kx * X + ky * Y) / SIZE + phase)


def test_a_wave_is_found_from_a_guess_a_quarter_of_a_cycle_off():
    pixels = standardized(wave(10.3, -7.6, 1.0)[np.newaxis])
    found = sharpened(pixels, np.array([[[10.05, -7.4]]]), np.ones((1, 1), bool))
    assert found[0, 0] == pytest.approx([10.3, -7.6], abs=0.01)


def test_what_other_waves_leak_is_taken_off():
    """A weak wave a few cycles beside a strong one, and near its mirror image."""
    true = np.array([[4.3, 0.6], [9.1, 1.2], [-3.2, 7.9]])
    image = sum(
        height * wave(*each, height) for height, each in zip((1, 0.1, 0.3), true, strict=True)
    )
    guess = true[np.newaxis] + [[[0.05, -0.04], [-0.05, 0.03], [0.04, 0.05]]]
    found = sharpened(standardized(image[np.newaxis]), guess, np.ones((1, 3), bool))
    np.testing.assert_allclose(found[0], true, atol=0.015)
    alone = sharpened(standardized(image[np.newaxis]), guess[:, 1:2], np.ones((1, 1), bool))
    assert np.abs(alone[0] - true[1:2]).max() > 0.05


def test_errors_come_near_to_the_least_possible():
    """The bound of Cramer and Rao for the frequency of a real wave in white noise."""
    rng = np.random.default_rng(0)
    windows = wave(12.2, 5.7) + rng.normal(scale=2, size=(200, SIZE, SIZE))
    guess = np.tile([12.2, 5.7], (200, 1, 1)) + rng.uniform(-0.1, 0.1, (200, 1, 2))
    found = sharpened(standardized(windows), guess, np.ones((200, 1), bool))
    # A wave A cos(2 pi q x / N) holds A^2 / 2 of (2 pi / N)^2 times the sum of x^2 about q.
    information = 0.5 / 2**2 * (2 * np.pi / SIZE) ** 2 * (SIZE**4 / 12)
    error = np.sqrt(np.mean((found[:, 0] - [12.2, 5.7]) ** 2))
    assert 1 < error * np.sqrt(information) < 1.6


def test_places_without_a_peak_stay_and_leak_nothing():
    pixels = standardized(wave(10.3, -7.6)[np.newaxis])
    place = np.array([[[10.2, -7.5], [0.0, 0.0], [11.0, -7.0]]])
    listed = np.array([[True, False, False]])
    found = sharpened(pixels, place, listed)
    np.testing.assert_array_equal(found[0, 1:], place[0, 1:])
    alone = sharpened(pixels, place[:, :1], listed[:, :1])
    np.testing.assert_allclose(found[:, :1], alone, atol=1e-6)


def test_a_constant_window_moves_nothing():
    place = np.array([[[10.2, -7.5]]])
    flat = standardized(np.full((1, SIZE, SIZE), 3.0))
    assert sharpened(flat, place, np.ones((1, 1), bool)) == pytest.approx(place, abs=1e-5)


@pytest.mark.parametrize("periods", [6, 10, 18])
def test_lattices_without_noise_are_exact_to_a_ten_thousandth(periods):
    """Waves that leaked into each other once moved clear spots by ten times as much."""
    rng = np.random.default_rng(periods)
    a = SIZE / periods
    bases = [
        reduce_basis(cell(a, 1.1 * a, angle) @ rotation(turn))
        for angle, turn in zip(rng.uniform(65, 90, 12), rng.uniform(0, 180, 12), strict=True)
    ]
    windows = []
    for basis in bases:
        points = lattice_points(basis, (SIZE, SIZE), tuple(rng.uniform(0, SIZE, 2)), 4 * a)
        windows.append(draw_atoms(points, np.ones(len(points)), 0.18 * a, (SIZE, SIZE)))
    fits = fit_lattices(np.array(windows))
    true = [np.linalg.norm(basis, axis=1) for basis in bases]
    off = np.stack([fits.a, fits.b], axis=1) / true - 1
    assert np.median(np.abs(off)) < 1e-4


@pytest.mark.parametrize("size", [32, 33])
def test_sums_and_moments_are_those_over_all_pixels(size):
    rng = np.random.default_rng(size)
    image = rng.normal(size=(2, size, size)).astype(np.float32)
    frequency = rng.uniform(-0.4, 0.4, (2, 5, 2))
    place = np.arange(size) - (size - 1) / 2
    waves = np.exp(-2j * np.pi * frequency[..., np.newaxis] * place)
    terms = np.einsum("nyx,nkx,nky->nkyx", image, waves[:, :, 0], waves[:, :, 1])
    plain, along_x, along_y = moments(image, frequency)
    np.testing.assert_allclose(plain, terms.sum(axis=(2, 3)), atol=1e-3)
    np.testing.assert_allclose(along_x, (terms * place).sum(axis=(2, 3)), atol=2e-2)
    np.testing.assert_allclose(along_y, (terms.swapaxes(2, 3) * place).sum(axis=(2, 3)), atol=2e-2)
    np.testing.assert_allclose(transform(image, frequency), plain, atol=1e-4)


def test_of_no_window_there_are_no_sums():
    nothing = moments(np.zeros((0, 32, 32), np.float32), np.zeros((0, 4, 2)))
    assert [each.shape for each in nothing] == [(0, 4)] * 3
