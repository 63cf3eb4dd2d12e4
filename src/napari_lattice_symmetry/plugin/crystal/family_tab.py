"""The tab in which a crystal is broken: its fingerprint, and what each method says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget
from scipy.spatial.transform import Rotation

from napari_lattice_symmetry.crystals.families.defects import Defects
from napari_lattice_symmetry.crystals.families.prototypes import TITLES
from napari_lattice_symmetry.crystals.families.responses import attentive_response, grad_cam
from napari_lattice_symmetry.crystals.families.symmetry import outside_remark
from napari_lattice_symmetry.crystals.families.trial import (
    FamilyTrial,
    try_families,
    try_symmetry,
)
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.crystal.structures import Source, load_structure
from napari_lattice_symmetry.plugin.forms.number_slider import NumberSlider

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure
    from napari.layers import Layer

HINT = "Add a crystal: this shows its fingerprint, and what networks and spglib call it."
_AXIS = np.array([1.0, 2.0, 3.0]) / np.sqrt(14)  # along no symmetry
_BOX = 62  # pixels: sliders have what is left
_SLIDERS = {
    "vacancies": ("Missing", 90.0, " %", "Share of the atoms that are missing."),
    "displacement": (
        "Displaced",
        30.0,
        " %",
        "Standard deviation of every coordinate, in percent of the distance of neighbors.",
    ),
    "rotation": ("Turned", 90.0, "°", "Turn of the cluster about an axis along no symmetry."),
}


@dataclass(frozen=True)
class _Request:
    source: Source
    defects: Defects


class FamilyTab(QWidget):
    """Shows what is left of a crystal with defects, and which family each method calls it.

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
        self.trial: FamilyTrial | None = None
        self.symmetry: list[tuple[int, str, str]] | None = None
        self.name = ""
        self._families = LatestRequest(_try_families, self, delay=10)
        self._symmetry = LatestRequest(_try_symmetry, self, delay=150)
        self._families.done.connect(self._on_trial)
        self._symmetry.done.connect(self._on_symmetry)
        for request in (self._families, self._symmetry):
            request.failed.connect(self._on_failure)
        self.sliders = {
            name: NumberSlider({"type": "number", "minimum": 0.0, "maximum": high, "default": 0.0})
            for name, (_, high, *_) in _SLIDERS.items()
        }
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        self.canvas = FigureCanvas(viewer, self._plot)
        self.canvas.setMinimumHeight(200)
        self.layers_button = QPushButton("Show as layers")
        self.layers_button.setToolTip(
            "Add the fingerprint, what the strongest filters respond to (attentive response) and "
            "where the evidence for the family lies (Grad-CAM) as layers."
        )
        self.layers_button.setEnabled(False)
        self.layers_button.clicked.connect(self.add_layers)
        self._build()

    @property
    def is_busy(self) -> bool:
        """Whether something is being computed."""
        return self._families.is_busy or self._symmetry.is_busy

    def release(self) -> None:
        """Let go of the viewer."""
        self._families.drop()
        self._symmetry.drop()
        self.canvas.release()

    def _build(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(2)
        for name, (title, _, unit, tooltip) in _SLIDERS.items():
            slider = self.sliders[name]
            slider.box.setSuffix(unit)
            slider.box.setDecimals(1)
            slider.box.setMaximumWidth(_BOX)
            slider.setToolTip(tooltip)
            slider.changed.connect(self.ask)
            form.addRow(title, slider)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(3)
        layout.addLayout(form)
        layout.addWidget(self.answer)
        layout.addWidget(self.canvas.pane, stretch=1)
        layout.addWidget(self.layers_button)

    @property
    def defects(self) -> Defects:
        """What the sliders ask for."""
        vacancies, displacement, angle = (slider.value() for slider in self.sliders.values())
        turn = Rotation.from_rotvec(np.deg2rad(angle) * _AXIS).as_matrix() if angle else None
        return Defects(vacancies / 100, displacement / 100, turn)

    def ask(self, _: Any = None) -> None:
        """Compute anew, since the crystal or a slider has changed."""
        source = self._choose()
        if source is None:
            self._clear("")
            return
        self.name, self.symmetry = Path(source[0]).name, None
        request = _Request(source, self.defects)
        self._families.ask(request)
        self._symmetry.ask(request)

    def _clear(self, sentence: str) -> None:
        self._families.drop()
        self._symmetry.drop()
        self.trial = self.symmetry = None
        self.layers_button.setEnabled(False)
        self.answer.setText(sentence)
        self.canvas.refresh()

    def _on_failure(self, error: Exception) -> None:
        self._clear(str(error))

    def _on_trial(self, trial: FamilyTrial) -> None:
        self.trial = trial
        self.layers_button.setEnabled(True)
        self._tell()

    def _on_symmetry(self, symmetry: list[tuple[int, str, str]]) -> None:
        self.symmetry = symmetry
        self._tell()

    def _tell(self) -> None:
        """Say what is known by now; of networks and symmetry either may come first."""
        if self.trial is not None:
            remark = outside_remark(self.symmetry) if self.symmetry is not None else ""
            parts = (_describe(self.name, self.trial), self.trial.remark, remark)
            self.answer.setText(" ".join(filter(None, parts)))
        self.canvas.refresh()

    def _plot(self, figure: Figure) -> None:
        from napari_lattice_symmetry.crystals.families.plots import draw_trial
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import write_hint

        if self.trial is None:
            write_hint(figure, HINT)
            return
        draw_trial(figure, self.trial, self.symmetry)

    def add_layers(self) -> list[Layer]:
        """Add the fingerprint, its attentive response and its Grad-CAM as layers."""
        if self.trial is None:
            return []
        image = self.trial.fingerprint
        response = attentive_response(image)
        family = self.trial.answers["fingerprint"].family[0]
        place = {"blending": "additive"}
        return [
            self._viewer.add_image(
                np.sqrt(image), rgb=True, name=f"fingerprint · {self.name}", blending="opaque"
            ),
            self._viewer.add_image(
                np.sqrt(response / max(float(response.max()), 1e-12)),
                rgb=True,
                name=f"attentive response · {self.name}",
                visible=False,
                **place,
            ),
            self._viewer.add_image(
                grad_cam(image),
                colormap="magma",
                name=f"Grad-CAM for {family} · {self.name}",
                **place,
            ),
        ]


def _describe(name: str, trial: FamilyTrial) -> str:
    """Say which family each network calls it, and how sure it is."""
    told = []
    for title, answer in trial.answers.items():
        chance, family = float(answer.probabilities[0].max()), answer.family[0]
        told.append(f"{TITLES[family]} by {title} ({chance:.2f})")
    return f"{name}: {', '.join(told)}."


def _try_families(request: _Request, _should_stop: Callable[[], bool]) -> FamilyTrial:
    return try_families(load_structure(request.source), request.defects)


def _try_symmetry(
    request: _Request, _should_stop: Callable[[], bool]
) -> list[tuple[int, str, str]]:
    return try_symmetry(load_structure(request.source), request.defects)
