"""magicgui's chooser of a layer, or of none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from magicgui.widgets import ComboBox

from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow

if TYPE_CHECKING:
    from napari.layers import Layer


class LayerChoice(ComboBox):
    """Chooses one of some layers, or None.

    Parameters
    ----------
    list_layers : callable
        Gives what there is to choose from.
    none : str
        What it shows where that is None.
    tooltip : str
        What is chosen.
    """

    def __init__(self, list_layers: Callable[[], Sequence[Layer]], none: str, tooltip: str) -> None:
        self.null_string = none
        super().__init__(choices=lambda _: list_layers(), nullable=True, tooltip=tooltip)
        keep_narrow(self.native, letters=5)

    def show_layer(self, layer: Layer | None) -> None:
        """List the layers anew and show one, or none, as chosen; nobody is told."""
        with self.changed.blocked():
            self.reset_choices()
            self.value = layer
