"""The tab that shows what is seen of a crystal along a zone axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLineEdit

from napari_lattice_symmetry.crystals import Projection, project
from napari_lattice_symmetry.crystals.zones import Zone, parse_zone
from napari_lattice_symmetry.plugin.crystal.crystal_tab import CrystalTab
from napari_lattice_symmetry.plugin.crystal.points import column_points
from napari_lattice_symmetry.plugin.crystal.structures import Source, load_structure

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure
    from napari.layers import Layer

_DELAY = 300  # ms after the last letter of an axis


class ProjectionTab(CrystalTab):
    """Draws the columns of a crystal along a zone axis that is typed."""

    hint = "Add a crystal: this shows its columns along a zone axis, their lattice and plane group."
    layers_tip = (
        "Add the columns as points in nm, with their elements, atomic numbers and contrast."
    )
    found: Projection | None

    def __init__(self, viewer: napari.viewer.Viewer, choose: Callable[[], Source | None]) -> None:
        super().__init__(viewer, choose)
        self.answer_by(_look, self._on_seen, _DELAY)
        self.zone = QLineEdit("0 0 1")
        self.zone.setToolTip(
            "Axis along which the crystal is seen: three indices on the axes of its conventional "
            "cell, or four of a hexagonal one."
        )
        self.zone.textChanged.connect(self.ask)
        self.form.addRow("Zone axis", self.zone)

    def request(self, source: Source) -> tuple[Source, Zone]:
        """Return the crystal and the axis that is typed."""
        return source, parse_zone(self.zone.text())

    def draw(self, figure: Figure, found: Projection) -> None:
        """Draw the columns, and their lattice."""
        from napari_lattice_symmetry.crystals.plots import draw_projection

        axes = figure.subplots()
        draw_projection(axes, found)
        axes.legend(
            frameon=False, fontsize="x-small", ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1)
        )

    def add_layers(self) -> list[Layer]:
        """Add the columns as points."""
        if self.found is None:
            return []
        data, look, _ = column_points(self.found)
        return [self.viewer.add_points(data, **look)]

    def _on_seen(self, answer: tuple[Projection, str]) -> None:
        seen, remark = answer
        group = seen.plane_group or "not looked for"
        self.show_found(
            seen,
            f"{seen.name}: a, b = {seen.a:.4f}, {seen.b:.4f} nm, gamma = {seen.gamma:.2f}°; "
            f"{seen.label}, plane group {group}. {remark}".rstrip(),
        )


def _look(request: tuple[Source, Zone], _should_stop: Callable[[], bool]) -> tuple[Projection, str]:
    source, zone = request
    crystal = load_structure(source)
    return project(crystal, zone), crystal.symmetry_remark
