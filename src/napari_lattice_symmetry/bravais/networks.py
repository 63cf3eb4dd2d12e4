"""The networks. Nothing here runs before Keras is needed."""

from __future__ import annotations

from typing import Any

from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.networks.keras_loading import keras, layers
from napari_lattice_symmetry.networks.layers import AnglePadding, TurnedDense
from napari_lattice_symmetry.spectrum import cartesian, polar


def polar_network(dropout: float = 0.2) -> keras.Model:
    """Build the default network, for log-polar spectra.

    Both dropouts, which turn off the share `dropout` of the units, sit in the dense head, so
    that a Monte-Carlo sample costs next to nothing: all that stands before them is computed once
    a window. A turn of the lattice by 15 degrees does not change the answer.
    """
    return keras.Sequential(
        [
            keras.Input((polar.N_ANGLES, polar.N_RADII, 1), name="spectrum"),
            AnglePadding(2),
            layers.Conv2D(16, 5, activation="relu"),
            AnglePadding(2),
            layers.Conv2D(32, 5, strides=2, activation="relu"),
            AnglePadding(2),
            layers.Conv2D(64, 5, strides=2, activation="relu"),
            layers.AveragePooling2D(2),
            *_head(dropout),
        ],
        name="polar",
    )


def compact_network(dropout: float = 0.2) -> keras.Model:
    """Build a network that costs two fifths of `polar_network`, with its head.

    Its first convolution halves the resolution: 16 filters for 4 pixels lose nothing of a spectrum,
    and no map has to be kept at full size. 15 million multiply-adds a window instead of 39.
    """
    return keras.Sequential(
        [
            keras.Input((polar.N_ANGLES, polar.N_RADII, 1), name="spectrum"),
            AnglePadding(2),
            layers.Conv2D(16, 5, strides=2, activation="relu"),
            AnglePadding(1),
            layers.Conv2D(32, 3, activation="relu"),
            AnglePadding(1),
            layers.Conv2D(64, 3, strides=2, activation="relu"),
            layers.AveragePooling2D(2),
            *_head(dropout),
        ],
        name="compact",
    )


def _head(dropout: float) -> list[Any]:
    return [
        TurnedDense(256),
        layers.Dropout(dropout),
        layers.Dense(128, activation="relu", name="features"),
        layers.Dropout(dropout),
        layers.Dense(len(CLASSES), activation="softmax", dtype="float32", name="classes"),
    ]


def published_network(dropout: float = 0.2) -> keras.Model:
    """Build the network of Vasudevan et al., npj Comput. Mater. 4, 30 (2018).

    Three convolutions, one average pooling that halves the resolution, a dense layer of 128,
    20 % dropout, weight decay (L2), softmax of six. The paper gives neither the number of
    filters nor the size of the input; 16 filters of 3 x 3 on 64 x 64 pixels are ours.
    """
    decay = keras.regularizers.L2(1e-4)
    return keras.Sequential(
        [
            keras.Input((cartesian.SIDE, cartesian.SIDE, 1), name="spectrum"),
            *(
                layers.Conv2D(16, 3, padding="same", activation="relu", kernel_regularizer=decay)
                for _ in range(3)
            ),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dropout(dropout),
            layers.Dense(128, activation="relu", kernel_regularizer=decay, name="features"),
            layers.Dropout(dropout),
            layers.Dense(len(CLASSES), activation="softmax", name="classes"),
        ],
        name="published",
    )
