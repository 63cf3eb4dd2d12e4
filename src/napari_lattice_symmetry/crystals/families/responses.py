"""What the fingerprint network looks at: attentive response maps, and Grad-CAM.

They are not the same. A response map takes the strongest filters of a layer back to the input
through transposed convolutions (M. D. Zeiler and R. Fergus, ECCV 2014; D. Kumar et al.,
arXiv:1611.06284), and shows what these filters respond to, whatever the answer. Grad-CAM (R. R.
Selvaraju et al., ICCV 2017) weighs the maps of a layer by how much they raise one family, and shows
where the evidence for it lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from napari_lattice_symmetry.crystals.families.classifier import REGISTRY
from napari_lattice_symmetry.errors import InputError, ModelError
from napari_lattice_symmetry.networks import activation_maps
from napari_lattice_symmetry.networks.archive import Layer, read_layers

Float32 = NDArray[np.float32]

STRONGEST = 4
"""Filters of a layer whose responses add up."""


@dataclass(frozen=True, eq=False)
class _Pass:
    """What entered a layer on the way forward, and what left it."""

    layer: Layer
    entered: Float32
    left: Float32


def attentive_response(
    fingerprint: Float32, layer: int = 6, strongest: int = STRONGEST, network: str = "fingerprint"
) -> Float32:
    """Return what the strongest filters of a convolution respond to.

    What each filter answers beyond its answer to an empty fingerprint is taken back through
    rectifiers, the places of the maxima that were pooled, and transposed convolutions. The
    strongest filters are those with the greatest sum of it.

    Parameters
    ----------
    fingerprint : ndarray, shape (64, 64, 3)
        As `fingerprint` gives it.
    layer : int
        Which convolution, from 1 to 6.
    strongest : int
        How many filters.
    network : str
        A network on fingerprints, by name or path.

    Returns
    -------
    ndarray, shape (64, 64, 3), float32
        Not negative; the scale is that of activations.

    Raises
    ------
    InputError
        If there is no such layer, or the input is no fingerprint.
    """
    passes = _forward(fingerprint, network)
    convolutions = [i for i, each in enumerate(passes) if each.layer.kind == "Conv2D"]
    if not 1 <= layer <= len(convolutions):
        raise InputError(f"There is no convolution {layer}; choose 1 to {len(convolutions)}.")
    last = convolutions[layer - 1]
    signal = np.maximum(passes[last].left - _empty(network)[last], 0)
    chosen = np.argsort(-signal.sum(axis=(0, 1)), kind="stable")[:strongest]
    signal = np.where(np.isin(np.arange(signal.shape[-1]), chosen), signal, 0)
    for each in reversed(passes[: last + 1]):
        signal = _unpool(signal, each) if each.layer.kind == "MaxPooling2D" else _back(signal, each)
    return np.asarray(np.maximum(signal, 0), np.float32)


def grad_cam(
    fingerprint: Float32, family: int | None = None, network: str = "fingerprint"
) -> Float32:
    """Return where the evidence for a family lies, from the last convolution.

    What its maps have beyond those of an empty fingerprint, in which biases alone answer, is
    weighed by the mean slope of the logit of the family, without dropout, added, and rectified.

    Parameters
    ----------
    fingerprint : ndarray, shape (64, 64, 3)
        As `fingerprint` gives it.
    family : int, optional
        Index of `ANSWERS`; the most probable one if not given.
    network : str
        A network on fingerprints, by name or path.

    Returns
    -------
    ndarray, shape (64, 64), float32
        From 0, in units of the logit; brought from 16 x 16 to the size of the input.

    Raises
    ------
    InputError
        If the input is no fingerprint.
    """
    maps = _forward(fingerprint, network)[-1].left
    hidden, last = [each.weights for each in _layers(network) if each.kind == "Dense"][-2:]
    seen = activation_maps.grad_cam(maps, hidden, last, family, _empty(network)[-1])
    factors = np.array(fingerprint.shape[:2]) / seen.shape
    larger = zoom(seen, factors, order=1, mode="nearest", grid_mode=True)
    return np.asarray(larger, np.float32)


@cache
def _layers(network: str) -> tuple[Layer, ...]:
    return tuple(read_layers(REGISTRY.find(network).read()))


@cache
def _empty(network: str) -> tuple[Float32, ...]:
    """Return what leaves each layer where there is nothing to see."""
    shape = _layers(network)[0].settings["batch_shape"][1:]
    return tuple(each.left for each in _forward(np.zeros(shape, np.float32), network))


def _forward(fingerprint: Float32, network: str) -> list[_Pass]:
    """Run the convolutions and poolings on one fingerprint."""
    first, *layers = _layers(network)
    shape = tuple(first.settings["batch_shape"][1:])
    if np.shape(fingerprint) != shape:
        raise InputError(
            f"An array of shape {np.shape(fingerprint)} is no fingerprint; it must have {shape}."
        )
    signal = np.asarray(fingerprint, np.float32)
    passes = []
    for layer in layers:
        if layer.kind == "Flatten":
            break
        if layer.kind == "Conv2D":
            kernel, bias = layer.weights
            left = np.maximum(_convolve(signal, kernel) + bias, 0)
        elif layer.kind == "MaxPooling2D":
            left = _blocks(signal).max(axis=(1, 3))
        else:
            raise ModelError(f"A {layer.kind} layer has no way back to the fingerprint.")
        passes.append(_Pass(layer, signal, left))
        signal = left
    return passes


def _convolve(image: Float32, kernel: Float32) -> Float32:
    """Correlate (rows, columns, channels) with a kernel (k, k, channels, filters), same size."""
    size = len(kernel)
    padded = np.pad(image, ((size // 2,) * 2, (size // 2,) * 2, (0, 0)))
    windows: Any = np.lib.stride_tricks.sliding_window_view
    patches = windows(padded, (size, size), axis=(0, 1))
    return np.asarray(np.tensordot(patches, kernel, ((3, 4, 2), (0, 1, 2))))


def _back(signal: Float32, forward: _Pass) -> Float32:
    """Rectify a signal, and take it through the transpose of a convolution."""
    kernel = forward.layer.weights[0]
    return _convolve(np.maximum(signal, 0), kernel[::-1, ::-1].transpose(0, 1, 3, 2))


def _unpool(signal: Float32, forward: _Pass) -> Float32:
    """Put a signal where the maxima were."""
    blocks = _blocks(forward.entered)
    there = blocks == forward.left[:, np.newaxis, :, np.newaxis]
    there = there / there.sum(axis=(1, 3), keepdims=True)  # equal ones share it
    return np.asarray((there * signal[:, np.newaxis, :, np.newaxis]).reshape(forward.entered.shape))


def _blocks(image: Float32) -> Float32:
    """Show an image (2 r, 2 c, channels) as (r, 2, c, 2, channels)."""
    rows, columns, channels = image.shape
    return image.reshape(rows // 2, 2, columns // 2, 2, channels)
