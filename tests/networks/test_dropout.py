import json
import os
import subprocess
import sys
from pathlib import Path

import grouping
import numpy as np
import pytest
from scipy.special import rel_entr

from napari_lattice_symmetry.bravais import classifier as classifier_module
from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.classifier import entropy
from napari_lattice_symmetry.bravais.training_images import INSTRUMENT, draw_windows
from napari_lattice_symmetry.errors import ModelError
from napari_lattice_symmetry.networks import ENGINES
from napari_lattice_symmetry.networks import dropout as dropout_module
from napari_lattice_symmetry.networks.dropout import Dropout, draw_masks
from napari_lattice_symmetry.networks.engines.keras_engine import (
    KerasEngine,
    split_at_dropout,
    thinned,
)
from napari_lattice_symmetry.networks.keras_loading import keras
from napari_lattice_symmetry.spectrum.cartesian import cartesian_spectrum
from napari_lattice_symmetry.spectrum.polar import polar_spectrum

SPECTRA = {"compact": polar_spectrum, "published": cartesian_spectrum}


@pytest.fixture(scope="module")
def windows():
    return draw_windows(12, INSTRUMENT, seed=42)[0]


@pytest.mark.parametrize("network", SPECTRA)
def test_thinned_networks_agree_with_the_plain_dropout_loop(network, windows):
    """Both draw from the same distribution: means and spreads within sampling error.

    Dropout of Keras masks every row on its own, so rows repeated are a loop; and it is only the
    head that drops anything.
    """
    model = load_model(network)
    ours = model.classify(windows, samples=1000, seed=1)
    trunk, head = split_at_dropout(model.network)
    spectra = SPECTRA[network](windows)[..., np.newaxis]
    features = keras.ops.convert_to_numpy(trunk(spectra))
    np.testing.assert_array_equal(trunk(spectra, training=True), features)
    for seed, layer in enumerate(head):
        if isinstance(layer, keras.layers.Dropout):
            layer.seed_generator.state.assign((0, seed))
    x, whole = np.tile(features, (600, 1)), features
    for layer in head:
        x = layer(x, training=True) if isinstance(layer, keras.layers.Dropout) else layer(x)
        whole = layer(whole)
    np.testing.assert_allclose(whole, model.network(spectra), atol=1e-5)
    plain = keras.ops.convert_to_numpy(x).reshape(600, *ours.mean.shape)
    error = np.sqrt(plain.var(axis=0) / 600 + ours.std**2 / 1000) + 1e-3
    assert np.all(np.abs(ours.mean - plain.mean(axis=0)) < 5 * error)
    fourth_moment = ((plain - plain.mean(axis=0)) ** 4).mean(axis=0)
    error = np.sqrt(fourth_moment * (1 / 600 + 1 / 1000)) + 1e-3
    assert np.all(np.abs(ours.std**2 - plain.var(axis=0)) < 5 * error)
    # The information is the mean divergence of single answers from their mean.
    single = rel_entr(plain, plain.mean(axis=0)).sum(axis=-1)
    error = single.std(axis=0) * np.sqrt(1 / 600 + 1 / 1000) + 1e-3
    assert np.all(np.abs(ours.mutual_information - single.mean(axis=0)) < 5 * error)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("network", SPECTRA)
def test_a_thinned_network_is_the_network_with_its_masks(network, engine, windows):
    model = load_model(network, engine)
    trunk, head = split_at_dropout(model.network)
    dropouts = [
        Dropout(layer.input.shape[-1], layer.rate)
        for layer in head
        if isinstance(layer, keras.layers.Dropout)
    ]
    first, second = (mask[0] for mask in draw_masks(dropouts, seed=5, samples=range(1)))
    features = keras.ops.convert_to_numpy(trunk(SPECTRA[network](windows)[..., np.newaxis]))
    dense = [layer.get_weights() for layer in head if isinstance(layer, keras.layers.Dense)]
    x = features * first
    x = np.maximum(x @ dense[0][0] + dense[0][1], 0) * second
    logits = x @ dense[1][0] + dense[1][1]
    expected = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    found = model.classify(windows, samples=1, seed=5)
    np.testing.assert_allclose(found.mean, expected, atol=1e-4)
    assert not found.std.any()


