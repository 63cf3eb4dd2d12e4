"""Where in an image the evidence for a class lies, of the last maps of a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


def class_activation(maps: Float32, kernel: Float32) -> Float32:
    """Return the class activation maps of a network that ends in a global average.

    Parameters
    ----------
    maps : ndarray, shape (Y, X, k)
        The last maps f_k.
    kernel : ndarray, shape (k, classes)
        Weights w of the dense layer behind their averages.

    Returns
    -------
    ndarray, shape (Y, X, classes)
        M_c(y, x) = sum over k of w_kc f_k(y, x), whose average, and a constant, is the logit of the
        class c. Source: B. Zhou et al., CVPR 2016.
    """
    return np.asarray(maps @ kernel, np.float32)


def grad_cam(
    maps: Float32,
    hidden: Sequence[Float32],
    last: Sequence[Float32],
    chosen: int | None = None,
    empty: Float32 | None = None,
) -> Float32:
    """Return Grad-CAM of a network that ends in two dense layers.

    Parameters
    ----------
    maps : ndarray, shape (Y, X, k)
        What enters the dense layers, flattened.
    hidden, last : (kernel, bias)
        Weights of the dense layer with ReLU, and of that which gives logits.
    chosen : int, optional
        Number of the class; the one with the highest logit if not given.
    empty : ndarray, shape (Y, X, k), optional
        The maps of an image in which nothing is; they are no evidence, and taken off.

    Returns
    -------
    ndarray, shape (Y, X)
        Sum of the maps, each weighed by the mean slope of the logit by its values, from 0 on.
        Source: R. R. Selvaraju et al., ICCV 2017.
    """
    (kernel, bias), (weights, shift) = hidden, last
    active = maps.reshape(-1) @ kernel + bias
    if chosen is None:
        chosen = int((np.maximum(active, 0) @ weights + shift).argmax())
    slopes = (kernel @ (weights[:, chosen] * (active > 0))).reshape(maps.shape)
    signal = maps if empty is None else maps - empty
    return np.asarray(np.maximum((signal * slopes.mean(axis=(0, 1))).sum(axis=-1), 0), np.float32)
