"""Layers of our own, for log-polar images. Nothing here runs before Keras is needed."""

from __future__ import annotations

from typing import Any

from napari_lattice_symmetry.networks.engines.onnx_graph import turn_products
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
    learned once for every orientation. All turns together cost little more than a single one, see
    `turn_products`.

    Parameters
    ----------
    units : int
        Number of outputs.
    """

    def __init__(self, units: int, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.units = units

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights, those of a dense layer on the flattened image."""
        _, n_angles, radii, channels = shape
        self.width = radii * channels
        self.kernel = self.add_weight(shape=(n_angles * self.width, self.units), name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
        self.products = turn_products(n_angles)

    def call(self, images: Any) -> Any:
        """Return the mean over all turns (n, units) of images (n, angles, radii, channels)."""
        ops, (of_image, of_kernel, of_turns) = keras.ops, self.products
        n_angles = len(of_turns)
        images = ops.transpose(ops.reshape(images, (-1, n_angles, self.width)), (1, 0, 2))
        kernel = ops.reshape(self.kernel, (n_angles, self.width, self.units))
        products = ops.matmul(
            ops.tensordot(of_image, images, axes=1), ops.tensordot(of_kernel, kernel, axes=1)
        )
        turned = ops.tensordot(of_turns, products, axes=1)
        return ops.mean(ops.relu(turned + self.bias), axis=0)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Keep the images, and give the units."""
        return (shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        """Describe the layer for saving."""
        return {**super().get_config(), "units": self.units}