@pytest.mark.slow
@pytest.mark.parametrize(
    "processor",
    [
        {},  # this one
        {"OMP_NUM_THREADS": "7"},  # for which rows are shared out otherwise
        {"ENGINE": "tensorflow"},
        {"ENGINE": "tensorflow", "ONEDNN_MAX_CPU_ISA": "AVX2", "TF_NUM_INTRAOP_THREADS": "8"},
        {"ENGINE": "tensorflow", "TF_ENABLE_ONEDNN_OPTS": "0"},
    ],
    ids=["onnx", "threads", "tensorflow", "avx2", "plain"],
)
def test_results_do_not_depend_on_grouping_or_order(processor):
    """Not on other processors either, of which some round otherwise in other groups."""
    script = Path(grouping.__file__)
    found = subprocess.run(
        [sys.executable, script], env=os.environ | processor, stdout=subprocess.PIPE, check=True
    )
    differences = json.loads(found.stdout)
    assert set(differences) == set(SPECTRA)
    for network in differences.values():
        assert network.pop("label") == network.pop("again") == 0
        assert all(difference <= 1e-6 for difference in network.values()), differences


def test_the_block_size_is_not_visible_in_the_results(windows, monkeypatch):
    model = load_model("compact")
    whole = model.classify(windows, samples=20)
    monkeypatch.setattr(classifier_module, "BLOCK", 5)
    np.testing.assert_allclose(model.classify(windows, samples=20).mean, whole.mean, atol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("network", SPECTRA)
def test_sums_are_those_of_the_single_thinned_networks(network, engine, windows, monkeypatch):
    """As Keras computes them, in one go and in so little room that it takes several parts."""
    head = split_at_dropout(load_model(network).network)[1]
    runner = load_model(network, engine)._engine
    features = runner.trunk(SPECTRA[network](windows)[..., np.newaxis])
    weights = np.linspace(0, 1, len(windows))
    whole = runner.heads(30, seed=2)
    monkeypatch.setattr(dropout_module, "_PART_VALUES", 2**30)
    (masks,) = whole.masks(len(windows))
    p = keras.ops.convert_to_numpy(thinned(head, keras.ops.convert_to_tensor(features), *masks))
    p = p.astype(np.float64)
    found = [whole.sums(features, weights)]
    monkeypatch.setattr(dropout_module, "_PART_VALUES", 1000)
    assert len(list(whole.masks(len(windows)))) > 1
    found.append(whole.sums(features, weights))
    for sums in found:
        np.testing.assert_allclose(sums.probabilities, p.sum(axis=0), rtol=1e-5, atol=1e-9)
        np.testing.assert_allclose(sums.squares, np.square(p).sum(axis=0), rtol=1e-5, atol=1e-9)
        np.testing.assert_allclose(sums.entropies, entropy(p).sum(axis=0), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            sums.thinned_totals, (p * weights[:, None]).sum(axis=1), rtol=1e-5, atol=1e-9
        )


def test_another_seed_gives_other_masks_and_more_samples_keep_the_first():
    dropouts = Dropout(256, 0.05), Dropout(128, 0.2)
    few = draw_masks(dropouts, seed=1, samples=range(3))
    more = draw_masks(dropouts, seed=1, samples=range(5))
    other = draw_masks(dropouts, seed=2, samples=range(3))
    for dropout, a, b, c in zip(dropouts, few, more, other, strict=True):
        np.testing.assert_array_equal(a, b[:3])
        assert not np.array_equal(a, c)
        assert set(np.unique(a)) == {0, np.float32(1 / (1 - dropout.rate))}
        assert b.mean() == pytest.approx(1, abs=0.1)


def test_a_network_that_cannot_be_sampled_is_refused():
    spectrum = keras.Input((96, 56, 1))
    flat = keras.layers.Flatten()(spectrum)
    no_dropout = keras.Model(spectrum, keras.layers.Dense(6)(flat))
    with pytest.raises(ModelError, match="no dropout"):
        KerasEngine(no_dropout)
    twice = keras.layers.Dropout(0.2)(keras.layers.Dropout(0.2)(flat))
    with pytest.raises(ModelError, match="no Dense layer right after its first dropout"):
        KerasEngine(keras.Model(spectrum, keras.layers.Dense(6)(twice)))
    late = keras.layers.LayerNormalization()(keras.layers.Dropout(0.2)(flat))
    with pytest.raises(ModelError, match="LayerNormalization"):
        KerasEngine(keras.Model(spectrum, keras.layers.Dense(6)(late)))
