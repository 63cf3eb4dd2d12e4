import numpy as np
import pytest

from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms
from napari_lattice_symmetry.spectrum.peaks import find_peaks


def wave(kx, ky, size=128, phase=0.7):
    y, x = np.mgrid[:size, :size] / size
    return np.cos(2 * np.pi * (kx * x + ky * y) + phase)


@pytest.mark.parametrize("size", [48, 64, 128, 201])
@pytest.mark.parametrize(
    ("kx", "ky"), [(10.3, 4.4), (8.0, 0.0), (12.5, -3.27), (0.2, 9.4), (-0.3, 12.2), (0.0, 7.5)]
)
def test_a_wave_is_placed_between_the_bins(size, kx, ky):
    peaks = find_peaks(wave(kx, ky, size)[np.newaxis])
    position = peaks.position[0, 0] * (np.sign(peaks.position[0, 0] @ [kx, ky]))
    np.testing.assert_allclose(position, [kx, ky], atol=0.01)
    # A Hann window halves a wave along both axes, and the mean square of a wave is 1 / 2.
    assert peaks.height[0, 0] == pytest.approx(size**2 / 8 * np.sqrt(2), rel=0.05)


def test_a_wave_and_its_mirror_image_are_one_peak():
    peaks = find_peaks(np.stack([wave(10.3, 4.4), wave(0.0, 7.0), wave(7.0, 0.0)]))
    np.testing.assert_array_equal((peaks.height > 0.1 * peaks.height[:, :1]).sum(axis=1), 1)


def test_significance_is_the_height_over_the_noise_and_tells_the_error():
    rng = np.random.default_rng(0)
    windows = wave(10.1, 6.2) + 2.0 * rng.standard_normal((80, 128, 128))
    peaks = find_peaks(windows)
    taper = np.outer(np.hanning(128), np.hanning(128))
    expected = 0.5 * taper.sum() / (2.0 * np.sqrt(np.square(taper).sum()))
    assert np.median(peaks.significance[:, 0]) == pytest.approx(expected, rel=0.1)

    error = peaks.position[:, 0] - [10.1, 6.2]
    assert np.sqrt(np.mean(error**2 / peaks.variance[:, :1])) == pytest.approx(1, abs=0.2)
    assert np.abs(np.median(error, axis=0)).max() < 0.02


def test_noise_has_hardly_a_peak_and_none_that_is_clear():
    noise = np.random.default_rng(0).poisson(5, (100, 128, 128))
    significance = find_peaks(noise).significance
    assert (significance > 0).sum(axis=1).mean() < 1
    assert significance.max() < 4.4


def test_rows_that_slip_make_no_peaks():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:128, :128]
    slip = rng.normal(0, 0.5, 128)[:, np.newaxis]
    image = np.cos(2 * np.pi * (20 * (x + slip) + 9 * y) / 128) + 0.01 * rng.normal(size=(128, 128))
    peaks = find_peaks(image[np.newaxis])
    np.testing.assert_allclose(peaks.position[0, 0], [20, 9], atol=0.1)
    assert peaks.significance[0, 0] > 15
    assert peaks.significance[0, 1] < 5


def test_peaks_come_clearest_first_and_windows_apart():
    rng = np.random.default_rng(0)
    both = wave(9.0, 5.0) + 0.5 * wave(15.0, -11.0) + 0.3 * rng.standard_normal((128, 128))
    windows = np.stack([both, np.zeros((128, 128)), both])
    peaks = find_peaks(windows)
    np.testing.assert_allclose(peaks.position[0, :2], [[9, 5], [15, -11]], atol=0.1)
    assert not peaks.significance[1].any()
    np.testing.assert_array_equal(peaks.position[0], peaks.position[2])
    np.testing.assert_array_equal(peaks.of(np.array([0])).height[0], peaks.height[0])


def crystal(seed, *, disorder=0.0, vacancies=0.0):
    """One atom a cell of 10 px, at 100 counts a pixel."""
    rng = np.random.default_rng(seed)
    atoms = lattice_points(cell(10, 10, 90) @ rotation(11 * seed), (128, 128), (64, 64), 30)
    atoms = atoms + 10 * disorder * rng.standard_normal(atoms.shape)
    atoms = atoms[rng.uniform(size=len(atoms)) >= vacancies]
    image = draw_atoms(atoms, np.ones(len(atoms)), 1.8, (128, 128))
    return count_electrons(image + 0.1, 100, rng)


def test_displaced_atoms_are_told_from_missing_ones():
    displaced = find_peaks(np.array([crystal(seed, disorder=0.06) for seed in range(8)])).displaced
    missing = find_peaks(np.array([crystal(seed, vacancies=0.1) for seed in range(8)])).displaced
    assert displaced.mean() > 1.5
    assert missing.mean() < 0.5
    assert displaced.min() > missing.max()
