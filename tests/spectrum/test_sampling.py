"""How well spectra are read between their bins."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.spectrum.sampling import cubic, linear, sampling_weights

SIZE = 128


def worst_error(kernel, rng):
    """Greatest error near the peak of a plane wave behind a Hann window, relative to the peak."""
    x = np.arange(SIZE)
    hann = np.hanning(SIZE)
    ky, kx = rng.uniform(5, 12, 2)
    phase = 2 * np.pi * (kx * x + ky * x[:, None]) / SIZE + rng.uniform(0, 2 * np.pi)
    wave = np.cos(phase) * hann * hann[:, None]
    at_y, at_x = (k + rng.uniform(-2, 2, 400) for k in (ky, kx))
    waves_y, waves_x = (np.exp(-2j * np.pi * np.outer(k, x) / SIZE) for k in (at_y, at_x))
    true = np.abs(np.einsum("py,yx,px->p", waves_y, wave, waves_x))
    amplitude = np.abs(np.fft.rfft2(wave)).ravel()
    read = sampling_weights(at_y, at_x, SIZE, kernel) @ amplitude
    return np.abs(read - true).max() / true.max()


@pytest.mark.parametrize(("kernel", "least", "most"), [(linear, 0.1, 0.35), (cubic, 0.0, 0.1)])
def test_spots_between_bins_keep_their_height(kernel, least, most):
    rng = np.random.default_rng(0)
    worst = [worst_error(kernel, rng) for _ in range(20)]
    assert least < np.mean(worst) < most


@pytest.mark.parametrize("kernel", [linear, cubic])
def test_bins_themselves_are_read_as_they_are(kernel):
    amplitude = np.random.default_rng(1).random((SIZE, SIZE // 2 + 1)).astype(np.float32)
    rows, columns = np.arange(-20, 20), np.arange(40) % 30
    weights = sampling_weights(rows.astype(float), columns.astype(float), SIZE, kernel)
    np.testing.assert_allclose(weights @ amplitude.ravel(), amplitude[rows, columns], rtol=1e-6)


def test_the_other_half_plane_is_the_mirror_image():
    amplitude = np.abs(np.fft.rfft2(np.random.default_rng(2).random((SIZE, SIZE))))
    weights = sampling_weights(np.array([7.4]), np.array([0.3]), SIZE, cubic)
    row_weights, column_weights = cubic(np.array([0.4])), cubic(np.array([0.3]))
    near = np.array(
        [
            [amplitude[row if column >= 0 else -row, abs(column)] for column in (-1, 0, 1, 2)]
            for row in (6, 7, 8, 9)
        ]
    )
    expected = row_weights[:, 0] @ near @ column_weights[:, 0]
    np.testing.assert_allclose(weights @ amplitude.ravel(), [expected], rtol=1e-5)
