"""Speed as a ratio to the plain loop in the same run, which no slow machine can spoil."""

from statistics import median
from time import process_time

import numpy as np

from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.classifier import BLOCK
from napari_lattice_symmetry.bravais.training_images import INSTRUMENT, draw_windows
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.spectrum.polar import polar_spectrum

SAMPLES = 100
# A whole frame on a quiet machine reaches about 100, see docs/performance.md.
MIN_RATIO = 40


def test_sampling_thinned_heads_beats_running_the_whole_network_once_a_sample():
    model = load_model()
    windows, _ = draw_windows(BLOCK, INSTRUMENT, seed=0)
    spectra = polar_spectrum(windows)[..., np.newaxis]
    actions = (
        lambda: model.classify(windows, SAMPLES),
        lambda: keras.ops.convert_to_numpy(model.network(spectra, training=True)),
    )
    times = ([], [])
    for _ in range(8):  # in turns, as others may use the machine
        for action, taken in zip(actions, times, strict=True):
            start = process_time()
            action()
            taken.append(process_time() - start)
    thinned, one_pass = (median(taken[1:]) for taken in times)
    assert SAMPLES * one_pass / thinned > MIN_RATIO
