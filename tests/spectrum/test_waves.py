import numpy as np
import pytest

from napari_lattice_symmetry.spectrum.waves import moments, transform


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
