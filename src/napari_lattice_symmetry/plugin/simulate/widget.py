"""The dock that simulates: draw a lattice of choice, and see what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QTabWidget, QVBoxLayout, QWidget

from napari_lattice_symmetry.inspection.window import Inspection
from napari_lattice_symmetry.lattice import COLORS
from napari_lattice_symmetry.lattice.image import LatticeImage
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.runs.loading import PREPARING
from napari_lattice_symmetry.plugin.simulate.lattice_form import LatticeForm
from napari_lattice_symmetry.plugin.simulate.sweep import SweepPanel
from napari_lattice_symmetry.plugin.widgets.dock import Dock

if TYPE_CHECKING:
    import napari.viewer

SIMULATION_KEY = "lattice-symmetry-simulation"
"""Where the metadata of a simulated image layer hold its settings and the truth about it."""

_DELAY = 40  # ms without another change before an image is drawn


class SimulateWidget(Dock):
    """Draws a lattice, and shows image, spectrum and verdict while its parameters are changed.

    Parameters
    ----------
    viewer : napari.Viewer
        Where images can be sent.
    """

    page = "simulate.md"

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        from napari_lattice_symmetry.inspection.simulation_plot import LiveFigure
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import FigureCanvas

        super().__init__()
        self.viewer = viewer
        self.verdict: Inspection | None = None
        self._is_judging = self._outdated = False
        self._requests = self.keep(LatestRequest(_inspect, self, delay=_DELAY))
        self._requests.done.connect(self._on_verdict)
        self._requests.failed.connect(self._on_failure)
        self._figure = LiveFigure()
        self.canvas = self.keep(FigureCanvas(viewer, self._figure.plot))
        self.parameters = LatticeForm()
        self.sweep = self.keep(SweepPanel(viewer, self.parameters.values))
        self._build()
        self.parameters.changed.connect(self._on_change)
        self._on_change()

    def _build(self) -> None:
        self.truth_text, self.verdict_text = QLabel(), QLabel(PREPARING)
        for label in (self.truth_text, self.verdict_text):
            label.setWordWrap(True)
        self.send_button = QPushButton("Send to viewer")
        self.send_button.setToolTip(
            "Add the image as a layer, with its parameters and the truth in its metadata."
        )
        self.send_button.clicked.connect(self.send)

        page = QWidget()
        verdict = QVBoxLayout(page)
        verdict.setContentsMargins(4, 4, 4, 4)
        verdict.setSpacing(3)
        verdict.addWidget(self.canvas.pane, stretch=1)
        verdict.addWidget(self.truth_text)
        verdict.addWidget(self.verdict_text)
        self.tabs = QTabWidget()
        self.tabs.addTab(page, "Answers")
        self.tabs.addTab(self.sweep, "Sweep")
        buttons = QHBoxLayout()
        buttons.addWidget(self.send_button)
        buttons.addWidget(self.parameters.reset_button)
        layout = self.column
        layout.addWidget(self.tabs, stretch=1)
        layout.addWidget(self.parameters.native)
        layout.addLayout(buttons)

    @property
    def is_busy(self) -> bool:
        """Whether what is shown is not yet what is set."""
        return self._is_judging

    def _on_change(self) -> None:
        """Ask for a verdict on what is set; while one is made, only the newest setting waits."""
        image = self.parameters.values()
        self.sweep.follow(image)
        self.truth_text.setText(f"Drawn: {describe_truth(image)}")
        self._outdated = self._is_judging
        if not self._is_judging:
            self._is_judging = True
            self._requests.ask(image)

    def _on_verdict(self, verdict: Inspection) -> None:
        self.verdict = verdict
        self.verdict_text.setText(describe_verdict(verdict))
        self._figure.show(verdict)
        self.canvas.draw_idle()
        self._go_on()

    def _on_failure(self, error: Exception) -> None:
        self.verdict_text.setText(str(error))
        show_error(str(error))
        self._go_on()

    def _go_on(self) -> None:
        self._is_judging = False
        if self._outdated:
            self._on_change()

    def send(self) -> None:
        """Add the image to the viewer, as it is set."""
        image = self.parameters.values()
        about = {"parameters": image.model_dump(), "truth": image.truth()}
        self.viewer.add_image(
            image.draw(), name=f"simulated {image.lattice}", metadata={SIMULATION_KEY: about}
        )


def describe_truth(image: LatticeImage) -> str:
    """Say what an image truly shows."""
    truth = image.truth()
    name = _colored(truth["class"])
    if "a" not in truth:
        return f"{name}, atoms anywhere"
    periods = image.size / truth["a"]
    group = f", {truth['plane_group']}" if truth["plane_group"] else ""
    return (
        f"{name}{group}, a = {truth['a']:.2f} px, b = {truth['b']:.2f} px, "
        f"gamma = {truth['gamma']:.1f}°, {periods:.1f} periods"
    )


def describe_verdict(verdict: Inspection) -> str:
    """Say what network and lattice fit find."""
    said = dict(verdict.rows())
    lines = [f"Network: {_colored(said['class'])}, entropy {verdict.entropy:.2f} nats"]
    if verdict.fit.resolved:
        a, b, gamma = said["a"], said["b"], said["gamma"]
        lines.append(
            f"Fit: {_colored(verdict.fit.lattice or '')}, a = {a}, b = {b}, gamma = {gamma}"
        )
    if verdict.fit.remarks:
        lines.append(f"Fit: {verdict.fit.remarks}")
    agreement = said["agreement"]
    lines.append(agreement.capitalize() if "network" in agreement else f"Agreement: {agreement}")
    group = verdict.group
    chance = f", probability {group.probabilities[group.name]:.2f}" if group.name else ""
    lines.append(f"Plane group: {group.name or 'not resolved'}{chance}")
    return "<br>".join(lines)


def _colored(name: str) -> str:
    return f'<span style="color:{COLORS.get(name, "gray")}">■</span> {name}'


def _inspect(image: LatticeImage, _should_stop: Callable[[], bool]) -> Inspection:
    from napari_lattice_symmetry.inspection.simulation import inspect_lattice

    return inspect_lattice(image)
