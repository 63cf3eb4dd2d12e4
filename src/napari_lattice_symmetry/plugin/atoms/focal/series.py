"""The focal series that layers hold, and where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_lattice_symmetry.data.movie import PIXEL, Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.foci import find_defoci
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.plugin.selection.source import Source, full_resolution

if TYPE_CHECKING:
    from napari.layers import Image

_FOCUS = 1  # axis of (t, n, y, x)


@dataclass(frozen=True, eq=False)
class FocalSource:
    """Focal series of one or several times, safe from what happens to their layers later.

    Parameters
    ----------
    images : array, shape (t, n, Y, X)
        In memory, or read when it is indexed.
    source : Source
        The images in the middle as a movie of times, and where points and maps lie, which are seen
        at every focus.
    defoci : tuple of float or None
        In nm, if the layers say them.
    """

    images: Any
    source: Source
    defoci: tuple[float, ...] | None

    @property
    def pixel_size(self) -> float | None:
        """Side of a pixel in nm; None if it is not known.

        Raises
        ------
        InputError
            If pixels are not square.
        """
        movie = self.source.movie
        if not movie.calibrated:
            return None
        y, x = movie.pixel_size
        if abs(y / x - 1) > 1e-3:
            raise InputError(
                f"{movie.name} has pixels of {y:.4g} x {x:.4g} nm; square ones are needed."
            )
        return float(x)


def take_series(layers: Sequence[Image]) -> FocalSource:
    """Take the series out of a layer with an axis of foci, or out of a layer a focus.

    Parameters
    ----------
    layers : sequence of napari.layers.Image
        One of (n, Y, X) or (t, n, Y, X), or several of (Y, X) or (t, Y, X) in the order of foci.

    Raises
    ------
    InputError
        If there is none, it has no axis of foci, or the layers are of several shapes.
    """
    import dask.array as da

    if not layers:
        raise InputError("Open a focal series first.")
    first, arrays = layers[0], [full_resolution(layer) for layer in layers]
    if any(layer.rgb for layer in layers):
        raise InputError(f"{first.name!r} is in colors; a focal series is gray.")
    if len({array.shape for array in arrays}) > 1:
        raise InputError(
            "The selected layers are of several shapes; select those of one series, or one layer "
            "with an axis of foci."
        )
    array = arrays[0]
    if len(arrays) > 1:
        array = da.stack(arrays, axis=array.ndim - 2)
        geometry = LayerGeometry.of_layer(first)
    elif array.ndim in (3, 4):
        geometry = focal_geometry(first)
    if array.ndim not in (3, 4):
        raise InputError(
            f"{first.name!r} has {array.ndim} axes; a focal series has foci, y and x, and perhaps "
            "times before: select such a layer, or a layer for each focus."
        )
    images = array[None] if array.ndim == 3 else array
    movie = Movie.from_array(
        images[:, images.shape[1] // 2],
        name=first.name,
        pixel_size=geometry.pixel_size,
        unit=geometry.unit,
        geometry=geometry.described(),
    )
    source = Source(movie, geometry, None, str(first.unique_id))
    return FocalSource(images, source, find_defoci(first.metadata, images.shape[1]))


def focal_geometry(layer: Image) -> LayerGeometry:
    """Return where marks lie over a layer (n, Y, X) or (t, n, Y, X), so that all foci show them.

    A single series gets a time axis in front.
    """
    geometry = LayerGeometry.of_layer(layer, layer.ndim - 3)
    if layer.ndim > 3:
        return geometry
    return replace(
        geometry,
        scale=(1.0, *geometry.scale),
        translate=(0.0, *geometry.translate),
        units=(PIXEL, *geometry.units),
        axis_labels=("t", *geometry.axis_labels),
        channel_axis=_FOCUS,
    )
