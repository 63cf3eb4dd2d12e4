import threading

import numpy as np
import pytest

from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.classifier import BLOCK
from napari_lattice_symmetry.bravais.dataset import BENCHMARK
from napari_lattice_symmetry.bravais.training_images import INSTRUMENT, PAPER, draw_windows
from napari_lattice_symmetry.errors import InputError, ModelError
from napari_lattice_symmetry.spectrum import WindowGrid
from napari_lattice_symmetry.spectrum.peaks import find_peaks
from napari_lattice_symmetry.spectrum.polar import polar_spectrum


@pytest.fixture(scope="module")
def polar():
    return load_model("compact")


# Bounds leave the scatter of 600 windows (about 1 %) below the figures of the model card.
@pytest.mark.parametrize(
    ("network", "track", "top1", "top2"),
    [
        ("compact", INSTRUMENT, 0.95, 0.99),
        ("compact", PAPER, 0.87, 0.97),
        ("published", PAPER, 0.6, 0.8),
    ],
)
def test_shipped_weights_name_simulated_lattices(network, track, top1, top2):
    windows, labels = draw_windows(600, track, seed=(1, BENCHMARK, 0))
    mean = load_model(network).classify(windows, samples=50).mean
    order = np.argsort(-mean, axis=1) + 1
    first = order[:, 0] == labels
    assert first.mean() >= top1
    assert (first | (order[:, 1] == labels)).mean() >= top2


def test_every_class_is_found_at_its_own_place(polar):
    """Fails if the class order changes: each class has its label, not just a good average."""
    windows, labels = draw_windows(240, INSTRUMENT, seed=(2, BENCHMARK, 0))
    found = polar.classify(windows, samples=50).label
    for label in range(1, 7):
        assert (found[labels == label] == label).mean() > 0.85


def test_probabilities_and_uncertainties_are_consistent(polar):
    windows, _ = draw_windows(30, PAPER, seed=0)
    p = polar.classify(windows, samples=64)
    np.testing.assert_allclose(p.mean.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(p.label, p.mean.argmax(axis=1) + 1)
    assert np.all(p.mutual_information <= p.entropy + 1e-6)
    assert np.all(p.entropy <= np.log(6) + 1e-6)
    assert np.all(p.std >= 0)
    np.testing.assert_allclose(p.thinned_totals.mean(axis=0), p.mean.sum(axis=0), rtol=1e-4)
    assert p.thinned_totals.shape == (64, 6)


def test_windows_of_a_grid_come_in_c_order(polar):
    windows, _ = draw_windows(1, INSTRUMENT, seed=0, size=160)
    views = WindowGrid((160, 160), 128, 16).windows(windows[0])
    grid = polar.classify(views, samples=10)
    flat = polar.classify(views.reshape(-1, 128, 128), samples=10)
    np.testing.assert_array_equal(grid.mean, flat.mean)


def test_peaks_are_found_in_the_spectra_that_the_network_sees(polar):
    windows, _ = draw_windows(BLOCK + 3, INSTRUMENT, seed=0)
    plain, both = (polar.classify(windows, samples=2, peaks=peaks) for peaks in (False, True))
    assert plain.peaks is None
    np.testing.assert_array_equal(both.mean, plain.mean)
    alone = find_peaks(windows)
    np.testing.assert_allclose(both.peaks.position, alone.position, atol=1e-4)
    np.testing.assert_allclose(both.peaks.displaced, alone.displaced, atol=1e-4)


def test_the_network_is_at_the_next_block_while_one_is_looked_at(polar, monkeypatch):
    windows, _ = draw_windows(2 * BLOCK + 3, INSTRUMENT, seed=0, size=32)
    begun = [threading.Event() for _ in range(3)]
    trunk, calls = polar._engine.trunk, iter(begun)

    def tell(spectra):
        next(calls).set()
        return trunk(spectra)

    monkeypatch.setattr(polar._engine, "trunk", tell)
    blocks = polar.classify_blocks(windows, samples=2)
    first = next(blocks)
    assert begun[1].wait(60)
    assert not begun[2].is_set()
    sizes = [len(block.entropy) for block in (first, *blocks)]
    assert sizes == [BLOCK, BLOCK, 3]


def test_what_fails_in_a_block_fails_where_its_answer_is_due(polar, monkeypatch):
    windows, _ = draw_windows(2 * BLOCK, INSTRUMENT, seed=0, size=32)
    trunk, failures = polar._engine.trunk, iter([None, MemoryError("full")])

    def failing(spectra):
        if error := next(failures):
            raise error
        return trunk(spectra)

    monkeypatch.setattr(polar._engine, "trunk", failing)
    blocks = polar.classify_blocks(windows, samples=2)
    assert len(next(blocks).entropy) == BLOCK
    with pytest.raises(MemoryError, match="full"):
        next(blocks)


def test_windows_with_many_nan_are_not_analyzed(polar):
    windows, _ = draw_windows(3, INSTRUMENT, seed=0)
    windows[1, :20] = np.nan
    p = polar.classify(windows, samples=10)
    assert np.isnan(p.mean[1]).all()
    assert np.isnan(p.entropy[1])
    assert p.label[1] == 0
    assert (p.label[[0, 2]] > 0).all()
    np.testing.assert_allclose(p.thinned_totals.sum(axis=1), 2, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, ">u2", np.int32, np.float16, ">f4", bool])
def test_any_real_dtype_will_do(polar, dtype):
    windows, _ = draw_windows(6, INSTRUMENT, seed=0)
    if dtype is bool:
        windows = windows > np.median(windows, axis=(1, 2), keepdims=True)
    p = polar.classify(windows.astype(dtype), samples=10)
    expected = polar.classify(windows.astype(float), samples=10)
    np.testing.assert_allclose(p.mean, expected.mean, atol=5e-3)


@pytest.mark.parametrize(
    ("windows", "samples", "sentence"),
    [
        (np.zeros((2, 64, 65)), 10, r"\(2, 64, 65\)"),
        (np.zeros((0, 64, 64)), 10, r"\(0, 64, 64\)"),
        (np.zeros((1, 64, 64), complex), 10, "complex128"),
        (np.zeros((1, 64, 64)), 0, "0 MC samples"),
        (np.zeros((1, 64, 64)), 5001, "5001 MC samples"),
    ],
)
def test_what_is_no_window_is_refused(polar, windows, samples, sentence):
    with pytest.raises(InputError, match=sentence):
        polar.classify(windows, samples=samples)


def test_features_lead_to_the_probabilities_without_dropout(polar):
    windows, _ = draw_windows(70, INSTRUMENT, seed=0)
    features = polar.features(windows)
    assert features.shape == (70, 128)
    weights, bias = polar.network.layers[-1].get_weights()
    logits = features @ weights + bias
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    spectra = polar_spectrum(windows)[..., np.newaxis]
    np.testing.assert_allclose(p, polar.network.predict(spectra, verbose=0), atol=1e-4)


def test_a_process_that_was_forked_is_told_instead_of_waiting(polar, monkeypatch):
    monkeypatch.setattr(polar, "_process", polar._process + 1)
    with pytest.raises(ModelError, match="'compact' was loaded before this process was forked"):
        polar.classify(np.zeros((1, 32, 32)))
