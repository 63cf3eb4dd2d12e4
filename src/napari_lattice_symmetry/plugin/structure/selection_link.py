"""Windows chosen in a scatter plot and windows painted in the image: one and the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Points, Shapes
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_lattice_symmetry.plugin.layers.regions import region_polygons
from napari_lattice_symmetry.plugin.layers.result_layers import (
    METADATA_KEY,
    RESULT_KEY,
    SELECTION,
    ShownResult,
    result_metadata,
)
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.structure.chosen_windows import Places

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Layer

Float64 = NDArray[np.float64]

_DELAY = 100  # ms without another change before a region is looked at


class SelectionLink(Releasing, QObject):
    """Lights up the windows in a region, and paints windows into one.

    The region is the selection: a Labels layer that is made when windows are first painted, or
    any other Labels or Shapes layer that a person chooses.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers these are.
    parent : QObject
        What this belongs to.

    Signals
    -------
    changed()
        Other windows are in the region.
    regions_changed()
        Other layers can be regions, or another one is.
    """

    changed = Signal()
    regions_changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.region: Labels | Shapes | None = None
        self.lit: NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self._shown: ShownResult | None = None
        self._about: dict[str, Any] = {}
        self._indices: Places = np.zeros((0, 3), dtype=np.int64)
        self._world: Float64 = np.zeros((0, 3))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY)
        self._timer.timeout.connect(self.look)
        events = viewer.layers.events
        for event in (events.inserted, events.removed, events.renamed):
            self.listen(event, self._on_layers)

    def release(self) -> None:
        """Let go of the viewer."""
        self._timer.stop()
        super().release()
        self._watch(None)

    def open(self, layer: Layer, places: Places) -> None:
        """Link windows, `places` (n, 3) on the maps of the result that `layer` shows."""
        self._shown = layer.metadata[RESULT_KEY]
        self._about = {**(result_metadata(layer) or {}), "kind": SELECTION, "class": None}
        geometry = self._shown.geometry
        self._indices = places
        for axis in geometry.flat_axes:
            self._indices = np.insert(self._indices, axis, 0, axis=1)
        maps = geometry.of_maps(self._shown.result).layer_arguments()
        nowhere = Points(np.empty((0, self._indices.shape[1])), **maps)
        self._world = apply_to_all(nowhere.data_to_world, self._indices)
        self.lit = np.zeros(len(places), dtype=bool)
        self.regions_changed.emit()
        self.look()

    @property
    def regions(self) -> list[Labels | Shapes]:
        """The layers that can be a region: those that a person draws, not maps of a result."""
        return [
            layer
            for layer in self._viewer.layers
            if isinstance(layer, Labels | Shapes)
            and layer.metadata.get(METADATA_KEY, self._about).get("kind", SELECTION) == SELECTION
        ]

    def choose(self, region: Labels | Shapes | None) -> None:
        """Take another region, or none."""
        self._watch(region)
        self.regions_changed.emit()
        self.look()

    def paint(self, chosen: NDArray[np.bool_]) -> None:
        """Paint some of the windows with the label that the brush has, and no others.

        Other labels stay, so that several groups can be kept; a region that is no map of labels
        as this result has them gives way to a new layer.
        """
        if self._shown is None:
            return
        layer = self._selection_layer(self._shown)
        label = max(int(layer.selected_label), 1)
        layer.data_setitem(np.nonzero(layer.data == label), 0)
        layer.data_setitem(tuple(self._indices[chosen].T), label)
        if layer != self.region:
            self.choose(layer)
        else:
            self.look()

    def look(self) -> None:
        """Find the windows that are in the region now."""
        self._timer.stop()
        lit = np.zeros(len(self._world), dtype=bool)
        if isinstance(self.region, Labels):
            lit = lie_in_labels(self.region, self._world)
        elif self.region is not None:
            lit = lie_in_shapes(self.region, self._world)
        if not np.array_equal(lit, self.lit):
            self.lit = lit
            self.changed.emit()

    def _selection_layer(self, shown: ShownResult) -> Labels:
        """Return the region if windows can be painted in it, else a new layer for that."""
        result, geometry = shown.result, shown.geometry
        maps = np.zeros((len(result.frame_indices), *result.grid.shape), dtype=np.uint8)
        data, region = geometry.shape_maps(maps), self.region
        if (
            isinstance(region, Labels)
            and region.metadata.get(RESULT_KEY) is shown
            and region.data.shape == data.shape  # nobody has put other data there
        ):
            return region
        active = self._viewer.layers.selection.active
        layer = self._viewer.add_labels(
            data,
            name=f"selected windows · {result.name}",
            metadata={METADATA_KEY: self._about, RESULT_KEY: shown},
            opacity=0.7,
            **geometry.of_maps(result).layer_arguments(),
        )
        if active is not None:
            self._viewer.layers.selection.active = active
        return layer

    def _watch(self, region: Labels | Shapes | None) -> None:
        for layer, method in ((self.region, "disconnect"), (region, "connect")):
            if layer is not None:
                for event in _edits(layer):
                    getattr(event, method)(self._on_edit)
        self.region = region

    def _on_edit(self, _event: Any = None) -> None:
        self._timer.start()

    def _on_layers(self, _event: Any = None) -> None:
        if self.region is not None and self.region not in self._viewer.layers:
            self._watch(None)
            self.look()
        self.regions_changed.emit()


def lie_in_labels(layer: Labels, world: Float64) -> NDArray[np.bool_]:
    """Return which points (n, d) of the world are labeled."""
    data = np.asarray(layer.data[0] if layer.multiscale else layer.data)
    indices = np.round(apply_to_all(layer.world_to_data, world)).astype(int)
    inside = ((indices >= 0) & (indices < data.shape)).all(axis=1)
    labeled = np.zeros(len(world), dtype=bool)
    labeled[inside] = data[tuple(indices[inside].T)] != 0
    return labeled


def lie_in_shapes(layer: Shapes, world: Float64) -> NDArray[np.bool_]:
    """Return which points (n, d) of the world lie in a polygon, a rectangle or an ellipse.

    On any frame: a shape stands for a place in the image.
    """
    from matplotlib.path import Path

    inside = np.zeros(len(world), dtype=bool)
    for polygon in region_polygons(layer):
        inside |= Path(polygon).contains_points(world[:, -2:])
    return inside


def apply_to_all(transform: Callable[[Any], Any], points: NDArray[Any]) -> Float64:
    """Apply an affine transform, which takes a single point, to many (n, d)."""
    d = points.shape[1]
    origin = np.array(transform(np.zeros(d)))
    steps = np.array([transform(unit) for unit in np.eye(d)]) - origin
    return np.asarray(origin + points @ steps)


def _edits(layer: Labels | Shapes) -> list[Any]:
    """List the events of which one comes when a region is edited, moved or undone."""
    names = ("data", "set_data", "paint", "scale", "translate")
    return [getattr(layer.events, name) for name in names if hasattr(layer.events, name)]
