import numpy as np
import pytest
from scipy.special import softmax

from napari_lattice_symmetry.bravais.networks import polar_network
from napari_lattice_symmetry.bravais.training_images import PAPER, draw_windows
from napari_lattice_symmetry.networks.calibration import calibrate, find_scaling, find_sharpness
from napari_lattice_symmetry.spectrum.polar import polar_spectrum


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_the_scaling_that_spoiled_the_logits_is_found_again(factor):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (12000, 6))
    truth = softmax(logits, axis=1)
    classes = (truth.cumsum(axis=1) > rng.random((12000, 1))).argmax(axis=1)
    shift = np.array([0.3, -0.3, 0, 0, 0, 0])
    factors, shifts = find_scaling(((logits - shift) / factor)[np.newaxis], classes)
    np.testing.assert_allclose(factors, factor, rtol=0.08)
    np.testing.assert_allclose(shifts, shift, atol=0.12)


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.5])
def test_the_sharpness_that_makes_probabilities_true_is_found(factor):
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (20000, 8))
    classes = (softmax(logits, axis=1).cumsum(axis=1) > rng.random((20000, 1))).argmax(axis=1)
    assert find_sharpness(logits[np.newaxis] / factor, classes) == pytest.approx(factor, abs=0.06)


def test_calibration_scales_the_last_layer():
    network = polar_network()
    windows, labels = draw_windows(12, PAPER, seed=0)
    spectra = polar_spectrum(windows)
    kernel, bias = network.layers[-1].get_weights()
    factors, shifts = calibrate(network, spectra, labels - 1)
    after, shifted = network.layers[-1].get_weights()
    np.testing.assert_allclose(after, kernel * factors, rtol=1e-6)
    np.testing.assert_allclose(shifted, bias * factors + shifts, atol=1e-6)
    assert np.allclose(network.predict_on_batch(spectra[..., np.newaxis]).sum(axis=1), 1)
