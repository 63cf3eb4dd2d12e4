"""The selected result as it grows, a region of it, and the frame that the viewer shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_lattice_symmetry.crystals import CrystalMatch
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.evolution.curves import snapshot
from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
from napari_lattice_symmetry.plugin.layers.origin import FRAME_NAMES, geometry_of
from napari_lattice_symmetry.plugin.layers.regions import region_mask, region_polygons
from napari_lattice_symmetry.plugin.layers.result_group import layers_of_result
from napari_lattice_symmetry.plugin.layers.result_layers import MATCH_KEY
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.selection.selection import Selection
from napari_lattice_symmetry.plugin.widgets.dock import Dock
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.results.growing import GrowingResult, GrowingStore

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image, Layer, Shapes

Region = NDArray[np.bool_]

FrameKey: TypeAlias = str | int
"""What a frame is known by: its index, or its name where a late one moves others up."""

_LOOK_EVERY = 1000  # ms between looks at a result that a run fills


class ResultFollower(Releasing, QObject):
    """Follows the selected result, the frames that a run adds to it, and the time slider.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose time slider is followed.
    selection : Selection
        Says which result and which region.
    dock : Dock
        What this belongs to; while it is behind another, growth has time.

    Signals
    -------
    changed()
        Another result, or another region.
    grown()
        More frames of the same result.
    frame_changed(time)
        The viewer shows the frame of this time, in the unit of the result's times.
    """

    changed = Signal()
    grown = Signal()
    frame_changed = Signal(float)

    def __init__(self, viewer: napari.viewer.Viewer, selection: Selection, dock: Dock) -> None:
        super().__init__(dock)
        self._dock = dock
        self.viewer, self.selection = viewer, selection
        self.result: MovieResult | None = None
        self._region: Shapes | None = None
        self._state: list[Any] = []
        self._seen: tuple[int, ...] = ()
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_EVERY)
        self._timer.timeout.connect(self._look)
        self._timer.start()
        self.listen(selection.changed, self._on_selection)
        self.listen(viewer.layers.events.inserted, self._on_inserted)
        self.listen(selection.region_edited, self.changed)
        self.listen(viewer.dims.events.current_step, self._on_frame)
        self._on_selection()

    def release(self) -> None:
        """Let go of the viewer."""
        self._timer.stop()
        super().release()

    @property
    def layer(self) -> Layer | None:
        """A layer that shows the result."""
        return self.selection.result_layer

    def snapshot(self) -> MovieResult | None:
        """Return the result with the frames that it has now, to be read in a thread."""
        return None if self.result is None else snapshot(self.result)

    @property
    def keys(self) -> list[FrameKey]:
        """What the frames of the result are known by."""
        if isinstance(self.result, GrowingResult | GrowingStore):
            return [*self.result.names]
        return [] if self.result is None else self.result.frame_indices.tolist()

    def places(self) -> dict[FrameKey, int]:
        """Return where in the movie the frames of the result are; its layer may lag behind."""
        image, keys = self._image(), self.keys
        if isinstance(self.result, GrowingResult | GrowingStore):
            shown = image.metadata.get(FRAME_NAMES, keys)
            return {name: place for place, name in enumerate(shown)}
        return {key: int(key) for key in keys}

    @property
    def crystals(self) -> CrystalMatch | None:
        """Which crystals the windows of the result were found to show; None before a match."""
        if self.layer is None:
            return None
        found = [
            layer.metadata[MATCH_KEY]
            for layer in layers_of_result(self.viewer.layers, self.layer)
            if MATCH_KEY in layer.metadata
        ]
        return found[-1] if found else None

    def map_region(self) -> Region | None:
        """Return the windows whose centers lie in the region; None for whole frames.

        Raises
        ------
        InputError
            If there are none.
        """
        if self.result is None or self.layer is None or self._region is None:
            return None
        return self._mask(self._region, self.layer, self.result.grid.shape)

    def frame_region(self) -> Region | None:
        """Return the frame pixels in the region; None for whole frames.

        Raises
        ------
        InputError
            If there are none, or the layer of the movie is gone.
        """
        if self.result is None or self._region is None:
            return None
        return self._mask(self._region, self._image(), self.result.grid.frame_shape)

    def movie(self) -> Movie:
        """Return the movie that was analyzed.

        Raises
        ------
        InputError
            If its layer is gone, or is another one by now.
        """
        result, _ = self.selection.require_result()
        image = self._image()
        movie = self.selection.take_source().movie
        last = max(self.places().values())
        if movie.shape[1:] != result.grid.frame_shape or len(movie) <= last:
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
        self._geometry.show_frame(self.viewer.dims, int(frame))

    @property
    def _geometry(self) -> LayerGeometry:
        geometry = None if self.layer is None else geometry_of(self.layer)
        assert geometry is not None  # a layer that shows a result has one
        return geometry

    def _image(self) -> Image:
        """Find the layer of the movie that was analyzed."""
        image = self.selection.image
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

    def _on_selection(self) -> None:
        selection = self.selection
        state = [selection.result, selection.region, selection.image]
        if selection.result is None:
            state.append(selection.describe())  # what is said instead
        if state != self._state:
            self._state = state
            self.result, self._region = selection.result, selection.region
            self._seen = self._look_closely()
            self.changed.emit()
            self._on_frame()

    def _on_inserted(self, event: Any) -> None:
        if MATCH_KEY in event.value.metadata:
            self.changed.emit()

    def _on_frame(self, _event: Any = None) -> None:
        self.frame_changed.emit(self.time)

    def _look(self) -> None:
        if not self._dock.is_seen:
            return
        seen = self._look_closely()
        if seen != self._seen:
            self._seen = seen
            self.grown.emit()

    def _look_closely(self) -> tuple[int, ...]:
        """Count what there is of the result, and of its movie, whose layer follows later."""
        if self.result is None or self.layer is None:
            return ()
        image = self.selection.image
        n_shown = 0 if image is None else len(image.metadata.get(FRAME_NAMES, ()))
        return len(self.result.state), int(self.result.done.sum()), n_shown
