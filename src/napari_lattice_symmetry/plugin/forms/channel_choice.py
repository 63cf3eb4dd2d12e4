"""Which channel of a layer is analyzed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox

from napari_lattice_symmetry.plugin.selection.source import (
    ALL_CHANNELS,
    can_be_frames,
    count_channels,
)

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_lattice_symmetry.plugin.selection.selection import Selection


class ChannelChoice(QComboBox):
    """Chooses the channel of the selected image, or all of them as the frames of a movie.

    Parameters
    ----------
    selection : Selection
        Is told what is chosen.
    """

    def __init__(self, selection: Selection) -> None:
        super().__init__()
        self._selection = selection
        self.setToolTip(
            "The channel to analyze of a layer (T, C, Y, X), or all as the frames of a movie."
        )
        self.currentIndexChanged.connect(lambda _: selection.choose_channel(self.currentData()))

    def show_channels(self, layer: Image | None) -> bool:
        """List the channels of a layer and show the chosen one; tell whether there are several."""
        n_channels = 1 if layer is None else count_channels(layer)
        self.blockSignals(True)
        self.clear()
        self.addItem("choose…", None)
        for channel in range(n_channels):
            self.addItem(str(channel), channel)
        if layer is not None and can_be_frames(layer):
            self.addItem("all, as frames", ALL_CHANNELS)
        self.setCurrentIndex(self.findData(self._selection.channel))
        self.blockSignals(False)
        return n_channels > 1
