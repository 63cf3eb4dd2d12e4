import numpy as np
import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import pixel_distortion
from napari_lattice_symmetry.lattice.basis import cell, rotation
from napari_lattice_symmetry.spectrum.cartesian import cartesian_spectrum
from napari_lattice_symmetry.spectrum.polar import polar_spectrum

DISTORTIONS = {
    "shear": np.array([[1.0, 0.15], [0.0, 1.0]]),
    "stretch": np.array([[1.08, 0.05], [0.05, 0.94]]),
    "pixels": pixel_distortion((0.3, 0.24)),
    "turn": rotation(100),
}
SPECTRA = [polar_spectrum, cartesian_spectrum]


@pytest.mark.parametrize("name", DISTORTIONS)
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_a_distorted_lattice_is_seen_as_it_was(draw_lattice, spectrum, name):
    distortion = DISTORTIONS[name]
    basis = cell(10, 12, 75) @ rotation(20)
    true, seen = (
        draw_lattice(lattice, np.random.default_rng(0), counts=2000)[np.newaxis]
        for lattice in (basis, basis @ distortion.T)
    )
    expected = spectrum(true).ravel()
    corrected = np.corrcoef(spectrum(seen, distortion).ravel(), expected)[0, 1]
    uncorrected = np.corrcoef(spectrum(seen).ravel(), expected)[0, 1]
    assert corrected > 0.9
    assert uncorrected < 0.8


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("size", [66, 128])
def test_no_distortion_changes_nothing(spectrum, size):
    windows = np.random.default_rng(0).normal(size=(2, size, size))
    np.testing.assert_allclose(spectrum(windows, np.eye(2)), spectrum(windows), atol=1e-6)


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("wrong", [np.zeros((2, 2)), np.eye(3), np.full((2, 2), np.nan)])
def test_what_cannot_be_undone_is_refused(spectrum, wrong):
    with pytest.raises(InputError, match="2 x 2 distortion matrix"):
        spectrum(np.zeros((1, 64, 64)), wrong)
