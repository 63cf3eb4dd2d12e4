"""The tab that maps strain and rotation of the lattices of a result."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_lattice_symmetry.analysis.steps import Progress, ShouldStop
from napari_lattice_symmetry.cells.parameters import KNOWN, MEDIAN, StrainParameters
from napari_lattice_symmetry.cells.strain import known_basis
from napari_lattice_symmetry.data.movie import NANOMETER
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.inspection.strain import plot_strain, write_strain
from napari_lattice_symmetry.lattice.basis import lattice_parameters
from napari_lattice_symmetry.lattice.strain import StrainMaps
from napari_lattice_symmetry.plugin.background.task_bar import Task, TaskBar
from napari_lattice_symmetry.plugin.cells.layers import STRAIN, strain_layers
from napari_lattice_symmetry.plugin.forms.known_lattice import KnownLatticeForm
from napari_lattice_symmetry.plugin.layers.origin import geometry_of, result_of
from napari_lattice_symmetry.plugin.layers.regions import region_mask, region_polygons
from napari_lattice_symmetry.plugin.layers.result_group import add_made_of_result
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.selection.selection import Selection
from napari_lattice_symmetry.plugin.widgets.export_dialog import export
from napari_lattice_symmetry.results import MovieResult

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Layer

_ROWS = ("reference", "axes", "lattice", "a", "b", "gamma", "errors")
_HINT = "It takes a result with lattice maps: see Advanced in its settings."


class StrainTab(Releasing, QWidget):
    """Compares the lattices of the selected result with a reference, and shows maps.

    Parameters
    ----------
    viewer : napari.Viewer
        Where layers go.
    selection : Selection
        Which result is meant, and which regions there are.
    """

    def __init__(self, viewer: napari.viewer.Viewer, selection: Selection) -> None:
        super().__init__()
        self._viewer, self._selection = viewer, selection
        self._member: Layer | None = None
        self._mapped: tuple[MovieResult, StrainMaps] | None = None
        self.form = KnownLatticeForm(StrainParameters(), _ROWS)
        self.bar = self.keep(
            TaskBar(
                "&Map strain",
                "Add exx, eyy, exy (%) and rotation (°) of every window of the result as layers.",
                self._prepare,
            )
        )
        self.summary = QLabel(_HINT)
        self.summary.setWordWrap(True)
        self.export_button = QPushButton("Export…")
        self.export_button.setToolTip(
            "Save strain and rotation of every window, with their errors, as CSV, or the maps of "
            "the frame that is shown as a picture."
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(3)
        layout.addWidget(self.form.native)
        layout.addWidget(self.bar)
        layout.addWidget(self.summary)
        layout.addWidget(self.export_button)
        layout.addStretch(1)
        self.export_button.clicked.connect(self._export)
        self.bar.done.connect(self._on_done)
        self.form["reference"].changed.connect(self._show_known)
        self.listen(selection.changed, self._on_selection)
        self._on_selection()

    def _on_selection(self) -> None:
        self._list_references()
        self._tell()

    def _tell(self) -> None:
        """Tell of the strain that was mapped, unless another result is selected."""
        mapped = self._mapped
        if mapped is not None and mapped[0] is not self._selection.result:
            mapped = None
        self.export_button.setEnabled(mapped is not None)
        self.summary.setText(_HINT if mapped is None else describe_strain(mapped[1]))

    def _list_references(self) -> None:
        self._regions = {f"region {region.name}": region for region in self._selection.regions}
        self.form.offer("reference", (MEDIAN, *self._regions, KNOWN))
        self._show_known()

    def _show_known(self) -> None:
        self.form.ask(self.form["reference"].value == KNOWN)

    def _prepare(self) -> Task:
        result, self._member = self._selection.require_result()
        asked = self.form.values()
        reference = self._reference(asked, result, self._member)
        lattice_axes = asked.axes != StrainParameters().axes

        def task(_progress: Progress, _should_stop: ShouldStop) -> StrainMaps:
            return result.strain(reference, lattice_axes=lattice_axes)

        return task

    def _reference(self, asked: StrainParameters, result: MovieResult, member: Layer) -> Any:
        if asked.reference == MEDIAN:
            return None
        if asked.reference == KNOWN:
            if result.unit != NANOMETER:
                raise InputError(
                    f"{result.name} has no pixel size, so that its lattices are in pixels; set it "
                    "and analyze again, or take another reference."
                )
            return lattice_parameters(known_basis(asked.known))
        region = self._regions[asked.reference]
        inside = region_mask(region_polygons(region), member, result.grid.shape)
        if not inside.any():
            raise InputError(
                f"No window has its center in {region.name!r}; draw a polygon, a rectangle or an "
                "ellipse on the map."
            )
        return inside

    def _on_done(self, maps: StrainMaps) -> None:
        result = result_of(self._member)
        if self._member is not None and result is not None:
            made = strain_layers(maps, self._member, with_errors=self.form["errors"].value)
            add_made_of_result(self._viewer.layers, self._member, STRAIN, made)
            self._mapped = result, maps
        self._tell()

    def _export(self) -> None:
        if self._mapped is None:
            return
        result, maps = self._mapped
        geometry, frames = geometry_of(self._member), result.frame_indices
        frame = frames[0]
        if geometry is not None:
            frame = geometry.frame_at(self._viewer.dims.point, int(frames[-1]) + 1)
        position = int(np.abs(frames - frame).argmin())
        export(
            self,
            f"{result.name} strain",
            partial(plot_strain, result, maps, position),
            partial(write_strain, result, maps),
        )


def describe_strain(maps: StrainMaps) -> str:
    """Say in HTML how much there is of each, and how well that is known."""
    found = int(np.isfinite(maps.exx).sum())
    if not found:
        return "No window has the lattice of the reference."
    name = partial("<tr><td>{}</td><td>{:.2f}</td><td>{:.2f}</td><td>{}</td></tr>".format)
    rows = [
        name(
            title,
            float(np.nanmean(values)),
            float(np.nanstd(values)),
            "" if maps.errors is None else f"{np.nanmedian(maps.errors[k]):.2g}",
        )
        for k, (title, values) in enumerate(
            (
                ("exx (%)", maps.exx),
                ("eyy (%)", maps.eyy),
                ("exy (%)", maps.exy),
                ("rotation (°)", maps.rotation),
            )
        )
    ]
    heading = "<tr><td></td><td>mean</td><td>spread</td><td>error</td></tr>"
    return (
        f"{found} of {maps.exx.size} windows have the lattice of the reference."
        f"<table cellspacing=4>{heading}{''.join(rows)}</table>"
    )
