"""Which layer of atoms is meant, and what happens to it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from napari.layers import Points
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lattice_symmetry.plugin.atoms.coloring import paint
from napari_lattice_symmetry.plugin.atoms.layers import (
    FoundAtoms,
    atoms_in,
    found_in,
    layers_of_atoms,
    make_layer,
)
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.selection.selection import Selection

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Layer

    from napari_lattice_symmetry.atoms import Atoms


class CurrentAtoms(Releasing, QObject):
    """The atoms of the layer that is active, else of the selected image.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers these are.
    selection : Selection
        Which image is meant.
    parent : QObject
        What this belongs to.

    Attributes
    ----------
    layer : napari.layers.Points or None
        Where they are.
    colored_by : str
        The feature that their colors stand for.

    Signals
    -------
    changed()
        Another layer is meant, or none.
    """

    changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, selection: Selection, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self._selection = viewer, selection
        self.layer: Points | None = None
        self.colored_by = "confidence"
        events = viewer.layers.events
        for event in (events.inserted, events.removed, selection.changed, selection.activated):
            self.listen(event, self.look)
        self.look()

    @property
    def found(self) -> FoundAtoms | None:
        """What the layer was made of."""
        return found_in(self.layer)

    @property
    def atoms(self) -> Atoms | None:
        """The atoms as they are in the layer now."""
        return None if self.layer is None else atoms_in(self.layer)

    def describe(self) -> str:
        """Say whose atoms these are, or what to do so that there are some."""
        image, found = self._selection.image, self.found
        if found is None:
            if image is None:
                return "Open an image or a movie."
            return f"{image.name} has no atoms yet: find them."
        if image is None or str(image.unique_id) != found.source.layer_id:
            return f"Atoms of {found.source.movie.name}, whose image is not open"
        return f"Atoms of {image.name}"

    def show(self, found: FoundAtoms) -> None:
        """Add the layer of what was found, in place of that of the search before."""
        layers = self._viewer.layers
        before = layers_of_atoms(layers, found.source.layer_id)
        layer = make_layer(found)
        paint(layer, self.color_name(layer))
        with getattr(layers, "batched_update", nullcontext)():  # which older napari does not have
            for each in before:
                layers.remove(each)
        self._viewer.add_layer(layer)
        self.look()

    def put_beside(self, layer: Layer) -> None:
        """Add a layer that marks something, in place of that of its name; what is active stays."""
        layers, active = self._viewer.layers, self._viewer.layers.selection.active
        if layer.name in layers:
            layers.remove(layer.name)
        self._viewer.add_layer(layer)
        if active in layers:
            layers.selection.active = active

    def color_by(self, name: str) -> None:
        """Color the atoms by another feature, now and after the next search."""
        self.colored_by = name
        self.repaint()

    def repaint(self) -> None:
        """Color the atoms anew."""
        if self.layer is not None:
            paint(self.layer, self.color_name(self.layer))

    def color_name(self, layer: Points) -> str:
        """Return the feature that a layer is colored by: the chosen one if it has that."""
        names = list(layer.features.columns)
        return self.colored_by if self.colored_by in names else names[0]

    def look(self, _event: Any = None) -> None:
        """Find out which layer is meant now."""
        layer = self._meant()
        if layer is not self.layer:
            self.layer = layer
            self.changed.emit()

    def _meant(self) -> Points | None:
        active, image = self._selection.active, self._selection.image
        if isinstance(active, Points) and found_in(active) is not None:
            return active
        layers = self._viewer.layers
        mine = [] if image is None else layers_of_atoms(layers, str(image.unique_id))
        return mine[-1] if mine else None
