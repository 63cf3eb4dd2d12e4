"""What the dock of phase evolution works on: a result, a region of it, the frame shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from napari.layers import Shapes
from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.evolution.curves import snapshot
from napari_lattice_symmetry.plugin.layers.regions import region_mask, region_polygons
from napari_lattice_symmetry.plugin.layers.result_layers import result_metadata
from napari_lattice_symmetry.plugin.selection.results import (
    FRAME_NAMES,
    chosen_result,
    geometry_of,
    source_layer_of,
)
from napari_lattice_symmetry.plugin.selection.source import take_source
from napari_lattice_symmetry.results.growing import GrowingResult, GrowingStore

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image, Layer
    from numpy.typing import NDArray

    from napari_lattice_symmetry.data.movie import Movie
    from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
    from napari_lattice_symmetry.results import MovieResult

    Region = NDArray[np.bool_]

FrameKey: TypeAlias = str | int
"""What a frame is known by: its index, or its name where a late one moves others up."""

_LOOK_EVERY = 1000  # ms between looks at a result that a run fills


class EvolutionSource(QObject):
    """Follows the selected layer, the region, the frames that a run adds, and the time slider.

    Parameters
    ----------
    viewer : napari.Viewer
        What is followed.
    parent : QObject
        What this belongs to.

    Signals
    -------
    changed()
        Another result, or another region.
    grown()
        More frames of the same result.
    regions_changed()
        Other Shapes layers, or other names.
    frame_changed(time)
        The viewer shows the frame of this time, in the unit of the result's times.
    """

    changed = Signal()
    grown = Signal()
    regions_changed = Signal()
    frame_changed = Signal(float)

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.layer: Layer | None = None
        self.result: MovieResult | None = None
        self.region: Shapes | None = None
        self._seen: tuple[int, ...] = ()
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_EVERY)
        self._timer.timeout.connect(self._look)
        self._timer.start()
        self._connections = [
            (viewer.layers.events.inserted, self._on_layers),
            (viewer.layers.events.removed, self._on_layers),
            (viewer.layers.events.renamed, self._on_layers),
            (viewer.layers.selection.events.active, self._on_layers),
            (viewer.dims.events.current_step, self._on_frame),
        ]
        for event, callback in self._connections:
            event.connect(callback)
        self._on_layers()

    def release(self) -> None:
        """Let go of the viewer."""
        self._timer.stop()
        for event, callback in self._connections:
            event.disconnect(callback)
        self._watch(None)

    @property
    def regions(self) -> list[Shapes]:
        """The layers that can be a region."""
        return [layer for layer in self.viewer.layers if isinstance(layer, Shapes)]

    def choose_region(self, region: Shapes | None) -> None:
        """Look at this region only, or at whole frames."""
        if region is not self.region:
            self._watch(region)
            self.changed.emit()

    def snapshot(self) -> MovieResult | None:
        """Give the result with the frames that it has now, to be read in a thread."""
        return None if self.result is None else snapshot(self.result)

    @property
    def keys(self) -> list[FrameKey]:
        """What the frames of the result are known by."""
        if isinstance(self.result, GrowingResult | GrowingStore):
            return [*self.result.names]
        return [] if self.result is None else self.result.frame_indices.tolist()

    def places(self) -> dict[FrameKey, int]:
        """Give where in the movie the frames of the result are; its layer may lag behind."""
        image, keys = self._image(), self.keys
        if isinstance(self.result, GrowingResult | GrowingStore):
            shown = image.metadata.get(FRAME_NAMES, keys)
            return {name: place for place, name in enumerate(shown)}
        return {key: int(key) for key in keys}

    def map_region(self) -> Region | None:
        """Give the windows whose centers lie in the region; None for whole frames.

        Raises
        ------
        InputError
            If there are none.
        """
        if self.result is None or self.layer is None or self.region is None:
            return None
        return self._mask(self.region, self.layer, self.result.grid.shape)

    def frame_region(self) -> Region | None:
        """Give the frame pixels in the region; None for whole frames.

        Raises
        ------
        InputError
            If there are none, or the layer of the movie is gone.
        """
        if self.result is None or self.region is None:
            return None
        return self._mask(self.region, self._image(), self.result.grid.frame_shape)

    def movie(self) -> Movie:
        """Give the movie that was analyzed.

        Raises
        ------
        InputError
            If its layer is gone, or is another one by now.
        """
        if self.layer is None or self.result is None:
            raise InputError("Select a layer of a result first.")
        image = self._image()
        channel = (result_metadata(self.layer) or {}).get("channel")
        movie = take_source(image, channel).movie
        last = max(self.places().values())
        if movie.shape[1:] != self.result.grid.frame_shape or len(movie) <= last:
            raise InputError(f"{image.name!r} is not the movie that was analyzed: it has changed.")
        return movie

    @property
    def time(self) -> float:
        """When the frame was taken that the viewer shows."""
        if self.result is None or self.layer is None:
            return 0.0
        indices = self.result.frame_indices
        frame = self._geometry.frame_at(self.viewer.dims.point, int(indices[-1]) + 1)
        return float(self.result.times[np.abs(indices - frame).argmin()])

    def go_to(self, time: float) -> None:
        """Let the viewer show the frame of a time."""
        if self.result is None or self.layer is None:
            return
        frame = self.result.frame_indices[np.abs(self.result.times - time).argmin()]
        geometry, dims = self._geometry, self.viewer.dims
        axis = dims.ndim - len(geometry.scale) + geometry.time_axis
        if axis >= 0:
            first, step = geometry.translate[geometry.time_axis], geometry.scale[geometry.time_axis]
            dims.set_point(axis, first + step * frame)

    @property
    def _geometry(self) -> LayerGeometry:
        geometry = None if self.layer is None else geometry_of(self.layer)
        assert geometry is not None  # a layer that shows a result has one
        return geometry

    def _image(self) -> Image:
        """Find the layer of the movie that was analyzed."""
        image = None if self.layer is None else source_layer_of(self.viewer, self.layer)
        if image is None:
            name = "the movie" if self.result is None else repr(self.result.name)
            raise InputError(
                f"The image layer of {name} is not there; open the movie to measure its brightness."
            )
        return image

    def _mask(self, region: Shapes, layer: Layer, shape: tuple[int, int]) -> Region:
        inside = region_mask(region_polygons(region), layer, shape)
        if not inside.any():
            raise InputError(
                f"No window has its center in {region.name!r}; draw a polygon, a rectangle or "
                "an ellipse on the map."
            )
        return inside

    def _watch(self, region: Shapes | None) -> None:
        """Follow the shapes of a layer, and no longer those of the one before."""
        for layer, connect in ((self.region, False), (region, True)):
            if layer is not None:
                event = layer.events.set_data
                (event.connect if connect else event.disconnect)(self._on_region)
        self.region = region

    def _on_region(self, _event: Any = None) -> None:
        self.changed.emit()

    def _on_layers(self, _event: Any = None) -> None:
        is_gone = self.region is not None and self.region not in self.viewer.layers
        if is_gone:
            self._watch(None)
        self.regions_changed.emit()
        chosen = chosen_result(self.viewer)
        self.layer, result = (None, None) if chosen is None else chosen
        if result is not self.result or is_gone:
            self.result = result
            self._seen = self._look_closely()
            self.changed.emit()
            self._on_frame()

    def _on_frame(self, _event: Any = None) -> None:
        self.frame_changed.emit(self.time)

    def _look(self) -> None:
        seen = self._look_closely()
        if seen != self._seen:
            self._seen = seen
            self.grown.emit()

    def _look_closely(self) -> tuple[int, ...]:
        """Count what there is of the result, and of its movie, whose layer follows later."""
        if self.result is None or self.layer is None:
            return ()
        image = source_layer_of(self.viewer, self.layer)
        n_shown = 0 if image is None else len(image.metadata.get(FRAME_NAMES, ()))
        return len(self.result.state), int(self.result.done.sum()), n_shown
