import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.spectrum.amplitude import analyzable, half_amplitude
from napari_lattice_symmetry.spectrum.cartesian import SIDE, cartesian_spectrum
from napari_lattice_symmetry.spectrum.polar import ANGLES, RADII, polar_spectrum

SPECTRA = [polar_spectrum, cartesian_spectrum]


def wave(cycles, angle, size=128):
    """A plane wave of so many cycles a window, its wave vector at an angle from x to y."""
    y, x = np.mgrid[:size, :size] / size
    angle = np.deg2rad(angle)
    return np.cos(2 * np.pi * cycles * (x * np.cos(angle) + y * np.sin(angle)))[np.newaxis]


@pytest.mark.parametrize("size", [47, 64, 128, 200])
@pytest.mark.parametrize(("cycles", "angle"), [(10.0, 25.0), (18.0, -70.0), (6.5, 0.0)])
def test_a_wave_is_one_peak_at_its_frequency_whatever_the_window_size(size, cycles, angle):
    spectrum = polar_spectrum(wave(cycles, angle, size))[0]
    row, column = np.unravel_index(spectrum.argmax(), spectrum.shape)
    assert ANGLES[row] == pytest.approx(angle, abs=3)
    assert RADII[column] == pytest.approx(cycles, rel=0.06)


def test_turning_a_wave_shifts_its_log_polar_spectrum_along_the_angle():
    still = polar_spectrum(wave(12, 15))[0]
    turned = polar_spectrum(wave(12, 15 + 5 * 180 / len(ANGLES)))[0]
    shifted = np.roll(still, 5, axis=0)
    assert np.corrcoef(shifted.ravel(), turned.ravel())[0, 1] > 0.98
    assert np.corrcoef(still.ravel(), turned.ravel())[0, 1] < 0.8


def test_the_cartesian_spectrum_is_symmetric_about_its_center():
    window = np.random.default_rng(0).normal(size=(1, 100, 100))
    spectrum = cartesian_spectrum(window)[0]
    assert spectrum.max() == 1
    inner = spectrum[1:, 1:]
    np.testing.assert_allclose(inner, inner[::-1, ::-1], rtol=1e-4, atol=1e-6)


def test_the_cartesian_spectrum_agrees_with_a_plain_transform():
    window = np.random.default_rng(0).normal(size=(96, 96))
    taper = np.hanning(96)
    plain = np.abs(np.fft.fftshift(np.fft.fft2((window - window.mean()) * np.outer(taper, taper))))
    cut = plain[48 - SIDE // 2 : 48 + SIDE // 2, 48 - SIDE // 2 : 48 + SIDE // 2]
    np.testing.assert_allclose(
        cartesian_spectrum(window[np.newaxis])[0], cut / cut.max(), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_offset_gain_and_byte_order_do_not_matter(spectrum):
    window = np.random.default_rng(1).integers(0, 200, (2, 64, 64))
    expected = spectrum(window.astype(np.float64))
    for same in (
        window.astype(np.uint8),
        window.astype(">u2"),
        window.astype("<i4"),
        window.astype(np.float16),
        window.astype(">f4"),
        window * 3.5 + 1e7,
    ):
        np.testing.assert_allclose(spectrum(same), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_constant_windows_have_an_empty_spectrum(spectrum):
    assert not spectrum(np.full((1, 64, 64), 7, dtype=np.uint8)).any()


def test_fewer_columns_are_the_first_of_all():
    windows = np.random.default_rng(0).normal(size=(3, 48, 48))
    np.testing.assert_array_equal(half_amplitude(windows, 7), half_amplitude(windows)[..., :7])


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_amplitude_is_that_of_the_standardised_window_in_double_precision(dtype):
    windows = np.random.default_rng(0).normal(3e4, 200, size=(2, 48, 48)).astype(dtype)
    pixels = windows.astype(np.float64)
    pixels -= pixels.mean(axis=(1, 2), keepdims=True)
    pixels /= pixels.std(axis=(1, 2), keepdims=True)
    expected = np.abs(np.fft.rfft2(pixels * np.outer(np.hanning(48), np.hanning(48))))
    # The mean in single precision leaves a little at zero frequency, which nothing reads.
    np.testing.assert_allclose(half_amplitude(windows), expected, rtol=1e-4, atol=5e-3)


def test_few_nan_pixels_change_little_and_many_make_a_window_unfit():
    window = wave(11, 40)
    holed = window.copy()
    holed[0, 10:14, 20:30] = np.nan
    np.testing.assert_array_equal(analyzable(holed), [True])
    np.testing.assert_allclose(half_amplitude(holed), half_amplitude(window), atol=60)
    assert half_amplitude(window).max() > 2000

    holed[0, :10] = np.inf
    np.testing.assert_array_equal(analyzable(holed), [False])


def test_windows_smaller_than_the_spectrum_leave_its_rim_empty():
    spectrum = cartesian_spectrum(np.random.default_rng(0).normal(size=(1, 40, 40)))[0]
    assert not spectrum[:12].any()
    assert not spectrum[:, -12:].any()
    assert spectrum[13:50, 13:50].all()


def test_padding_counts_as_missing_and_flat_parts_of_an_image_do_not():
    rng = np.random.default_rng(0)
    noise = rng.uniform(size=(64, 64))
    padded, corner, thin, hole, sparse = (noise.copy() for _ in range(5))
    padded[:, 50:] = 0
    corner[:2], corner[:, :3] = 7, 7
    thin[:3] = 0
    hole[16:48, 16:48] = 0
    sparse = rng.poisson(0.1, (64, 64)).astype(float)
    rows = np.repeat(rng.uniform(size=(64, 1)), 64, axis=1)
    windows = np.stack([padded, corner, np.full((64, 64), 3.0), thin, hole, sparse, rows, noise])
    seen = [False, False, False, True, True, True, True, True]
    assert analyzable(windows).tolist() == seen
    assert analyzable(windows.swapaxes(1, 2)[:, ::-1]).tolist() == seen
    with_gap = thin.copy()
    with_gap[-2:, ::2] = np.nan  # 4.7 % and 1.6 %
    assert not analyzable(with_gap[np.newaxis])[0]


def test_gaps_between_rows_of_sharp_atoms_are_no_padding():
    image = nls.LatticeImage(
        lattice="square", a=14.3, width=0.05, size=160, orientation=0, background=0, counts=4
    ).draw()
    windows = np.stack([image[i : i + 128, :128] for i in range(0, 32, 2)])
    assert (windows[:, :4] == 0).all(axis=(1, 2)).any()  # some begin in a gap
    assert analyzable(windows).all()
    windows[:, :, :9] = 1e3
    assert not analyzable(windows).any()
