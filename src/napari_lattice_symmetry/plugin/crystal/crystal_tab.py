"""What the tabs of one crystal share: a sentence and a figure, computed in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.background.latest import LatestRequest
from napari_lattice_symmetry.plugin.crystal.structures import Source
from napari_lattice_symmetry.plugin.releasing import Releasing

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure
    from napari.layers import Layer


class CrystalTab(Releasing, QWidget):
    """Shows what is found of the crystal that is meant.

    A tab says what is asked (`request`) and who answers (`answer_by`), shows the answer
    (`show_found`) and draws it (`draw`); with a `layers_tip` it has a button to add it as layers.

    Parameters
    ----------
    viewer : napari.Viewer
        Where layers go, and whose theme is followed.
    choose : callable
        Gives the source of the crystal that is meant; None where there is none.
    """

    hint = ""
    """What the figure is for, while there is nothing to draw."""

    layers_tip = ""
    figure_height = 150  # pixels at least

    def __init__(self, viewer: napari.viewer.Viewer, choose: Callable[[], Source | None]) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import FigureCanvas

        super().__init__()
        self.viewer, self._choose = viewer, choose
        self._requests: list[LatestRequest] = []
        self.found: Any = None
        self.form = QFormLayout()
        self.form.setVerticalSpacing(2)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.canvas = self.keep(FigureCanvas(viewer, self._plot))
        self.canvas.setMinimumHeight(self.figure_height)
        self.layers_button = QPushButton("Show as layers")
        self.layers_button.setToolTip(self.layers_tip)
        if not self.layers_tip:
            self.layers_button.hide()
        self.layers_button.setEnabled(False)
        self.layers_button.clicked.connect(self.add_layers)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(3)
        layout.addLayout(self.form)
        layout.addWidget(self.text)
        layout.addWidget(self.canvas.pane, stretch=1)
        layout.addWidget(self.layers_button)

    def answer_by(
        self, work: Callable[..., Any], done: Callable[[Any], object], delay: int = 0
    ) -> None:
        """Have requests answered in the background; see `LatestRequest`."""
        request = self.keep(LatestRequest(work, self, delay=delay))
        request.done.connect(done)
        request.failed.connect(self._on_failure)
        self._requests.append(request)

    @property
    def is_busy(self) -> bool:
        """Whether something is being computed."""
        return any(request.is_busy for request in self._requests)

    def ask(self, _: Any = None) -> None:
        """Look at the crystal that is meant now, as is asked now."""
        source = self._choose()
        if source is None:
            self.clear()
            return
        try:
            asked = self.request(source)
        except InputError as error:
            self.clear(str(error))
            return
        for request in self._requests:
            request.ask(asked)

    def request(self, source: Source) -> Any:
        """Return what is asked of a crystal."""
        return source

    def show_found(self, found: Any, sentence: str) -> None:
        """Show what was found, None for nothing, and tell of it."""
        self.found = found
        self.text.setText(sentence)
        self.layers_button.setEnabled(found is not None)
        self.redraw()

    def clear(self, sentence: str = "") -> None:
        """Show nothing, and say why."""
        self._drop()
        self.show_found(None, sentence)

    def redraw(self) -> None:
        """Draw anew, since something else was found."""
        self.canvas.refresh()

    def draw(self, figure: Figure, found: Any) -> None:
        """Draw what was found on an empty figure."""
        raise NotImplementedError

    def add_layers(self) -> list[Layer]:
        """Add what was found as layers."""
        return []

    def _on_failure(self, error: Exception) -> None:
        self.clear(str(error))

    def _drop(self) -> None:
        for request in self._requests:
            request.drop()

    def _plot(self, figure: Figure) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import write_hint

        if self.found is None:
            write_hint(figure, self.hint)
        else:
            self.draw(figure, self.found)
