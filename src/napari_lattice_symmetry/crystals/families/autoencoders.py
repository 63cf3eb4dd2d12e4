"""Autoencoders for fingerprints. Nothing here runs before Keras is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.networks.keras_loading import keras, layers

Float = NDArray[np.float64]
Trained = tuple[Float, Callable[[NDArray[Any]], Float], None, dict[str, list[float]]]
"""Reduced training inputs, what reduces others, no variances, and losses."""

EPOCHS, CONVOLUTIONAL_EPOCHS, BATCH = 10, 20, 32
_SHARE = 0.95  # to train on, the others to validate


def train_dense(inputs: NDArray[Any], seed: int = 0, epochs: int = EPOCHS) -> Trained:
    """Train 128, 64, 2, 64 and 128 rectified units and a hyperbolic tangent, 10 epochs of Adam.

    Parameters
    ----------
    inputs : ndarray, shape (n, ...)
        From 0 to 1.
    seed : int
        Draws the weights, and which structures validate.
    epochs : int
        Passes over the inputs.
    """
    size = int(np.prod(inputs.shape[1:]))
    keras.utils.set_random_seed(seed)
    encoder = [keras.Input((size,)), *(layers.Dense(n, activation="relu") for n in (128, 64, 2))]
    decoder = [
        *(layers.Dense(n, activation="relu") for n in (64, 128)),
        layers.Dense(size, activation="tanh"),
    ]
    return _train(encoder, decoder, inputs.reshape(len(inputs), -1), seed, epochs)


def train_convolutional(
    inputs: NDArray[Any], seed: int = 0, epochs: int = CONVOLUTIONAL_EPOCHS
) -> Trained:
    """Train three convolutions of stride 2, 16 numbers, and their mirror image.

    They see square roots, as few pixels of a fingerprint are bright: of the intensities themselves
    an image of nothing at all has so small an error that nothing else is learned.

    Parameters
    ----------
    inputs : ndarray, shape (n, rows, columns, channels)
        From 0 to 1; rows and columns are multiples of 8.
    seed : int
        Draws the weights, and which structures validate.
    epochs : int
        Passes over the inputs.
    """
    rows, columns, channels = inputs.shape[1:]
    small = (rows // 8, columns // 8, 32)
    keras.utils.set_random_seed(seed)
    encoder = [
        keras.Input((rows, columns, channels)),
        *(_convolution(layers.Conv2D, n) for n in (16, 32, 32)),
        layers.Flatten(),
        layers.Dense(16),
    ]
    decoder = [
        layers.Dense(int(np.prod(small)), activation="relu"),
        layers.Reshape(small),
        *(_convolution(layers.Conv2DTranspose, n) for n in (32, 16)),
        layers.Conv2DTranspose(channels, 5, strides=2, padding="same"),
    ]
    training, transform, _, losses = _train(encoder, decoder, np.sqrt(inputs), seed, epochs)
    return training, lambda others: transform(np.sqrt(others)), None, losses


def _convolution(kind: Any, filters: int) -> Any:
    return kind(
        filters, 5, strides=2, padding="same", activation="relu", kernel_initializer="he_normal"
    )


def _train(
    encoding: list[Any], decoding: list[Any], inputs: NDArray[Any], seed: int, epochs: int
) -> Trained:
    encoder = keras.Sequential(encoding)
    whole = keras.Sequential([encoder, *decoding])
    whole.compile(optimizer="adam", loss="mse")
    order = np.random.default_rng(seed).permutation(len(inputs))
    first, last = np.split(inputs[order].astype(np.float32), [round(_SHARE * len(inputs))])
    fitted = whole.fit(
        first, first, batch_size=BATCH, epochs=epochs, validation_data=(last, last), verbose=0
    )
    losses = {
        "training": [float(each) for each in fitted.history["loss"]],
        "validation": [float(each) for each in fitted.history["val_loss"]],
    }

    def transform(others: NDArray[Any]) -> Float:
        shaped = others.reshape(len(others), *inputs.shape[1:]).astype(np.float32)
        return np.asarray(encoder.predict(shaped, verbose=0), np.float64)

    return transform(inputs), transform, None, losses
