"""The dock "Phase evolution": what happened in the movie, and how fast."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFormLayout, QLabel, QTabWidget

from napari_lattice_symmetry.evolution.growth import GrowthFit
from napari_lattice_symmetry.plugin.evolution.brightness_controls import BrightnessControls
from napari_lattice_symmetry.plugin.evolution.curves_tab import CurvesTab
from napari_lattice_symmetry.plugin.evolution.drift_tab import DriftTab
from napari_lattice_symmetry.plugin.evolution.follower import ResultFollower
from napari_lattice_symmetry.plugin.evolution.kinetics_tab import KineticsTab
from napari_lattice_symmetry.plugin.evolution.lives_tab import LivesTab
from napari_lattice_symmetry.plugin.evolution.report_button import ReportButton
from napari_lattice_symmetry.plugin.forms.layer_choice import LayerChoice
from napari_lattice_symmetry.plugin.selection.selection import selection_of
from napari_lattice_symmetry.plugin.widgets.dock import Dock
from napari_lattice_symmetry.plugin.widgets.narrow import keep_narrow
from napari_lattice_symmetry.plugin.widgets.selection_line import SelectionLine

if TYPE_CHECKING:
    import napari.viewer

WHOLE_FRAMES = "whole frames"


class EvolutionWidget(Dock):
    """Shows the evolution and the kinetics of the result in the selected layer.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers hold results and regions.
    """

    page = "kinetics.md"

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.selection = selection_of(viewer)
        self.follower = self.keep(ResultFollower(viewer, self.selection, self))
        self.brightness = self.keep(BrightnessControls(self.follower))
        self.curves = self.keep(CurvesTab(self.follower, self.brightness))
        self.kinetics = self.keep(KineticsTab(self.follower, self.brightness))
        self.drift = self.keep(DriftTab(self.follower))
        self.lives = self.keep(LivesTab(self.follower))

        self.result_text = self.keep(SelectionLine(self.selection))
        self.region_chooser = LayerChoice(
            lambda: self.selection.regions,
            WHOLE_FRAMES,
            "Count only windows whose centers lie in the polygons, rectangles and ellipses of a "
            "Shapes layer.",
        )
        self.region_chooser.changed.connect(self.selection.choose_region)
        self.tabs = QTabWidget()
        keep_narrow(self.tabs)
        self.tabs.addTab(self.curves, "Evolution")
        self.tabs.addTab(self.kinetics, "Kinetics")
        self.tabs.addTab(self.drift, "Drift")
        self.tabs.addTab(self.lives, "Atoms")
        self.tabs.currentChanged.connect(self._on_tab)
        self.report_button = ReportButton(self.follower, self._shown_growth)
        self.status = QLabel()
        self.status.setWordWrap(True)
        form = QFormLayout()
        form.setVerticalSpacing(3)
        form.addRow("Region", self.region_chooser.native)
        layout = self.column
        layout.addWidget(self.result_text)
        layout.addLayout(form)
        layout.addWidget(self.tabs, stretch=1)
        layout.addWidget(self.status)
        self.foot.insertWidget(0, self.report_button)

        self._remarks: dict[str, str] = {}
        for name, part in (
            ("brightness", self.brightness),
            ("curves", self.curves),
            ("kinetics", self.kinetics),
            ("drift", self.drift),
            ("lives", self.lives),
        ):
            part.told.connect(partial(self._on_told, name))
        self.listen(self.selection.changed, self._show_region)
        self._show_region()
        self.curves.ask()

    def _show_region(self) -> None:
        self.region_chooser.show_layer(self.selection.region)

    def _on_tab(self, _index: Any) -> None:
        self.kinetics.ask()
        self._show_remarks()

    def _shown_growth(self) -> list[GrowthFit]:
        """Return the fit in the kinetics tab; another tab may hide one of an earlier result."""
        is_shown = self.tabs.currentWidget() is self.kinetics and not self.kinetics.is_busy
        return [] if self.kinetics.fit is None or not is_shown else [self.kinetics.fit]

    def _on_told(self, part: str, sentence: str) -> None:
        self._remarks[part] = sentence
        self._show_remarks()

    def _show_remarks(self) -> None:
        """Show what concerns the tab that is seen."""
        tab = ("curves", "kinetics", "drift", "lives")[self.tabs.currentIndex()]
        seen = (tab,) if tab in ("drift", "lives") else ("brightness", tab)
        told = dict.fromkeys(self._remarks.get(part, "") for part in seen)
        self.status.setText(" ".join(filter(None, told)))
