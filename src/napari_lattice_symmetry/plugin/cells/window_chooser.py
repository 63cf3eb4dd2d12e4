"""Which windows a unit cell is averaged over: a click, a region, a class, or whole frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox

from napari_lattice_symmetry.analysis.cell_windows import (
    Places,
    places_of_class,
    places_of_frames,
    window_side,
)
from napari_lattice_symmetry.analysis.grains import places_of_grain
from napari_lattice_symmetry.analysis.reading import read_frame
from napari_lattice_symmetry.cells.parameters import CellParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.inspection.window import place_window
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm
from napari_lattice_symmetry.plugin.inspect.picking import Picking
from napari_lattice_symmetry.plugin.layers.outline import WindowOutline
from napari_lattice_symmetry.plugin.layers.regions import region_mask, region_polygons
from napari_lattice_symmetry.plugin.selection.selection import Selection
from napari_lattice_symmetry.plugin.selection.source import Source
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow
from napari_lattice_symmetry.results import MovieResult

if TYPE_CHECKING:
    import napari.viewer

CLICK, FRAME, REGION = "clicked window", "whole frame", "region"
CLASS, GRAIN = "class", "clicked grain"


@dataclass(frozen=True, eq=False)
class WindowRequest:
    """What is to be averaged; all that a thread needs to know.

    Parameters
    ----------
    movie : Movie
        The image as it is now.
    frames : tuple of int
        Which frames.
    kind : str
        Where windows are taken from.
    center : (float, float), optional
        Row and column of what was clicked.
    inside : ndarray of bool, optional
        The pixels of a region.
    result : MovieResult, optional
        In which windows have classes, and lattices.
    name : str
        The class.
    parameters : CellParameters
        Size of the windows, and how a group is named.
    """

    movie: Movie
    frames: tuple[int, ...]
    kind: str
    parameters: CellParameters
    center: tuple[float, float] | None = None
    inside: NDArray[np.bool_] | None = None
    result: MovieResult | None = None
    name: str = ""

    def places(self) -> tuple[Places, int]:
        """List the windows, and give their side.

        Raises
        ------
        LatticeSymmetryError
            If there is none, or a frame cannot be read.
        """
        shape = self.movie.shape[1:]
        middle = self.center or ((shape[0] - 1) / 2, (shape[1] - 1) / 2)
        if self.kind == CLASS and self.result is not None:
            places = places_of_class(self.result, self.name, self.frames)
            return places, self.result.grid.window
        if self.kind == GRAIN and self.result is not None:
            y, x = middle
            return places_of_grain(self.result, (x, y), self.frames), self.result.grid.window
        side = self.parameters.window or window_side(read_frame(self.movie, self.frames[0]))
        if self.kind == CLICK:
            corner = place_window(middle, side, shape)
            return np.array([(frame, *corner) for frame in self.frames]), side
        return places_of_frames(shape, self.frames, side, self.inside), side


class WindowChooser(QObject):
    """The rows that say which windows are meant, and clicks that choose one.

    Parameters
    ----------
    viewer : napari.Viewer
        On whose canvas windows are chosen.
    selection : Selection
        Which image, result and region are meant.
    parent : QObject
        What this belongs to.

    Attributes
    ----------
    form : ModelForm
        The rows.

    Signals
    -------
    changed()
        Other windows are meant, or the image is another one.
    """

    changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, selection: Selection, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self._selection = viewer, selection
        self._center: tuple[float, float] | None = None
        self._frame = 0
        self._listed: list[tuple[str, Any]] = []
        self.outline = WindowOutline(viewer, "averaged window")
        self.picking = Picking(viewer, self, keys=False)
        self.where = QComboBox()
        self.where.setToolTip(
            "Average a window that is clicked in the image, or all windows of the frame, of the "
            "shapes of a layer, of the grain that is clicked, or of a class in the result. Grains "
            "are told apart in results with lattice maps."
        )
        self.frames = QComboBox()
        self.frames.addItems(["this frame", "all frames"])
        self.frames.setToolTip("Average the frame that is shown, or all frames of the movie.")
        self.form = ModelForm(CellParameters(), remembered_as="cells")
        self.form.put_beside("window", self.form.shorten_reset())
        rows = self.form.pages[""]
        rows.insertRow(0, "Average", self.where)
        rows.insertRow(1, "Of", self.frames)
        for box in (self.where, self.frames):
            keep_narrow(box)
        self._list_places()
        self._told = self._meant()
        self.where.activated.connect(self._on_where)
        self.frames.activated.connect(self.changed)
        self.form.changed.connect(lambda _value=None: self.changed.emit())
        self.picking.clicked.connect(self._on_clicked)
        selection.changed.connect(self._on_selection)
        selection.image_edited.connect(self.changed)
        selection.region_edited.connect(self._on_region_edited)
        viewer.dims.events.current_step.connect(self._on_step)
        self.picking.set_on(True)

    def release(self) -> None:
        """Let go of the viewer."""
        self.picking.set_on(False)
        self.outline.remove()
        self._selection.changed.disconnect(self._on_selection)
        self._selection.image_edited.disconnect(self.changed)
        self._selection.region_edited.disconnect(self._on_region_edited)
        self._viewer.dims.events.current_step.disconnect(self._on_step)

    @property
    def is_whole_movie(self) -> bool:
        """Whether all frames are meant, which takes time."""
        return self.frames.currentIndex() == 1

    @property
    def kind(self) -> str:
        """Where windows are taken from."""
        return self._listed[self.where.currentIndex()][0]

    def request(self) -> WindowRequest:
        """Say what is meant now.

        Raises
        ------
        InputError
            If there is no image, or a value is out of its range.
        """
        source = self._selection.take_source(0)
        self._frame = self._frame_shown(source)
        kind, chosen = self._listed[self.where.currentIndex()]
        frames = tuple(range(len(source.movie))) if self.is_whole_movie else (self._frame,)
        given: dict[str, Any] = {}
        if kind == REGION:
            image, shape = self._selection.image, source.movie.shape[1:]
            assert image is not None  # else there is no source
            given["inside"] = region_mask(region_polygons(chosen), image, shape)
        elif kind == CLASS:
            result, _ = self._selection.require_result()
            given |= {"result": result, "name": chosen}
        elif kind == GRAIN:
            result, _ = self._selection.require_result()
            given |= {"result": result, "center": self._center}
        elif kind == CLICK:
            given["center"] = self._center
        return WindowRequest(source.movie, frames, kind, self.form.values(), **given)

    def show_outline(self, places: Places, side: int) -> None:
        """Show the window that was chosen by a click."""
        image = self._selection.image
        if image is None or self.kind != CLICK:
            self.outline.hide()
            return
        _, y, x = places[0].tolist()
        self.outline.show(image, (y, x), side)

    def _list_places(self) -> None:
        before = self._listed[self.where.currentIndex()] if self._listed else (CLICK, None)
        regions = self._selection.regions
        self._listed = [(CLICK, None), (FRAME, None)]
        self._listed += [(REGION, each) for each in regions if each != self.outline.layer]
        result = self._selection.result
        if result is not None:
            if result.a_direction is not None:
                self._listed.append((GRAIN, None))
            self._listed += [(CLASS, name) for name in CLASSES if name != "noise"]
        self.where.clear()
        for kind, chosen in self._listed:
            self.where.addItem(
                kind if chosen is None else f"{kind} {getattr(chosen, 'name', chosen)}"
            )
        self.where.setCurrentIndex(self._listed.index(before) if before in self._listed else 0)

    def _on_selection(self) -> None:
        """Follow another image or result; which of their layers is selected makes no difference."""
        self._list_places()
        if self._meant() != self._told:
            self._told = self._meant()
            self.changed.emit()

    def _meant(self) -> list[Any]:
        selection, image = self._selection, self._selection.image
        name = None if image is None else image.name
        result = selection.result if self.kind in (CLASS, GRAIN) else None
        return [image, name, selection.channel, self._listed[self.where.currentIndex()], result]

    def _on_where(self, index: int) -> None:
        kind, chosen = self._listed[index]
        if kind == REGION:
            self._selection.choose_region(chosen)
        self._told = self._meant()
        self.changed.emit()

    def _on_region_edited(self) -> None:
        if self.kind == REGION:
            self.changed.emit()

    def _on_clicked(self, position: Any) -> None:
        image = self._selection.image
        if image is None or self.kind not in (CLICK, GRAIN):
            return
        y, x = (float(each) for each in image.world_to_data(position)[-2:])
        last_y, last_x = image.extent.data[1, -2:]
        if -0.5 <= y < last_y + 0.5 and -0.5 <= x < last_x + 0.5:
            self._center = y, x
            self.changed.emit()

    def _on_step(self, _event: Any = None) -> None:
        if self.is_whole_movie:
            return
        try:
            source = self._selection.take_source(0)
        except LatticeSymmetryError:
            return  # whoever asks is told why
        if self._frame_shown(source) != self._frame:
            self.changed.emit()

    def _frame_shown(self, source: Source) -> int:
        return source.geometry.frame_at(self._viewer.dims.point, len(source.movie))
