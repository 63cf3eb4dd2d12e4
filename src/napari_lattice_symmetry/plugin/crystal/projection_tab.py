"""The tab that shows what is seen of a crystal along a zone axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFormLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_lattice_symmetry.crystals import Projection, project
from napari_lattice_symmetry.crystals.zones import Zone, parse_zone
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.crystal.points import column_points
from napari_lattice_symmetry.plugin.crystal.structures import Source, load_structure

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure
    from napari.layers import Layer

HINT = "Add a crystal: this shows its columns along a zone axis, their lattice and plane group."
_DELAY = 300  # ms after the last letter of an axis


class ProjectionTab(QWidget):
    """Draws the columns of a crystal along a zone axis that is typed.

    Parameters
    ----------
    viewer : napari.Viewer
        Where layers go.
    choose : callable
        Gives the source of the crystal that is meant; None where there is none.
    """

    def __init__(self, viewer: napari.viewer.Viewer, choose: Callable[[], Source | None]) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import FigureCanvas

        super().__init__()
        self._viewer, self._choose = viewer, choose
        self.seen: Projection | None = None
        self._request = LatestRequest(_look, self, delay=_DELAY)
        self._request.done.connect(self._on_done)
        self._request.failed.connect(self._on_failure)
        self.zone = QLineEdit("0 0 1")
        self.zone.setToolTip(
            "Axis along which the crystal is seen: three indices on the axes of its conventional "
            "cell, or four of a hexagonal one."
        )
        self.zone.textChanged.connect(self.ask)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.canvas = FigureCanvas(viewer, self._plot)
        self.canvas.setMinimumHeight(150)
        self.layers_button = QPushButton("Show as layers")
        self.layers_button.setToolTip(
            "Add the columns as points in nm, with their elements, atomic numbers and contrast."
        )
        self.layers_button.setEnabled(False)
        self.layers_button.clicked.connect(self.add_layers)
        form = QFormLayout()
        form.addRow("Zone axis", self.zone)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(3)
        layout.addLayout(form)
        layout.addWidget(self.text)
        layout.addWidget(self.canvas.pane, stretch=1)
        layout.addWidget(self.layers_button)

    @property
    def is_busy(self) -> bool:
        """Whether a projection is being computed."""
        return self._request.is_busy

    def release(self) -> None:
        """Let go of the viewer."""
        self._request.drop()
        self.canvas.release()

    def ask(self, _: Any = None) -> None:
        """Look at the crystal that is meant now, along the axis that is typed now."""
        source = self._choose()
        if source is None:
            self._request.drop()
            self._show(None, "")
            return
        try:
            self._request.ask((source, parse_zone(self.zone.text())))
        except InputError as error:
            self._request.drop()
            self._show(None, str(error))

    def add_layers(self) -> list[Layer]:
        """Add the columns as points."""
        if self.seen is None:
            return []
        data, look, _ = column_points(self.seen)
        return [self._viewer.add_points(data, **look)]

    def _on_done(self, found: tuple[Projection, str]) -> None:
        seen, remark = found
        group = seen.plane_group or "not looked for"
        self._show(
            seen,
            f"{seen.name}: a, b = {seen.a:.4f}, {seen.b:.4f} nm, gamma = {seen.gamma:.2f}°; "
            f"{seen.label}, plane group {group}. {remark}".rstrip(),
        )

    def _on_failure(self, error: Exception) -> None:
        self._show(None, str(error))

    def _show(self, seen: Projection | None, sentence: str) -> None:
        self.seen = seen
        self.text.setText(sentence)
        self.layers_button.setEnabled(seen is not None)
        self.canvas.refresh()

    def _plot(self, figure: Figure) -> None:
        from napari_lattice_symmetry.crystals.plots import draw_projection
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import write_hint

        if self.seen is None:
            write_hint(figure, HINT)
            return
        axes = figure.subplots()
        draw_projection(axes, self.seen)
        axes.legend(
            frameon=False, fontsize="x-small", ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1)
        )


def _look(request: tuple[Source, Zone], _should_stop: Callable[[], bool]) -> tuple[Projection, str]:
    source, zone = request
    crystal = load_structure(source)
    return project(crystal, zone), crystal.symmetry_remark
