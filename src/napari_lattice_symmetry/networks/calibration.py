"""Making probabilities mean what they say: vector scaling.

Every class has a factor and a shift for its logit (Guo et al., ICML 2017), the same in all
thinned networks. They are chosen so that the mean over thinned networks has the least log loss
on windows held out from training, and go into the weights of the last layer for good.
"""

from __future__ import annotations

from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp, softmax

from napari_lattice_symmetry.networks.engines.keras_engine import (
    compiled,
    split_at_dropout,
    thinned,
    thinned_heads,
)
from napari_lattice_symmetry.networks.keras_loading import keras

Float: TypeAlias = NDArray[np.float64]

_SAMPLES = 50
_BLOCK = 500

# What it costs if classes differ in their factors, or are shifted. Without it a class that is
# hardly ever mistaken, such as noise, could have any factor.
_RIDGE = 0.003
# Greatest shift, and logarithm of a factor.
_LIMIT = 2.0

_SHARPNESS = np.arange(0.5, 2.01, 0.05)


def calibrate(
    network: keras.Model, spectra: NDArray[np.floating], classes: NDArray[np.integer]
) -> tuple[Float, Float]:
    """Scale the last layer of a network so that its Monte-Carlo mean is calibrated.

    Parameters
    ----------
    network : keras.Model
        Its last layer is changed in place.
    spectra : ndarray, shape (n, ...)
        What the network takes, spectra for example, that was held out from training.
    classes : ndarray, shape (n,)
        Their class indices.

    Returns
    -------
    factors, shifts : ndarray, shape (classes,)
        What the logits of the classes were multiplied with, and what was added then.
    """
    logits = thinned_logits(network, spectra, _SAMPLES)
    factors, shifts = find_scaling(logits, np.asarray(classes))
    last = network.layers[-1]
    kernel, bias = last.get_weights()
    last.set_weights([kernel * factors, bias * factors + shifts])
    return factors, shifts


def sharpen(
    network: keras.Model, inputs: NDArray[np.floating], classes: NDArray[np.integer]
) -> float:
    """Multiply the logits of a network by the one factor with the least calibration error.

    The least log loss answers for the few that are sure and wrong, and leaves many others too
    timid.

    Parameters
    ----------
    network : keras.Model
        Its last layer is changed in place.
    inputs : ndarray, shape (n, ...)
        What the network takes, held out from training and from `calibrate`.
    classes : ndarray, shape (n,)
        Their class indices.

    Returns
    -------
    float
        The factor: above 1, answers become bolder.
    """
    factor = find_sharpness(thinned_logits(network, inputs, _SAMPLES), np.asarray(classes))
    last = network.layers[-1]
    last.set_weights([factor * each for each in last.get_weights()])
    return factor


def thinned_logits(
    network: keras.Model, spectra: NDArray[np.floating], samples: int
) -> NDArray[np.float32]:
    """Run thinned networks up to their softmax.

    Parameters
    ----------
    network : keras.Model
        A network whose last layer is a softmax.
    spectra : ndarray, shape (n, ...)
        What it sees of windows.
    samples : int
        Number of thinned networks.

    Returns
    -------
    ndarray, shape (samples, n, classes), float32
        Logits of each thinned network.
    """
    trunk, head = split_at_dropout(network)
    last = head[-1]
    softmax, last.activation = last.activation, keras.activations.linear
    heads, run = thinned_heads(head, samples, seed=0), compiled(partial(thinned, head))
    logits = []
    for start in range(0, len(spectra), _BLOCK):
        block = np.asarray(spectra[start : start + _BLOCK], dtype=np.float32)
        block = block.reshape(len(block), *network.input_shape[1:])
        features = keras.ops.convert_to_tensor(trunk.predict_on_batch(block))
        parts = [run(features, *masks) for masks in heads.masks(len(features))]
        logits.append(np.concatenate([keras.ops.convert_to_numpy(part) for part in parts]))
    last.activation = softmax
    return np.concatenate(logits, axis=1)


def find_scaling(logits: NDArray[np.floating], classes: NDArray[np.integer]) -> tuple[Float, Float]:
    """Find the scaling with the least log loss of the mean over thinned networks.

    Parameters
    ----------
    logits : ndarray, shape (samples, n, classes)
        Of each thinned network.
    classes : ndarray, shape (n,)
        True class indices.

    Returns
    -------
    factors, shifts : ndarray, shape (classes,)
        Factors below 1 make bolder answers more timid.
    """
    n_classes = logits.shape[-1]
    logits = logits.astype(np.float64)
    windows = np.arange(len(classes))

    def cost(parameters: Float) -> float:
        scales, shifts = parameters[:n_classes], parameters[n_classes:]
        scaled = log_softmax(logits * np.exp(scales) + shifts, axis=-1)
        log_mean = logsumexp(scaled[:, windows, classes], axis=0) - np.log(len(logits))
        differences = np.square(scales - scales.mean()).sum() + np.square(shifts).sum()
        return float(_RIDGE * differences - log_mean.mean())

    limits = [(-_LIMIT, _LIMIT)] * (2 * n_classes)
    found = minimize(cost, np.zeros(2 * n_classes), method="L-BFGS-B", bounds=limits).x
    return np.exp(found[:n_classes]), found[n_classes:]


def find_sharpness(logits: NDArray[np.floating], classes: NDArray[np.integer]) -> float:
    """Find the factor of all logits (samples, n, classes) with the least calibration error."""
    errors = []
    for factor in _SHARPNESS:
        mean = softmax(factor * logits, axis=-1).mean(axis=0)
        errors.append(calibration_error(mean.max(axis=1), mean.argmax(axis=1) == classes))
    return float(_SHARPNESS[np.argmin(errors)])


def calibration_error(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = 15
) -> float:
    """Return the expected calibration error over bins of equal width (Guo et al., ICML 2017).

    Parameters
    ----------
    confidence : ndarray, shape (n,)
        Probability of each answer, 0 to 1.
    right : ndarray of bool, shape (n,)
        Which answers are right.
    bins : int
        How many there are.
    """
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.bincount(place, confidence - right, bins)
    return float(np.abs(gap).sum() / len(confidence))
