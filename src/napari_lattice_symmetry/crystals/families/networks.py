"""The networks that name a family. Nothing here runs before Keras is needed."""

from __future__ import annotations

from napari_lattice_symmetry.crystals.families.pairs import SIZE as PAIRS
from napari_lattice_symmetry.crystals.families.prototypes import ANSWERS
from napari_lattice_symmetry.crystals.fingerprint import SIZE
from napari_lattice_symmetry.networks.keras_loading import keras, layers


def fingerprint_network(dropout: float = 0.25) -> keras.Model:
    """Build the network of Ziletti et al., Nat. Commun. 9, 2775 (2018), for fingerprints.

    Six convolutions of 7 x 7 in three pairs with 32, 16 and 8 filters, a maximum pooling after
    the first and the second pair, a dense layer of 128 after a dropout of 25 %, a batch
    normalization, and a softmax of the seven families and none of them.
    """
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3), name="fingerprint"),
            _convolution(32),
            _convolution(32),
            layers.MaxPooling2D(2),
            _convolution(16),
            _convolution(16),
            layers.MaxPooling2D(2),
            _convolution(8),
            _convolution(8),
            layers.Flatten(),
            layers.Dropout(dropout),
            layers.Dense(128, activation="relu", name="features"),
            layers.BatchNormalization(name="normalization"),
            layers.Dense(len(ANSWERS), activation="softmax", dtype="float32", name="families"),
        ],
        name="fingerprint",
    )


def pairs_network(dropout: float = 0.2) -> keras.Model:
    """Build the network for descriptors of clusters in any orientation: three dense layers."""
    return keras.Sequential(
        [
            keras.Input((PAIRS,), name="pairs"),
            layers.Dense(256, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(128, activation="relu", name="features"),
            layers.Dropout(dropout),
            layers.Dense(len(ANSWERS), activation="softmax", dtype="float32", name="families"),
        ],
        name="pairs",
    )


def _convolution(filters: int) -> keras.Layer:
    return layers.Conv2D(
        filters, 7, padding="same", activation="relu", kernel_initializer="orthogonal"
    )


def without_normalization(network: keras.Model) -> keras.Model:
    """Return the same network with its normalization in the weights of the layer after it.

    So a thinned network is dropout and dense layers alone, which engines sample at once. One
    without a normalization is copied.
    """
    kept, weights = [], []
    scale = shift = None
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            scale = gamma / (variance + layer.epsilon) ** 0.5
            shift = beta - mean * scale
            continue
        kept.append(type(layer).from_config(layer.get_config()))
        own = layer.get_weights()
        if scale is not None and own:
            kernel, bias = own
            own, scale = [kernel * scale[:, None], bias + shift @ kernel], None
        weights.extend(own)
    folded = keras.Sequential([network.inputs[0], *kept][1:], name=network.name)
    folded.build(network.input_shape)
    folded.set_weights(weights)
    return folded
