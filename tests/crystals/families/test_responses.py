"""What the network looks at: back-projection against TensorFlow's gradients, and Grad-CAM."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.crystals import (
    FAMILIES,
    attentive_response,
    fingerprint,
    grad_cam,
    prototype,
)
from napari_lattice_symmetry.crystals.families import responses
from napari_lattice_symmetry.crystals.families.classifier import load_families
from napari_lattice_symmetry.crystals.fingerprint import OUTER, SIZE
from napari_lattice_symmetry.errors import InputError

COPPER = fingerprint(prototype("Cu"))


def test_the_way_forward_is_that_of_the_network():
    engine = load_families().engine
    maps = responses._forward(COPPER, "fingerprint")[-1].left
    features = engine.trunk(COPPER[np.newaxis])[0]
    np.testing.assert_allclose(maps.ravel(), features, atol=1e-4)


@pytest.mark.parametrize("layer", [1, 3, 6])
def test_a_response_is_an_image_of_the_fingerprint(layer):
    response = attentive_response(COPPER, layer)
    assert response.shape == COPPER.shape
    assert response.min() >= 0
    assert response.max() > 0


def test_nothing_responds_to_nothing():
    empty = np.zeros_like(COPPER)
    assert not attentive_response(empty, 6).any()


def test_more_filters_respond_to_more():
    one, all_of_them = (
        attentive_response(COPPER, 1, strongest=count).astype(np.float64) for count in (1, 32)
    )
    assert np.abs(all_of_them - one).max() > 1e-3 * all_of_them.max()


def test_a_convolution_back_is_the_transpose_of_the_one_forward():
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(7, 7, 3, 5)).astype(np.float32)
    image = rng.normal(size=(12, 12, 3)).astype(np.float32)
    signal = rng.uniform(size=(12, 12, 5)).astype(np.float32)
    layer = responses.Layer("Conv2D", {}, (kernel, np.zeros(5, np.float32)))
    back = responses._back(signal, responses._Pass(layer, image, signal))
    forward = responses._convolve(image, kernel)
    assert (forward * signal).sum() == pytest.approx((image * back).sum(), rel=1e-3)


def test_grad_cam_is_the_evidence_for_one_family():
    family = FAMILIES.index("fcc")
    own, other = grad_cam(COPPER), grad_cam(COPPER, FAMILIES.index("diamond"))
    np.testing.assert_array_equal(own, grad_cam(COPPER, family))
    assert own.shape == (64, 64)
    assert own.min() >= 0
    assert own.max() > 0
    assert (own != other).any()


def test_an_empty_fingerprint_is_no_evidence_and_corners_are_less_of_it():
    """Corners outside the ring are 0 in every fingerprint; a place of the map sees beyond them."""
    assert not grad_cam(np.zeros_like(COPPER)).any()
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    outside = np.hypot(x, y) > OUTER + 8
    seen = [grad_cam(fingerprint(prototype(name))) for name in ("Cu", "Fe", "Si", "Ti")]
    assert np.mean([each[outside].mean() / each.mean() for each in seen]) < 0.95


@pytest.mark.slow
def test_grad_cam_has_the_slopes_of_tensorflow():
    network = load_families().engine.network  # which loads TensorFlow apart from other libraries
    import tensorflow as tf

    maps = responses._forward(COPPER, "fingerprint")[-1].left
    last = next(i for i, layer in enumerate(network.layers) if layer.name.startswith("flatten"))
    signal = tf.convert_to_tensor(maps[np.newaxis])
    with tf.GradientTape() as tape:
        tape.watch(signal)
        x = signal
        for layer in network.layers[last:-1]:
            x = layer(x, training=False)
        logits = tf.matmul(x, network.layers[-1].kernel) + network.layers[-1].bias
        chosen = logits[:, FAMILIES.index("fcc")]
    weights = tape.gradient(chosen, signal).numpy()[0].mean(axis=(0, 1))
    signal = maps - responses._empty("fingerprint")[-1]
    expected = np.maximum((signal * weights).sum(axis=-1), 0)
    own = grad_cam(COPPER, FAMILIES.index("fcc"))
    assert own.max() == pytest.approx(expected.max(), rel=0.2)  # it is enlarged
    blocks = own.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    assert np.corrcoef(blocks.ravel(), expected.ravel())[0, 1] > 0.9


def test_what_is_no_fingerprint_is_refused():
    with pytest.raises(InputError, match="no fingerprint"):
        attentive_response(np.zeros((32, 32, 3), np.float32))
    with pytest.raises(InputError, match="choose 1 to 6"):
        attentive_response(COPPER, 7)
