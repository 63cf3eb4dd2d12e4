"""The image layer to analyze, taken as it is when Run is pressed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.data.movie import BY_HAND, Movie, axis_letter
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.io.arrays import gray
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.results.provenance import CHOICE

if TYPE_CHECKING:
    from napari.layers import Image


@dataclass(frozen=True, eq=False)
class Source:
    """The frames and the geometry of a layer, safe from what happens to the layer later."""

    movie: Movie
    geometry: LayerGeometry
    channel: int | None
    layer_id: str

    @property
    def origin(self) -> dict[str, Any]:
        """What the metadata of result layers say about the source."""
        return {
            "source_layer": self.movie.name,
            "source_id": self.layer_id,
            "channel": self.channel,
        }


ALL_CHANNELS = -1
"""Instead of a channel: all of them, one after the other, are the frames of a movie."""


def find_axes(layer: Image) -> tuple[int, int | None, tuple[int, ...]]:
    """Return the axes of time and channels of a layer, and those of length one beside them.

    Channels lie along the axis that is labeled so, or stands beside that of time, such as z; else
    the second, as in (T, C, Y, X). With fewer than four axes, or only one that is longer than one
    among more, there are none.
    """
    shape = full_resolution(layer).shape
    letters = list(map(axis_letter, layer.axis_labels))
    outer = range(layer.ndim - 2)
    # Those of length one last, but for one that is labeled time.
    kept = sorted(outer, key=lambda axis: (shape[axis] == 1, letters[axis] != "T", axis))[:2]
    if len(kept) < 2:
        return 0, None, ()
    if layer.ndim > 4 and shape[kept[1]] == 1 and letters[kept[0]] != "C":
        kept = kept[:1]
    single = tuple(axis for axis in outer if axis not in kept)
    if len(kept) < 2:
        return kept[0], None, single
    first, second = sorted(kept)
    if letters[first] == "C" or letters[second] == "T":
        return second, first, single
    return first, second, single


def find_channel_axis(layer: Image) -> int | None:
    """Return the axis of the channels of a layer; None if it has fewer than four axes."""
    _, axis, _ = find_axes(layer)
    return axis


def count_channels(layer: Image) -> int:
    """Return the number of channels; 1 if there is no such axis."""
    axis = find_channel_axis(layer)
    return 1 if axis is None else int(full_resolution(layer).shape[axis])


def can_be_frames(layer: Image) -> bool:
    """Return whether a layer has several channels of one frame, which may be those of a movie."""
    time, channels, _ = find_axes(layer)
    shape = full_resolution(layer).shape
    return channels is not None and shape[time] == 1 < shape[channels]


def take_source(layer: Image, channel: int | None = None) -> Source:
    """Take the movie out of an image layer.

    Parameters
    ----------
    layer : napari.layers.Image
        (Y, X), (T, Y, X) or (T, C, Y, X), gray or RGB.
    channel : int, optional
        Which channel of a layer with four axes, or `ALL_CHANNELS` for a movie of them. Further
        axes are left out if they have length one.

    Raises
    ------
    InputError
        If the layer has too many axes, or is rotated or sheared, or has several channels of
        which none is chosen.
    """
    frames = full_resolution(layer)
    time, axis, single = find_axes(layer)
    if any(frames.shape[each] > 1 for each in single):
        raise InputError(
            f"{layer.name!r} has {layer.ndim} axes; a movie has time, y and x, and perhaps "
            "channels: choose a part of it and make that a layer."
        )
    are_frames = channel == ALL_CHANNELS and can_be_frames(layer)
    if are_frames:
        axis, single = None, (*single, time)
    elif axis is not None and channel is None and frames.shape[axis] > 1:
        raise InputError(f"{layer.name!r} has {frames.shape[axis]} channels; choose one.")
    geometry = LayerGeometry.of_layer(layer, axis, single)
    place = dict.fromkeys(single, 0) | ({} if axis is None else {axis: channel or 0})
    if place:
        frames = frames[tuple(place.get(each, slice(None)) for each in range(layer.ndim))]
    if layer.rgb:
        frames = _to_gray(frames)
    movie = Movie.from_array(
        frames,
        name=layer.name,
        pixel_size=geometry.pixel_size,
        unit=geometry.unit,
        frame_time=geometry.frame_time,
        calibration_source=_calibration_source(layer, geometry),
        source=_name_source(layer),
        dataset=layer.metadata.get("dataset"),
        channel=layer.metadata.get("channel") if axis is None or channel is None else str(channel),
        frames_are="channels" if are_frames else layer.metadata.get("frames_are"),
        geometry=geometry.described(),
        reopen=_reopener(layer),
    )
    return Source(movie, geometry, channel, str(layer.unique_id))


def calibration_of(calibrated: Movie | LayerGeometry) -> tuple[float, float, str, float | None]:
    """Return pixel size, its unit and frame time."""
    return (*calibrated.pixel_size, calibrated.unit, calibrated.frame_time)


def _calibration_source(layer: Image, geometry: LayerGeometry) -> str | None:
    """Return where the calibration comes from, if a reader of ours has noted it."""
    read: tuple[float, float, str, float | None] | None = layer.metadata.get("calibration")
    if read is None:
        return None
    source: str | None = layer.metadata.get("calibration_source")
    return source if read == calibration_of(geometry) else BY_HAND


def _name_source(layer: Image) -> str | None:
    """Return the path of a layer's file, or the key of its sample."""
    source = layer.source
    return source.path or (source.sample and " ".join(source.sample))


def _reopener(layer: Image) -> Callable[[], Movie] | None:
    """Return what opens the movie of a layer anew, so that workers read the file for themselves.

    Only where a reader of ours left the frames in the file: those in memory may have been edited.
    """
    path = layer.source.path
    in_file = "calibration" in layer.metadata and not isinstance(layer.data, np.ndarray)
    if path is None or not in_file:
        return None
    choice = {name: layer.metadata.get(name) for name in CHOICE}
    return partial(read_movie, Path(path).absolute(), **choice, lazy=True)


def _to_gray(frames: Any) -> Any:
    """Return the luminance (..., Y, X) of colors (..., Y, X, 3 or 4), computed when it is read."""
    import dask.array as da

    if isinstance(frames, np.ndarray):
        n_stacked = frames.ndim - 3
        frames = da.from_array(frames, chunks=(1,) * n_stacked + frames.shape[n_stacked:])
    return gray(frames)


def full_resolution(layer: Image) -> Any:
    """Return the data as a NumPy or a Dask array, which can be indexed without being read."""
    import dask.array as da

    data = layer.data[0] if layer.multiscale else layer.data
    return data if isinstance(data, np.ndarray) else da.asarray(data)
