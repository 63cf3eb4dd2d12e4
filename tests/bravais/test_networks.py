import numpy as np

from napari_lattice_symmetry.bravais.networks import polar_network
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.spectrum.polar import N_ANGLES, N_RADII


def test_the_polar_network_does_not_see_turns_of_fifteen_degrees():
    keras.utils.set_random_seed(0)
    network = polar_network()
    rng = np.random.default_rng(1)
    spectra = rng.uniform(0, 2, (4, N_ANGLES, N_RADII, 1)).astype(np.float32)
    found = network.predict(spectra, verbose=0)
    turned = network.predict(np.roll(spectra, N_ANGLES * 15 // 180, axis=1), verbose=0)
    np.testing.assert_allclose(turned, found, atol=1e-5)
    assert np.ptp(found, axis=0).max() > 1e-3
