"""Layers of our own, for log-polar images. Nothing here runs before Keras is needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_lattice_symmetry.networks.keras_loading import keras, layers


@keras.saving.register_keras_serializable(package="lattice_symmetry")
class AnglePadding(layers.Layer):  # type: ignore[misc]
    """Pad a log-polar image: around the circle along the angle, with zeros along the radius.

    Parameters
    ----------
    width : int
        Number of angles and radii added on each side.
    """

    def __init__(self, width: int, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.width = width

    def call(self, spectra: Any) -> Any:
        """Pad spectra (n, angles, radii, channels)."""
        w = self.width
        wrapped = keras.ops.concatenate([spectra[:, -w:], spectra, spectra[:, :w]], axis=1)
        return keras.ops.pad(wrapped, [[0, 0], [0, 0], [w, w], [0, 0]])

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Add the padding to the shape of the input."""
        n, angles, radii, channels = shape
        wider = 2 * self.width
        return (
            n,
            None if angles is None else angles + wider,
            None if radii is None else radii + wider,
            channels,
        )

    def get_config(self) -> dict[str, Any]:
        """Describe the layer for saving."""
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable(package="lattice_symmetry")
class TurnedDense(layers.Layer):  # type: ignore[misc]
    """Apply one dense layer with ReLU to a log-polar image in all its turns, and average.

    The answer does not change when the image is shifted along the angle, so nothing has to be
    learned once for every orientation. All turns together are a circular correlation, which in
    Fourier space along the angle is one product for each frequency and costs little more than
    a single turn.

    Parameters
    ----------
    units : int
        Number of outputs.
    """

    def __init__(self, units: int, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.units = units

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights, those of a dense layer on the flattened image, and the waves."""
        _, n_angles, radii, channels = shape
        self.width = radii * channels
        self.kernel = self.add_weight(shape=(n_angles * self.width, self.units), name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
        frequencies = np.arange(n_angles // 2 + 1)
        phases = 2 * np.pi * np.outer(frequencies, np.arange(n_angles)) / n_angles
        self.waves = np.stack([np.cos(phases), -np.sin(phases)]).astype(np.float32)
        # All but the lowest and the highest frequency stand for their negative ones, too.
        counts = np.where(2 * frequencies % n_angles == 0, 1, 2)[:, np.newaxis]
        self.waves_back = (counts * self.waves / n_angles).astype(np.float32)

    def call(self, images: Any) -> Any:
        """Return the mean over all turns (n, units) of images (n, angles, radii, channels)."""
        ops, n_angles = keras.ops, self.waves.shape[-1]
        images = ops.transpose(ops.reshape(images, (-1, n_angles, self.width)), (1, 0, 2))
        kernel = ops.reshape(self.kernel, (n_angles, self.width, self.units))
        images = ops.tensordot(self.waves, images, axes=1)  # 2, frequencies, n, width
        kernel = ops.tensordot(self.waves, kernel, axes=1)
        real = ops.matmul(images[0], kernel[0]) + ops.matmul(images[1], kernel[1])
        imaginary = ops.matmul(images[1], kernel[0]) - ops.matmul(images[0], kernel[1])
        correlation = ops.stack([real, imaginary])
        turned = ops.tensordot(self.waves_back, correlation, axes=((0, 1), (0, 1)))
        return ops.mean(ops.relu(turned + self.bias), axis=0)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Keep the images, and give the units."""
        return (shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        """Describe the layer for saving."""
        return {**super().get_config(), "units": self.units}
