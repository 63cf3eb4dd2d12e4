import numpy as np
import pytest

from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms, scan_jitter


def gaussian(positions, weights, sigma, shape, row_shift=0.0):
    y, x = np.mgrid[: shape[0], : shape[1]]
    x = x - np.broadcast_to(np.asarray(row_shift).reshape(-1, 1), shape)
    return sum(
        w * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2))
        for (px, py), w in zip(positions, weights, strict=True)
    )


@pytest.mark.parametrize("sigma", [1.0, 1.7, 4.0])
def test_atoms_are_gaussians_at_their_sub_pixel_positions(sigma):
    rng = np.random.default_rng(3)
    positions = rng.uniform(-3, 60, (12, 2))
    weights = rng.uniform(0.2, 1, 12)
    image = draw_atoms(positions, weights, sigma, (48, 57))
    np.testing.assert_allclose(
        image, gaussian(positions, weights, sigma, (48, 57)), atol=0.02 if sigma == 1.0 else 2e-3
    )


def test_row_shift_moves_rows_to_the_right():
    shift = np.linspace(-1.3, 2.1, 40)
    positions, weights = np.array([[20.3, 18.8], [9.9, 30.1]]), np.array([1.0, 0.5])
    image = draw_atoms(positions, weights, 2.0, (40, 44), shift)
    expected = gaussian(positions, weights, 2.0, (40, 44), shift)
    np.testing.assert_allclose(image, expected, atol=2e-3)


def test_no_atoms_give_an_empty_image():
    image = draw_atoms(np.empty((0, 2)), np.empty(0), 2.0, (16, 16))
    np.testing.assert_allclose(image, 0)


@pytest.mark.parametrize("slow", [False, True])
def test_scan_jitter_has_the_amplitude_asked_for(slow):
    shift = scan_jitter(128, 0.35, slow, np.random.default_rng(0))
    assert shift.std() == pytest.approx(0.35)
    steps = np.diff(shift).std()
    assert (steps < 0.2) == slow


def test_counting_noise_has_the_variance_of_its_mean():
    image = np.full((400, 400), 0.5)
    image[0, 0] = 1.0
    counts = count_electrons(image, 40, np.random.default_rng(0))
    assert counts[1:].mean() == pytest.approx(20, rel=0.01)
    assert counts[1:].var() == pytest.approx(20, rel=0.03)


def test_a_dark_image_stays_dark():
    assert not count_electrons(np.zeros((5, 5)), 40, np.random.default_rng(0)).any()
