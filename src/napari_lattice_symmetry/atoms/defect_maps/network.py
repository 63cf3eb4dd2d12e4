"""The network whose last maps add up to labels. Nothing here runs before Keras is needed."""

from __future__ import annotations

from typing import Literal, TypeAlias

from napari_lattice_symmetry.atoms.defect_maps.examples import CLASSES, CROP
from napari_lattice_symmetry.atoms.finding.scaling import CHANNELS
from napari_lattice_symmetry.networks.keras_loading import keras, layers

Head: TypeAlias = Literal["average", "maximum", "dense"]

_HIDDEN = 64


def defect_network(filters: int = 16, head: Head = "average") -> keras.Model:
    """Build the network of B. Zhou et al., CVPR 2016: convolutions, global average, softmax.

    Nothing but the mean of the last maps decides, so that the weights of the softmax make a map of
    each class of them. A pixel of these sees 2.4 neighbors far: wherever in that reach it tells of
    a defect, the mean is the same, so that a map is as vague as that.

    Parameters
    ----------
    filters : int
        Channels at full resolution; two and four times as many where it is halved.
    head : {"average", "maximum", "dense"}
        What comes after the last maps: their means, their maxima, or a dense layer on all of them,
        which takes crops of one size alone.

    Returns
    -------
    keras.Model
        From what is seen (n, Y, X, 2) to logits (n, classes).
    """

    def convolve(n: int, dilation: int = 1) -> keras.Layer:
        return layers.Conv2D(
            n,
            3,
            padding="same",
            dilation_rate=dilation,
            activation="relu",
            kernel_initializer="he_normal",
        )

    heads = {
        "average": [layers.GlobalAveragePooling2D()],
        "maximum": [layers.GlobalMaxPooling2D()],
        "dense": [layers.Flatten(), layers.Dense(_HIDDEN, activation="relu")],
    }
    side = CROP if head == "dense" else None
    return keras.Sequential(
        [
            keras.Input((side, side, CHANNELS), name="seen"),
            convolve(filters),
            layers.MaxPooling2D(2),
            convolve(2 * filters),
            convolve(2 * filters),
            layers.MaxPooling2D(2),
            convolve(4 * filters),
            convolve(4 * filters, dilation=2),
            *heads[head],
            layers.Dense(len(CLASSES), name="classes"),
        ],
        name="defects",
    )
