"""Speed as a ratio to the plain loop in the same run, which no slow machine can spoil."""

from statistics import median
from time import perf_counter

import numpy as np

from napari_lattice_symmetry.lattice.windows import INSTRUMENT, draw_windows
from napari_lattice_symmetry.model import load_model
from napari_lattice_symmetry.model.engine import keras
from napari_lattice_symmetry.spectrum.polar import polar_spectrum

SAMPLES = 100
# A whole frame on a quiet machine reaches 85, see docs/performance.md.
LEAST_RATIO = 20


def seconds(action, repeats=5):
    action()
    times = []
    for _ in range(repeats):
        start = perf_counter()
        action()
        times.append(perf_counter() - start)
    return median(times)


def test_sampling_thinned_heads_beats_running_the_whole_network_once_a_sample():
    model = load_model()
    windows, _ = draw_windows(128, INSTRUMENT, seed=0)
    spectra = polar_spectrum(windows)[..., np.newaxis]
    thinned = seconds(lambda: model.classify(windows, SAMPLES))
    one_pass = seconds(lambda: keras.ops.convert_to_numpy(model.network(spectra, training=True)))
    assert SAMPLES * one_pass / thinned > LEAST_RATIO
