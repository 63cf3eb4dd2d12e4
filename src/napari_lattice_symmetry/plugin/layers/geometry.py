"""Where layers lie in the world: read from a source layer, carried over to its maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.data.movie import NANOMETER, PIXEL, Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.results.result import Maps
from napari_lattice_symmetry.structure.unmixing import Unmixing

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Layer

SECOND = "s"


@dataclass(frozen=True)
class LayerGeometry:
    """Scale, position, units and names of a layer's axes, of which y and x are the last.

    Parameters
    ----------
    scale, translate : tuple of float
        As napari has them: the step along each axis, and where the first element's center is.
    units : tuple
        Unit of each axis, a name or a ``pint.Unit``.
    axis_labels : tuple of str
        Name of each axis.
    channel_axis : int, optional
        The one axis beside time, y and x. Maps have a single element along it, as long as
        all its channels together, so that they are seen at every channel.
    single_axes : tuple of int
        What other axes there are, each of length one.
    affine : tuple, optional
        What happens to (y, x, 1) after scale and translate: the rows of a 3 x 3 matrix, such as
        undo a distortion; maps share it.
    """

    scale: tuple[float, ...]
    translate: tuple[float, ...]
    units: tuple[Any, ...]
    axis_labels: tuple[str, ...]
    channel_axis: int | None = None
    affine: tuple[tuple[float, ...], ...] | None = None
    single_axes: tuple[int, ...] = ()

    @classmethod
    def of_layer(
        cls, layer: Layer, channel_axis: int | None = None, single_axes: tuple[int, ...] = ()
    ) -> LayerGeometry:
        """Read the geometry of a layer; a single image gets a time axis in front.

        Raises
        ------
        InputError
            If the layer is rotated, sheared or has an affine transform of other axes than y
            and x.
        """
        affine = plane_affine(layer)
        if not (np.allclose(layer.rotate, np.eye(layer.ndim)) and np.allclose(layer.shear, 0)):
            raise _not_upright(layer)
        scale, translate = layer.scale.tolist(), layer.translate.tolist()
        units, labels = list(layer.units), list(layer.axis_labels)
        if layer.ndim == 2:
            scale, translate = [1.0, *scale], [0.0, *translate]
            units, labels = [PIXEL, *units], ["t", *labels]
        if channel_axis is not None:
            n_channels = layer.data.shape[channel_axis]
            translate[channel_axis] += scale[channel_axis] * (n_channels - 1) / 2
            scale[channel_axis] *= n_channels
        geometry = cls(
            tuple(scale),
            tuple(translate),
            tuple(units),
            tuple(labels),
            channel_axis,
            single_axes=single_axes,
        )
        return geometry.with_affine(affine)

    @classmethod
    def of_calibration(cls, calibrated: Movie | MovieResult) -> LayerGeometry:
        """Make the geometry of a (T, Y, X) layer from the calibration of a movie."""
        unit, time = calibrated.unit, calibrated.frame_time
        return cls(
            scale=(time or 1.0, *calibrated.pixel_size),
            translate=(0.0, 0.0, 0.0),
            units=(SECOND if time else PIXEL, unit, unit),
            axis_labels=("t", "y", "x"),
        )

    @classmethod
    def of_result(cls, result: MovieResult) -> LayerGeometry:
        """Return the geometry of the layer that was analyzed; of a movie, that of its calibration.

        What a damaged file says raises anything.
        """
        import pint

        about = result.geometry
        if about is None:
            return cls.of_calibration(result)
        axes = {len(about[name]) for name in ("scale", "translate", "units", "axis_labels")}
        single_axes = tuple(map(int, about.get("single_axes", ())))
        if axes != {3 + (about["channel_axis"] is not None) + len(single_axes)}:
            raise ValueError(f"a geometry of {axes} axes")
        affine = about["affine"]
        return cls(
            tuple(map(float, about["scale"])),
            tuple(map(float, about["translate"])),
            tuple(map(pint.get_application_registry().Unit, about["units"])),
            tuple(map(str, about["axis_labels"])),
            about["channel_axis"],
            None if affine is None else tuple(tuple(map(float, row)) for row in affine),
            single_axes,
        )

    def with_affine(self, plane: NDArray[np.float64]) -> LayerGeometry:
        """Return the geometry with another affine transform of (y, x, 1)."""
        is_none = np.allclose(plane, np.eye(3))
        return replace(self, affine=None if is_none else tuple(map(tuple, plane.tolist())))

    def described(self) -> dict[str, Any]:
        """Return it in values that JSON knows, as a movie and its results keep it."""
        return {
            "scale": list(self.scale),
            "translate": list(self.translate),
            "units": [str(unit) for unit in self.units],
            "axis_labels": list(self.axis_labels),
            "channel_axis": self.channel_axis,
            "single_axes": list(self.single_axes),
            "affine": None if self.affine is None else [list(row) for row in self.affine],
        }

    @property
    def time_axis(self) -> int:
        """Which axis is time."""
        return min(axis for axis in range(len(self.scale)) if axis not in self.flat_axes)

    @property
    def flat_axes(self) -> tuple[int, ...]:
        """Along which axes maps have a single element."""
        channels = () if self.channel_axis is None else (self.channel_axis,)
        return tuple(sorted((*channels, *self.single_axes)))

    @property
    def pixel_size(self) -> tuple[float, float]:
        """Size of a pixel along y and x: in nm if the units are lengths, else as it is."""
        y, x = (_convert(self.scale[i], self.units[i], NANOMETER) for i in (-2, -1))
        if y is None or x is None:
            y, x = self.scale[-2:]
        return abs(y), abs(x)  # a negative scale flips an axis, and that is all

    @property
    def unit(self) -> str:
        """What `pixel_size` is in: "nm" or "pixel"."""
        return length_unit(self.units)

    @property
    def frame_time(self) -> float | None:
        """Seconds from one frame to the next, if the first axis is one of time."""
        time = _convert(self.scale[self.time_axis], self.units[self.time_axis], SECOND)
        return None if time is None else abs(time)

    def frame_at(self, point: Sequence[float], n_frames: int) -> int:
        """Return the frame nearest to a point of the viewer, whose last axes are these ones."""
        axis = len(point) - len(self.scale) + self.time_axis
        if axis < 0:  # a viewer of one image has no axis for time
            return 0
        time = (point[axis] - self.translate[self.time_axis]) / self.scale[self.time_axis]
        return min(max(round(time), 0), n_frames - 1)

    def show_frame(self, dims: Dims, frame: int) -> None:
        """Let a viewer, whose last axes are these ones, show a frame."""
        axis = dims.ndim - len(self.scale) + self.time_axis
        if axis >= 0:
            first, step = self.translate[self.time_axis], self.scale[self.time_axis]
            dims.set_point(axis, first + step * frame)

    def of_maps(self, result: MovieResult | Unmixing) -> LayerGeometry:
        """Return the geometry of the maps of `result`, made from the layer of this geometry."""
        scale, translate = list(self.scale), list(self.translate)
        time = self.time_axis
        translate[time] += scale[time] * result.parameters.first_frame
        scale[time] *= result.parameters.frame_step
        pixel, origin = (scale[-2], scale[-1]), (translate[-2], translate[-1])
        scale[-2:] = result.grid.scale(pixel)
        translate[-2:] = result.grid.translate(pixel, origin)
        return replace(self, scale=tuple(scale), translate=tuple(translate))

    def coarser(self, factors: tuple[float, float]) -> LayerGeometry:
        """Return the geometry of pixels that are so many times as large, from the same corner.

        Parameters
        ----------
        factors : (float, float)
            Along y and x.
        """
        scale, translate = np.array(self.scale), np.array(self.translate)
        translate[-2:] += scale[-2:] * (np.array(factors) - 1) / 2
        scale[-2:] *= factors
        return replace(self, scale=tuple(scale.tolist()), translate=tuple(translate.tolist()))

    def of_part(self, frame: int, corner: tuple[int, int]) -> LayerGeometry:
        """Return the geometry of a part of the layer that begins with a frame and a pixel."""
        translate = list(self.translate)
        for axis, first in zip((self.time_axis, -2, -1), (frame, *corner), strict=True):
            translate[axis] += self.scale[axis] * first
        return replace(self, translate=tuple(translate))

    def shape_maps(self, maps: Maps) -> Maps:
        """View maps (T, gy, gx) with the axes of the layer."""
        return np.expand_dims(maps, self.flat_axes) if self.flat_axes else maps

    def layer_arguments(self) -> dict[str, Any]:
        """Return the keywords that napari's layers take."""
        arguments: dict[str, Any] = {
            "scale": self.scale,
            "translate": self.translate,
            "units": self.units,
            "axis_labels": self.axis_labels,
        }
        if self.affine is not None:
            arguments["affine"] = layer_affine(np.array(self.affine), len(self.scale))
        return arguments


