"""The tab that unmixes: find pure spectra, show where they are, compare with the classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari.layers import Layer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lattice_symmetry.analysis.steps import Progress, ShouldStop
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.background.task_bar import Task, TaskBar
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm
from napari_lattice_symmetry.plugin.layers.result_layers import result_metadata
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.selection.selection import Selection
from napari_lattice_symmetry.plugin.selection.source import Source
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.structure.parameters import UnmixingParameters
from napari_lattice_symmetry.structure.plots import plot_unmixing
from napari_lattice_symmetry.structure.unmixing import Unmixing, unmix

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure

HINT = (
    "Unmixing looks for a few pure spectra\nof which all windows are mixtures,\n"
    "without the network; it only names them."
)


@dataclass(frozen=True, eq=False)
class Unmixed:
    """An unmixing, what was unmixed, and what was found."""

    unmixing: Unmixing
    source: Source
    description: str


class UnmixingTab(Releasing, QWidget):
    """Unmixes the image of the selected layer.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the layers go.
    selection : Selection
        Whose image is unmixed.
    """

    def __init__(self, viewer: napari.viewer.Viewer, selection: Selection) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import FigureCanvas

        super().__init__()
        self.viewer, self._selection = viewer, selection
        self.unmixed: Unmixed | None = None
        self._is_elsewhere = False
        self._result: MovieResult | None = None
        self.parameters = ModelForm(UnmixingParameters(), remembered_as="unmixing")
        self.task = self.keep(TaskBar("&Unmix", "Unmix all frames of the image.", self._prepare))
        self.task.status.setMinimumHeight(3 * self.fontMetrics().lineSpacing())
        self.task.done.connect(self._on_done)
        self.canvas = self.keep(FigureCanvas(viewer, self._plot))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addWidget(self.parameters.native)
        layout.addWidget(self.task)
        layout.addWidget(self.canvas.pane, stretch=1)
        self.listen(selection.changed, self._on_selection)
        self._on_selection()

    def _on_selection(self) -> None:
        """Take the windows of a result that is newly selected, and show what is of its image."""
        result = self._selection.result
        if result is not None and result is not self._result:
            self.parameters.update(window=result.parameters.window, stride=result.parameters.stride)
        self._result = result
        image, unmixed = self._selection.image, self.unmixed
        if unmixed is not None:
            is_elsewhere = image is not None and str(image.unique_id) != unmixed.source.layer_id
            if is_elsewhere != self._is_elsewhere:
                self._is_elsewhere = is_elsewhere
                self._show_plot(unmixed)

    @property
    def unmixing(self) -> Unmixing | None:
        """What was found last."""
        return None if self.unmixed is None else self.unmixed.unmixing

    def _prepare(self) -> Task:
        source, result = self._selection.take_source(), self._selection.result
        given = (
            AnalysisParameters(distortion=self._selection.distortion)
            if result is None
            else result.parameters
        )
        asked = self.parameters.values()
        parameters = given.of_network().model_copy(
            update={"window": asked.window, "stride": asked.stride}
        )

        def task(progress: Progress, should_stop: ShouldStop) -> Unmixed:
            unmixing = unmix(
                source.movie,
                parameters,
                asked.components,
                progress=progress,
                should_stop=should_stop,
            )
            return Unmixed(unmixing, source, _describe(unmixing, result))

        return task

    def _on_done(self, unmixed: Unmixed) -> None:
        self.unmixed = unmixed
        self._show(unmixed.unmixing, unmixed.source)
        self._is_elsewhere = False
        self._show_plot(unmixed)
        self._on_selection()

    def _show_plot(self, unmixed: Unmixed) -> None:
        """Draw the spectra and tell of them, unless another image is selected."""
        self.canvas.refresh()
        self.task.status.setText("" if self._is_elsewhere else unmixed.description)

    def _show(self, unmixing: Unmixing, source: Source) -> None:
        """Add the layers on top, and hide all other maps of the same image."""
        from napari_lattice_symmetry.plugin.structure.unmixing_layers import unmixing_layers

        for layer in self.viewer.layers:
            if (result_metadata(layer) or {}).get("source_id") == source.layer_id:
                layer.visible = False
        active = self.viewer.layers.selection.active
        for data, keywords, kind in unmixing_layers(unmixing, source):
            self.viewer.add_layer(Layer.create(data, keywords, kind))
        if active in self.viewer.layers:
            self.viewer.layers.selection.active = active  # what is selected is worked on
        self.viewer.reset_view()

    def _plot(self, figure: Figure) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import write_hint

        if self.unmixing is None or self._is_elsewhere:
            write_hint(figure, HINT)
        else:
            plot_unmixing(self.unmixing, figure)


def _describe(unmixing: Unmixing, result: MovieResult | None) -> str:
    """Say which components there are, and in which share of the windows a result agrees."""
    names = unmixing.names
    sentence = f"{len(names)} components: {', '.join(names)}."
    if result is None:
        return sentence
    try:
        share = unmixing.agreement(result)
    except InputError as error:
        return f"{sentence} {error}"
    return f"{sentence} The largest names the network's class in {share:.0%} of the windows."
