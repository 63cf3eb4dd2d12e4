"""What a viewer does for calibrated layers and for results, once it has shown one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import pint

from napari_lattice_symmetry.data.movie import NANOMETER
from napari_lattice_symmetry.plugin.layers.hover import show_probability_in_status
from napari_lattice_symmetry.plugin.layers.legend_box import show_legends
from napari_lattice_symmetry.plugin.layers.protection import protect_results

if TYPE_CHECKING:
    from napari.components import LayerList, ViewerModel
    from napari.layers import Layer

_CARED_FOR: WeakSet[ViewerModel] = WeakSet()


def take_care(viewer: ViewerModel | None) -> None:
    """Tell values in the status bar, protect results, show legends and the scale bar.

    Parameters
    ----------
    viewer : napari.Viewer or None
        What is asked for again changes nothing; without a viewer there is nothing to do.
    """
    # The registry loads its units when first asked; another thread must not meet it half loaded.
    pint.get_application_registry().Unit(NANOMETER)
    viewer = getattr(viewer, "__wrapped__", viewer)  # napari hands docks a proxy
    if viewer is None or viewer in _CARED_FOR:
        return
    _CARED_FOR.add(viewer)
    show_probability_in_status(viewer.layers)
    protect_results(viewer.layers)
    show_legends(viewer)
    _show_scale_bar(viewer)


def _show_scale_bar(viewer: ViewerModel) -> None:
    """Show napari's scale bar as soon as there is a layer whose pixels are lengths.

    That is done once: a person may hide it.
    """
    if _show_if_calibrated(viewer, viewer.layers):
        return

    def on_inserted(event: Any) -> None:
        if _show_if_calibrated(viewer, [event.value]):
            viewer.layers.events.inserted.disconnect(on_inserted)

    viewer.layers.events.inserted.connect(on_inserted)


def _show_if_calibrated(viewer: ViewerModel, layers: LayerList | list[Layer]) -> bool:
    found = any(_is_length(layer.units[-1]) for layer in layers)
    if found:
        bar = scale_bar_of(viewer)
        bar.visible = True
        if "unit" in type(bar).model_fields:  # later versions go by the layers
            bar.unit = NANOMETER
    return found


def scale_bar_of(viewer: ViewerModel) -> Any:
    """Return the scale bar, which napari 0.9 has moved to the canvas."""
    canvas = getattr(viewer, "canvas", None)
    return viewer.scale_bar if canvas is None else canvas.overlays.scale_bar


def _is_length(unit: Any) -> bool:
    return bool(pint.get_application_registry().Unit(unit).is_compatible_with(NANOMETER))