def length_unit(units: Sequence[Any]) -> str:
    """Return what lengths along the last two of some axes are told in: "nm" or "pixel"."""
    return PIXEL if None in (_convert(1.0, unit, NANOMETER) for unit in units[-2:]) else NANOMETER


def _convert(value: float, unit: Any, target: str) -> float | None:
    """Convert to `target`; None if the unit measures something else."""
    import pint

    quantity = pint.get_application_registry().Quantity(value, unit)
    return float(quantity.to(target).magnitude) if quantity.is_compatible_with(target) else None


def plane_affine(layer: Layer) -> NDArray[np.float64]:
    """Return the affine transform of a layer, for (y, x, 1).

    Raises
    ------
    InputError
        If it changes other axes too.
    """
    matrix = layer.affine.affine_matrix
    plane: NDArray[np.float64] = matrix[-3:, -3:]
    if not np.allclose(matrix, layer_affine(plane, layer.ndim)):
        raise _not_upright(layer)
    return plane


def layer_affine(plane: NDArray[np.float64], ndim: int) -> NDArray[np.float64]:
    """Make an affine transform of (y, x, 1) one of a layer with `ndim` axes."""
    matrix = np.eye(ndim + 1)
    matrix[-3:, -3:] = plane
    return matrix


def undoing_affine(layer: Layer, distortion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make the affine transform for (y, x, 1) that undoes a distortion of a layer's pixels.

    It comes after the layer's scale and translate, and keeps the center where it is. Pixels
    that are not square are a distortion too.

    Parameters
    ----------
    layer : napari.layers.Layer
        Upright, that is, neither rotated nor sheared.
    distortion : ndarray, shape (2, 2)
        ``seen = distortion @ true`` for positions (x, y) in pixels.
    """
    scale = layer.scale[-2:]
    side = np.sqrt(np.abs(scale).prod())
    linear = np.diag(side * np.sign(scale)) @ np.linalg.inv(distortion)[::-1, ::-1]
    linear = linear @ np.diag(1 / scale)
    center = layer.translate[-2:] + scale * layer.extent.data[:, -2:].mean(axis=0)
    plane = np.eye(3)
    plane[:2, :2] = linear
    plane[:2, 2] = center - linear @ center
    return plane


def _not_upright(layer: Layer) -> InputError:
    return InputError(
        f"{layer.name!r} is rotated, sheared or affinely transformed in time, so that maps would "
        "not lie on it; reset its transform, or analyze it before it is transformed."
    )
