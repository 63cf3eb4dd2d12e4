"""Which image is inspected, and with the settings of which result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters, parse_parameters
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.layers.result_layers import result_metadata
from napari_lattice_symmetry.plugin.selection.results import chosen_result, source_layer_of
from napari_lattice_symmetry.plugin.selection.source import Source, find_channel_axis, take_source

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer


@dataclass(frozen=True, eq=False)
class Inspected:
    """An image layer, and what the result that was made from it says of itself.

    Parameters
    ----------
    image : napari.layers.Image
        The image to look at.
    about : dict or None
        Metadata of the result that is selected, else of the topmost one that was made from it.
    on_grid : bool
        Whether a map is selected, so that only its own windows are looked at.
    """

    image: Image
    about: dict[str, Any] | None
    on_grid: bool

    @property
    def parameters(self) -> AnalysisParameters | None:
        """Settings of the result, if there is one."""
        return None if self.about is None else parse_parameters(**self.about["parameters"])

    def take_source(self, viewer: ViewerModel) -> Source:
        """Take frames and geometry of the image; of its channels the analyzed, else the seen one.

        Raises
        ------
        InputError
            As `source.take_source`.
        """
        channel = None if self.about is None else self.about.get("channel")
        axis = find_channel_axis(self.image)
        if channel is None and axis is not None:
            channel = round(self.image.world_to_data(viewer.dims.point)[axis])
        return take_source(self.image, channel)


def choose_inspected(viewer: ViewerModel, selected: Layer | None) -> Inspected:
    """Choose by the selected layer; where it says nothing, by the topmost result or image.

    Raises
    ------
    InputError
        If there is no image, or not that of the selected map.
    """
    about = None if selected is None else result_metadata(selected)
    if selected is not None and about is not None:
        image = source_layer_of(viewer, selected)
        if image is None:
            raise InputError(
                f"The image that {selected.name!r} was made from is not open; open it, or select "
                "another image."
            )
        return Inspected(image, about, on_grid=True)

    chosen = chosen_result(viewer)
    analyzed = None if chosen is None else source_layer_of(viewer, chosen[0])
    image = selected if isinstance(selected, Image) else analyzed or _topmost_image(viewer)
    if image is None:
        raise InputError("Open an image or a movie to inspect.")
    about = result_metadata(chosen[0]) if chosen is not None and analyzed == image else None
    return Inspected(image, about, on_grid=False)


def _topmost_image(viewer: ViewerModel) -> Image | None:
    images = (
        layer
        for layer in reversed(viewer.layers)
        if isinstance(layer, Image) and result_metadata(layer) is None
    )
    return next(images, None)
