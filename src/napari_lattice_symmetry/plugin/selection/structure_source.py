"""What the dock "Structure without labels" works on: an image, and a result if there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.layers.result_layers import result_metadata
from napari_lattice_symmetry.plugin.selection.results import chosen_result, source_layer_of
from napari_lattice_symmetry.plugin.selection.source import Source, take_source

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Layer

    from napari_lattice_symmetry.results import MovieResult


@dataclass(frozen=True, eq=False)
class Subject:
    """An image that is there, and a result of it, shown by a layer."""

    image: Image | None = None
    layer: Layer | None = None
    result: MovieResult | None = None

    def take_source(self) -> Source:
        """Take the movie as it is now.

        Raises
        ------
        InputError
            If there is none, or it cannot be analyzed.
        """
        if self.image is None:
            what = "open an image" if self.result is None else f"open what {self.result.name} shows"
            raise InputError(f"There is no image to look at: {what}.")
        about = {} if self.layer is None else result_metadata(self.layer) or {}
        return take_source(self.image, about.get("channel"))

    def require_result(self) -> tuple[MovieResult, Layer]:
        """Give the result, and a layer that shows it.

        Raises
        ------
        InputError
            If there is none.
        """
        if self.result is None or self.layer is None:
            raise InputError("Run an analysis, or open its result; then its windows can be shown.")
        return self.result, self.layer

    def describe(self) -> str:
        """Say what it is."""
        if self.result is not None:
            missing = "" if self.image is not None else " (its image is not open)"
            return f"result {self.result.name}{missing}"
        return "none: open an image" if self.image is None else f"image {self.image.name}"


class SubjectFollower(QObject):
    """Follows the selected layer.

    Signals
    -------
    changed()
        Another image or result, or another name of it.
    """

    changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.subject = find_subject(viewer)
        layers = viewer.layers
        self._events = [
            layers.events.inserted,
            layers.events.removed,
            layers.events.renamed,
            layers.selection.events.active,
        ]
        for event in self._events:
            event.connect(self._look)

    def release(self) -> None:
        """Let go of the viewer."""
        for event in self._events:
            event.disconnect(self._look)

    def _look(self, _event: Any = None) -> None:
        self.subject = find_subject(self._viewer)
        self.changed.emit()


def find_subject(viewer: napari.viewer.Viewer) -> Subject:
    """Find what is selected: a result, else an image of its own, else whatever there is."""
    active = viewer.layers.selection.active
    images = [
        layer
        for layer in reversed(viewer.layers)
        if isinstance(layer, Image) and result_metadata(layer) is None
    ]
    chosen = chosen_result(viewer)
    if chosen is not None:
        layer, result = chosen
        image = source_layer_of(viewer, layer)
        if active not in images or image == active:
            return Subject(image, layer, result)
    if active in images:
        return Subject(active)
    return Subject(images[0] if images else None)
