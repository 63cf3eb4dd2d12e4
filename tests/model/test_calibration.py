import numpy as np
import pytest
from scipy.special import softmax

from napari_lattice_symmetry.lattice.windows import PAPER, draw_windows
from napari_lattice_symmetry.model.calibration import calibrate, find_temperature
from napari_lattice_symmetry.model.networks import polar_network
from napari_lattice_symmetry.spectrum.polar import polar_spectrum


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_temperature_that_spoiled_the_logits_is_found_again(temperature):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 6))
    truth = softmax(logits, axis=1)
    classes = (truth.cumsum(axis=1) > rng.random((4000, 1))).argmax(axis=1)
    stated = softmax(logits * temperature, axis=1)[np.newaxis]
    assert find_temperature(stated, classes) == pytest.approx(temperature, rel=0.06)


def test_calibration_scales_the_last_layer_and_leaves_the_ranking():
    network = polar_network()
    windows, labels = draw_windows(12, PAPER, seed=0)
    spectra = polar_spectrum(windows)
    before = network.predict_on_batch(spectra[..., np.newaxis])
    weights = network.layers[-1].get_weights()[0]
    temperature = calibrate(network, spectra, labels - 1)
    after = network.predict_on_batch(spectra[..., np.newaxis])
    np.testing.assert_allclose(network.layers[-1].get_weights()[0], weights / temperature)
    np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))
