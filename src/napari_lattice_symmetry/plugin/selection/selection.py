"""What the user means: one answer for all docks of a viewer, and one signal when it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from napari.layers import Shapes
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lattice_symmetry.bravais.parameters import Matrix
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.layers.care import take_care
from napari_lattice_symmetry.plugin.layers.origin import list_images, result_of, source_layer_of
from napari_lattice_symmetry.plugin.layers.result_layers import result_metadata
from napari_lattice_symmetry.plugin.selection.source import Source, count_channels, take_source
from napari_lattice_symmetry.results import MovieResult

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

DISTORTION_KEY = "napari-lattice-symmetry distortion"
"""Under this key in its metadata an image holds the distortion that was measured on it."""

_PLACE = ("data", "scale", "translate", "affine", "units")
"""Events of an image after which its movie is another one."""


class Selection(QObject):
    """Which image, channel, result and region the user means.

    The layer that is active in napari's layer list decides. An image stands for the topmost
    result that was made from it, the map of an analysis for its result and its image, atoms for
    the image that they were found in. Any other layer leaves the last choice standing, for as long
    as that exists.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers these are; docks ask `selection_of` for the one selection of their viewer.

    Attributes
    ----------
    layer : napari.layers.Layer or None
        The layer that decided.
    image : napari.layers.Image or None
        The image to analyze, or that the result was made from.
    channel : int or None
        Which of its channels, if it has several and one was chosen.
    result : MovieResult or None
        What was found in it.
    result_layer : napari.layers.Layer or None
        One of the layers that show the result.
    region : napari.layers.Shapes or None
        Where results are looked at; None for whole frames.
    chosen : list of napari.layers.Image
        The images that are selected in napari's layer list, bottom first, if they are several;
        else the one to analyze, if there is one.
    images, regions : list of napari.layers.Layer
        What there is to choose from, bottom first.

    Signals
    -------
    changed()
        Any of these is another one, or has another name; another map of a result is no change.
    activated()
        Another layer is active in napari's layer list, or none, whatever it stands for.
    image_edited()
        The image has other pixels, another place or another measured distortion.
    region_edited()
        The region has other shapes.
    """

    changed = Signal()
    activated = Signal()
    image_edited = Signal()
    region_edited = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.layer: Layer | None = None
        self.image: Image | None = None
        self.channel: int | None = None
        self.result: MovieResult | None = None
        self.result_layer: Layer | None = None
        self.region: Shapes | None = None
        self.chosen: list[Image] = []
        self.images: list[Image] = []
        self.regions: list[Shapes] = []
        self._told: list[Any] = []
        self._channels: dict[str, int | None] = {}  # that were chosen, by the image's identity
        take_care(viewer)
        layers = viewer.layers
        for event in (
            layers.events.inserted,
            layers.events.removed,
            layers.events.renamed,
            layers.selection.events.active,
            layers.selection.events.changed,
        ):
            event.connect(self._look)
        layers.selection.events.active.connect(self._on_activated)
        viewer.dims.events.order.connect(self._on_image_edited)
        self._look()

    # ------------------------------------------------------------------ asking

    def take_source(self, seen_channel: int | None = None) -> Source:
        """Take the movie out of the image as it is now.

        Parameters
        ----------
        seen_channel : int, optional
            The channel that is taken where none was chosen.

        Raises
        ------
        InputError
            If there is no image, or it cannot be analyzed.
        """
        if self.image is None:
            if self.result is None:
                raise InputError("Open an image or a movie first.")
            raise InputError(f"{self.describe()}: open the image first.")
        self._check_that_planes_are_seen(self.image)
        return take_source(self.image, seen_channel if self.channel is None else self.channel)

    def _check_that_planes_are_seen(self, image: Image) -> None:
        """Refuse what is seen along other axes than the last two: its planes are no frames."""
        dims = self._viewer.dims
        if sorted(dims.order[-2:]) == [dims.ndim - 2, dims.ndim - 1]:
            return
        raise InputError(
            f"{image.name!r} is seen along other axes than its last two, along which frames lie; "
            "put those of a frame last in the array, or roll the axes back."
        )

    @property
    def active(self) -> Layer | None:
        """The layer that is active in napari's layer list; it may stand for nothing."""
        active: Layer | None = self._viewer.layers.selection.active
        return active if active in self._viewer.layers else None

    def require_result(self) -> tuple[MovieResult, Layer]:
        """Return the result, and a layer that shows it.

        Raises
        ------
        InputError
            If there is none; the sentence says what to do.
        """
        if self.result is None or self.result_layer is None:
            raise InputError(self.describe())
        return self.result, self.result_layer

    @property
    def is_map(self) -> bool:
        """Whether it is a map that decided, not an image."""
        return self.layer is not None and result_metadata(self.layer) is not None

    @property
    def about(self) -> dict[str, Any] | None:
        """What the map that decided, else the result, says of the analysis that made it."""
        for layer in (self.layer, self.result_layer):
            about = None if layer is None else result_metadata(layer)
            if about is not None and "parameters" in about:
                return about
        return None

    @property
    def distortion(self) -> Matrix | None:
        """The distortion that was measured on the image."""
        return None if self.image is None else self.image.metadata.get(DISTORTION_KEY)

    def describe(self) -> str:
        """Say whose result this is, or what to do so that there is one."""
        if self.result is not None:
            if self.image is None:
                return f"Result of {self.result.name}, whose image is not open"
            return f"Result of {self.image.name}"
        if self.image is None:
            return "Open an image or a movie, or a saved result."
        return f"{self.image.name} has no result yet: run an analysis of it, or open its result."

    # ------------------------------------------------------------------ choosing

    def choose_image(self, image: Image) -> None:
        """Mean this image, as if it were clicked in the list of layers."""
        self._viewer.layers.selection.active = image

    def choose_channel(self, channel: int | None) -> None:
        """Mean this channel of the image, and what was found in it."""
        if self.image is not None:
            self._channels[str(self.image.unique_id)] = channel
            self._look()

    def choose_region(self, region: Shapes | None) -> None:
        """Look at results in this region only, or in whole frames."""
        self._watch(self.region, region, ("set_data",), self._on_region_edited)
        self.region = region
        self._look()

    def keep_distortion(self, image: Image, distortion: Matrix | None) -> None:
        """Let an image keep the distortion that was measured on it."""
        if image.metadata.get(DISTORTION_KEY) != distortion:
            image.metadata[DISTORTION_KEY] = distortion
            if image == self.image:
                self.image_edited.emit()

    # ------------------------------------------------------------------ following

    def _look(self, _event: Any = None) -> None:
        """Find out what is meant now, and tell if that is something else."""
        layers, image, region = self._viewer.layers, self.image, self.region
        if len({layer.name for layer in layers}) < len(layers):
            return  # napari is about to make names unique again
        self.images = list_images(self._viewer)
        self.regions = [layer for layer in layers if isinstance(layer, Shapes)]
        if region not in self.regions:
            self.region = None
        self._choose(self._deciding_layer())
        selected = [each for each in self.images if each in layers.selection]
        alone = [] if self.image is None else [self.image]
        self.chosen = selected if len(selected) > 1 else alone
        self._watch(image, self.image, _PLACE, self._on_image_edited)
        self._watch(region, self.region, ("set_data",), self._on_region_edited)
        state = self._state()
        if state != self._told:
            self._told = state
            self.changed.emit()

    def _deciding_layer(self) -> Layer | None:
        layers = self._viewer.layers
        for layer in (self.active, self.layer):
            if layer is not None and layer in layers and self._stands(layer):
                return layer
        topmost = [layer for layer in reversed(layers) if self._stands(layer)]
        kept = [layer for layer in topmost if self.result is not None]
        kept = [layer for layer in kept if result_of(layer) is self.result]
        if self.image in self.images:
            kept.append(self.image)
        return next(iter(kept + topmost), None)

    def _choose(self, layer: Layer | None) -> None:
        """Mean what a layer stands for."""
        image = None if layer is None else self._image_of(layer)
        channel = None
        if image is not None:
            about, key = result_metadata(layer), str(image.unique_id)
            if about is not None and layer != self.layer:  # a map chooses its channel
                self._channels[key] = about.get("channel")
            channel = self._channels.get(key)
            if channel is not None and channel >= count_channels(image):
                channel = None
        self.layer, self.image = layer, image
        self.result_layer = None if layer is None else self._find_result(layer, image, channel)
        self.result = result_of(self.result_layer)
        if channel is None and self.result_layer is not None:
            channel = (result_metadata(self.result_layer) or {}).get("channel")
        self.channel = channel

    def _find_result(self, layer: Layer, image: Image | None, channel: int | None) -> Layer | None:
        """Find a layer with a result of an image: this one, else the topmost."""
        if image is None:
            return layer
        for candidate in (layer, *reversed(self._viewer.layers)):
            if result_of(candidate) is None or self._image_of(candidate) != image:
                continue
            if channel in (None, (result_metadata(candidate) or {}).get("channel")):
                return candidate
        return None

    def _image_of(self, layer: Layer) -> Image | None:
        return layer if layer in self.images else source_layer_of(self._viewer, layer)

    def _stands(self, layer: Layer) -> bool:
        """Return whether a layer stands for an image or a result."""
        return result_of(layer) is not None or self._image_of(layer) is not None

    def _state(self) -> list[Any]:
        """List what is meant and what can be, with the names.

        Which map of a result is active makes no difference.
        """
        layers = [self.image, self.region, None, *self.images, None, *self.regions]
        layers += [None, *self.chosen]
        names = [None if layer is None else layer.name for layer in layers]
        parameters = (self.about or {}).get("parameters")
        return [self.channel, self.result, self.is_map, parameters, *layers, *names]

    def _watch(
        self,
        old: Layer | None,
        new: Layer | None,
        names: tuple[str, ...],
        callback: Callable[[Any], None],
    ) -> None:
        """Follow what happens to a layer, and no longer what happens to another."""
        if old == new:
            return
        for name in names:
            if old is not None:
                getattr(old.events, name).disconnect(callback)
            if new is not None:
                getattr(new.events, name).connect(callback)

    def _on_image_edited(self, _event: Any = None) -> None:
        self.image_edited.emit()

    def _on_activated(self, _event: Any = None) -> None:
        self.activated.emit()

    def _on_region_edited(self, _event: Any = None) -> None:
        self.region_edited.emit()


_SELECTIONS: WeakValueDictionary[int, Selection] = WeakValueDictionary()
"""The selection of each viewer, for as long as a dock asks it."""


def selection_of(viewer: ViewerModel) -> Selection:
    """Return the one selection of a viewer; napari hands viewers to docks in wrappers."""
    selection = _SELECTIONS.get(hash(viewer))
    if selection is None:
        selection = _SELECTIONS[hash(viewer)] = Selection(viewer)
    return selection
