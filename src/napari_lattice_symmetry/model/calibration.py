"""Making probabilities mean what they say: temperature scaling.

One number divides the logits of every thinned network (Guo et al., ICML 2017). It is chosen so
that the mean over thinned networks, which alone would be too timid, has the least log loss on
windows held out from training, and goes into the weights of the last layer for good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp

from napari_lattice_symmetry.model.dropout import ThinnedHeads, split_at_dropout
from napari_lattice_symmetry.model.engine import keras

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAMPLES = 50
_BLOCK = 500


def calibrate(
    network: keras.Model, spectra: NDArray[np.floating], classes: NDArray[np.integer]
) -> float:
    """Scale the last layer of a network so that its Monte-Carlo mean is calibrated.

    Parameters
    ----------
    network : keras.Model
        Its last layer is changed in place.
    spectra : ndarray, shape (n, rows, columns)
        Spectra that were held out from training.
    classes : ndarray, shape (n,)
        Their class indices 0 to 5.

    Returns
    -------
    float
        The temperature by which the logits were divided.
    """
    trunk, head = split_at_dropout(network)
    heads = ThinnedHeads(head, _SAMPLES, seed=0)
    sampled = []
    for start in range(0, len(spectra), _BLOCK):
        block = np.asarray(spectra[start : start + _BLOCK], dtype=np.float32)[..., np.newaxis]
        features = keras.ops.convert_to_tensor(trunk.predict_on_batch(block))
        sampled.append(np.concatenate(list(heads(features))))
    temperature = find_temperature(np.concatenate(sampled, axis=1), np.asarray(classes))
    last = head[-1]
    last.set_weights([weights / temperature for weights in last.get_weights()])
    return temperature


def find_temperature(probabilities: NDArray[np.floating], classes: NDArray[np.integer]) -> float:
    """Find the temperature with the least log loss of the mean over thinned networks.

    Parameters
    ----------
    probabilities : ndarray, shape (samples, n, 6)
        Of each thinned network, at a temperature of 1.
    classes : ndarray, shape (n,)
        True class indices.

    Returns
    -------
    float
        Below 1 if the mean is too timid, above if it is too bold.
    """
    logits = np.log(np.clip(probabilities.astype(np.float64), 1e-30, None))
    windows = np.arange(len(classes))

    def log_loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=-1)
        return float(-logsumexp(scaled[:, windows, classes], axis=0).mean())

    found = minimize_scalar(log_loss, bounds=(np.log(0.2), np.log(5)), method="bounded")
    return float(np.exp(found.x))
