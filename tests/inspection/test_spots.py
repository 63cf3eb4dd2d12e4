from __future__ import annotations

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.inspection.spots import SPOT, spot_evidence, without
from napari_lattice_symmetry.inspection.window import inspect_window
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.spectrum.amplitude import half_amplitude

BASES = {
    "square": cell(12, 12, 90) @ rotation(20),
    "hexagonal": cell(13, 13, 60) @ rotation(8),
    "rectangular": cell(10, 14, 90) @ rotation(-30),
}


@pytest.fixture(scope="module")
def network():
    return nls.load_model()


def draw(basis, size=128):
    y, x = np.mgrid[:size, :size]
    image = np.random.default_rng(0).normal(0, 0.3, (size, size))
    for px, py in lattice_points(basis, image.shape, (3.0, 5.0), pad=10):
        image += np.exp(-((x - px) ** 2 + (y - py) ** 2) / 8)
    return image


@pytest.mark.parametrize("name", BASES)
def test_spots_carry_the_class_and_what_lies_between_them_does_not(network, name):
    label = CLASSES.index(name) + 1
    settings = nls.AnalysisParameters(window=128, samples=20)
    seen = inspect_window(Movie.from_array(draw(BASES[name])), 0, (64, 64), settings, network)
    assert seen.network_label == label
    radius = np.hypot(*seen.spots.T)
    known = np.isfinite(seen.evidence)
    assert known[(radius > 3) & (radius < 31)].all()
    assert not known[radius > 32.1].any()
    first = radius < 1.2 * radius.min()
    assert seen.evidence[first].max() > 2
    opposite = np.abs(seen.spots[:, np.newaxis] + seen.spots).sum(axis=-1).argmin(axis=1)
    np.testing.assert_array_equal(seen.evidence, seen.evidence[opposite])
    a, b = 128 * np.linalg.inv(BASES[name]).T
    between = np.array([(a + b) / 2, (a - b) / 2, 1.5 * a + b / 2])
    nothing = spot_evidence(network, seen.pixels, between, label)
    assert np.abs(nothing).max() < 0.15 * np.nanmax(seen.evidence)
    assert f"spots for {name}" in seen.text()


def test_a_spot_is_taken_out_down_to_what_is_around_it():
    image = draw(BASES["square"])
    amplitude = half_amplitude(image[np.newaxis])[0]
    x, y = 128 * np.linalg.inv(BASES["square"]).T[0]
    less = without(amplitude, np.array([[x, y], [-x, -y]]))
    np.testing.assert_array_equal(less[0], less[1])
    row, column = np.rint([y, x] if x > 0 else [-y, -x]).astype(int)
    assert less[0, row, column] < 0.1 * amplitude[row, column]
    ky, kx = np.fft.fftfreq(128)[:, np.newaxis] * 128, np.arange(65)
    far = np.minimum(np.hypot(ky - y, kx - x), np.hypot(ky + y, kx + x)) > SPOT + 0.01
    np.testing.assert_array_equal(less[0][far], amplitude[far])


def test_engines_agree_on_log_odds(network):
    amplitude = half_amplitude(np.stack([draw(basis) for basis in BASES.values()]))
    other = nls.load_model(engine="tensorflow")
    for label in (1, 4):
        ours, theirs = (each.log_odds(amplitude, label) for each in (network, other))
        assert ours == pytest.approx(theirs, abs=2e-3)
    windows = np.stack([draw(basis) for basis in BASES.values()])
    assert (network.log_odds(amplitude, 1) > 0).tolist() == (
        network.classify(windows, samples=50).label == 1
    ).tolist()
