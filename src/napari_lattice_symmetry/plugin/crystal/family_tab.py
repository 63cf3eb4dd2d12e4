"""The tab in which a crystal is broken: its fingerprint, and what each method says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
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
from napari_lattice_symmetry.plugin.crystal.crystal_tab import CrystalTab
from napari_lattice_symmetry.plugin.crystal.structures import Source, load_structure
from napari_lattice_symmetry.plugin.forms.number_slider import NumberSlider

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure
    from napari.layers import Layer

    from napari_lattice_symmetry.crystals.families.plots import TrialFigure

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


class FamilyTab(CrystalTab):
    """Shows what is left of a crystal with defects, and which family each method calls it."""

    hint = "Add a crystal: this shows its fingerprint, and what networks and spglib call it."
    layers_tip = (
        "Add the fingerprint, what the strongest filters respond to (attentive response) and "
        "where the evidence for the family lies (Grad-CAM) as layers."
    )
    figure_height = 200
    found: FamilyTrial | None

    def __init__(self, viewer: napari.viewer.Viewer, choose: Callable[[], Source | None]) -> None:
        super().__init__(viewer, choose)
        self.symmetry: list[tuple[int, str, str]] | None = None
        self.name = ""
        self._drawn: TrialFigure | None = None
        self.answer_by(_try_families, self._show)
        self.answer_by(_try_symmetry, self._on_symmetry, delay=150)
        self.sliders: dict[str, NumberSlider] = {}
        for name, (title, high, unit, tooltip) in _SLIDERS.items():
            slider = NumberSlider(
                {"type": "number", "minimum": 0.0, "maximum": high, "default": 0.0}
            )
            slider.box.setSuffix(unit)
            slider.box.setDecimals(1)
            slider.box.setMaximumWidth(_BOX)
            slider.setToolTip(tooltip)
            slider.changed.connect(self.ask)
            self.sliders[name] = slider
            self.form.addRow(title, slider)

    @property
    def defects(self) -> Defects:
        """What the sliders ask for."""
        vacancies, displacement, angle = (slider.value() for slider in self.sliders.values())
        turn = Rotation.from_rotvec(np.deg2rad(angle) * _AXIS).as_matrix() if angle else None
        return Defects(vacancies / 100, displacement / 100, turn)

    def request(self, source: Source) -> _Request:
        """Return the crystal with the defects that the sliders ask for."""
        self.name, self.symmetry = Path(source[0]).name, None
        return _Request(source, self.defects)

    def clear(self, sentence: str = "") -> None:
        """Show nothing, and say why."""
        self.symmetry = None
        super().clear(sentence)

    def draw(self, figure: Figure, found: FamilyTrial) -> None:
        """Draw the fingerprint and all answers."""
        from napari_lattice_symmetry.crystals.families.plots import TrialFigure

        self._drawn = TrialFigure(figure, found, self.symmetry)

    def redraw(self) -> None:
        """Draw what has changed; all of it where that is something else."""
        if self.found is None or self._drawn is None:
            self._drawn = None
            self.canvas.refresh()
        else:
            self._drawn.update(self.found, self.symmetry)
            self.canvas.draw_changes()

    def add_layers(self) -> list[Layer]:
        """Add the fingerprint, its attentive response and its Grad-CAM as layers."""
        if self.found is None:
            return []
        image = self.found.fingerprint
        response = attentive_response(image)
        family = self.found.answers["fingerprint"].family[0]
        place = {"blending": "additive"}
        return [
            self.viewer.add_image(
                np.sqrt(image), rgb=True, name=f"fingerprint · {self.name}", blending="opaque"
            ),
            self.viewer.add_image(
                np.sqrt(response / max(float(response.max()), 1e-12)),
                rgb=True,
                name=f"attentive response · {self.name}",
                visible=False,
                **place,
            ),
            self.viewer.add_image(
                grad_cam(image),
                colormap="magma",
                name=f"Grad-CAM for {family} · {self.name}",
                **place,
            ),
        ]

    def _on_symmetry(self, symmetry: list[tuple[int, str, str]]) -> None:
        self.symmetry = symmetry
        self._show(self.found)

    def _show(self, trial: FamilyTrial | None) -> None:
        """Show what is known by now; of networks and symmetry either may come first."""
        if trial is None:
            return
        remark = outside_remark(self.symmetry) if self.symmetry is not None else ""
        parts = (_describe(self.name, trial), trial.remark, remark)
        self.show_found(trial, " ".join(filter(None, parts)))


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
