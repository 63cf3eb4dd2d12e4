"""The tab that embeds: windows as points, linked both ways with the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_lattice_symmetry.analysis.steps import Progress, ShouldStop
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.background.task_bar import Task, TaskBar
from napari_lattice_symmetry.plugin.forms.layer_choice import LayerChoice
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm
from napari_lattice_symmetry.plugin.releasing import Releasing
from napari_lattice_symmetry.plugin.selection.selection import Selection
from napari_lattice_symmetry.plugin.structure.selection_link import SelectionLink
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.structure.embedding import (
    Embedding,
    WindowCluster,
    describe_cluster,
    embed,
)
from napari_lattice_symmetry.structure.parameters import EmbeddingParameters
from napari_lattice_symmetry.structure.plots import (
    COLORINGS,
    highlight,
    plot_cluster,
    plot_embedding,
)

if TYPE_CHECKING:
    import napari.viewer
    from matplotlib.figure import Figure
    from napari.layers import Layer

HINT = (
    "Each analyzed window becomes a point,\nnear to those that the network finds alike.\n"
    "Draw a loop around points\nto see them in the image, and the other way round."
)


@dataclass(frozen=True, eq=False)
class Embedded:
    """An embedding, and what it was made of, whatever becomes of the layers."""

    embedding: Embedding
    movie: Movie
    result: MovieResult
    layer: Layer


class EmbeddingTab(Releasing, QWidget):
    """Embeds the windows of the selected result.

    Parameters
    ----------
    viewer : napari.Viewer
        Where windows are painted.
    selection : Selection
        Whose result is embedded.
    """

    def __init__(self, viewer: napari.viewer.Viewer, selection: Selection) -> None:
        from napari_lattice_symmetry.plugin.widgets.figure_canvas import FigureCanvas

        super().__init__()
        self.viewer, self._selection = viewer, selection
        self.embedded: Embedded | None = None
        self.cluster: WindowCluster | None = None
        self._points: Any = None  # as drawn
        self._lasso: Any = None
        self.link = self.keep(SelectionLink(viewer, self))
        self.canvas = self.keep(
            FigureCanvas(
                viewer,
                self._plot,
                "Draw a loop around points to paint their windows with the label of the brush; "
                "Escape lets go of them.",
            )
        )
        self.canvas.mpl_connect("key_press_event", self._on_key)
        self.cluster_canvas = self.keep(FigureCanvas(viewer, self._plot_cluster))
        self.cluster_canvas.setFixedHeight(130)
        self.canvas.setMinimumHeight(160)
        self._build()
        self.task.done.connect(self._on_done)
        self.question.done.connect(self._on_cluster)
        self.link.changed.connect(self._on_lit)
        self.link.regions_changed.connect(self._show_region)
        self.listen(selection.changed, self._on_selection)
        self._list_colorings()
        self._show_region()

    def _build(self) -> None:
        self.form = ModelForm(EmbeddingParameters(), remembered_as="embedding")
        self.form.put_beside("method", self.form.shorten_reset())
        self.task = self.keep(TaskBar("&Embed", "Embed the windows of the result.", self._prepare))
        self.coloring = QComboBox()
        self.coloring.setToolTip(
            "Class, frame or predictive entropy; or a, where the analysis fitted lattices."
        )
        self.coloring.activated.connect(self.canvas.refresh)
        self.region = LayerChoice(
            lambda: self.link.regions,
            "none",
            "Points are lit whose windows lie in this Labels or Shapes layer.",
        )
        self.region.changed.connect(self.link.choose)
        self.clear_button = QPushButton("C&lear")
        self.clear_button.setToolTip("Let go of the windows that the brush's label holds.")
        self.clear_button.clicked.connect(self.clear)
        self.question = self.keep(
            TaskBar(
                "&What is this cluster?",
                "Mean spectrum and classes of the lit points.",
                self._ask,
                has_keys=False,
            )
        )
        self.question.setEnabled(False)

        lower = QFormLayout()
        lower.addRow(*_row("&Color by", self.coloring, self.clear_button))
        lower.addRow(*_row("&Region", self.region.native))
        lower.setVerticalSpacing(3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addWidget(self.form.native)
        layout.addWidget(self.task)
        layout.addWidget(self.canvas.pane, stretch=1)
        layout.addLayout(lower)
        layout.addWidget(self.question)
        layout.addWidget(self.cluster_canvas.pane)
        self._show_cluster()

    def clear(self) -> None:
        """Let go of the selected windows."""
        if self.embedded is not None and self.link.region is not None:
            self.link.paint(np.zeros(len(self.link.lit), dtype=bool))

    # ------------------------------------------------------------------ embedding

    def _prepare(self) -> Task:
        result, layer = self._selection.require_result()
        movie = self._selection.take_source().movie
        asked = self.form.values()

        def task(progress: Progress, should_stop: ShouldStop) -> Embedded:
            embedding = embed(
                movie,
                result,
                asked.method,
                at_most=asked.at_most,
                progress=progress,
                should_stop=should_stop,
            )
            return Embedded(embedding, movie, result, layer)

        return task

    def _on_done(self, embedded: Embedded) -> None:
        self.embedded, self.cluster = embedded, None
        self.link.open(embedded.layer, embedded.embedding.places)
        self._list_colorings()
        self.canvas.refresh()
        self._show_cluster()

    @property
    def _is_elsewhere(self) -> bool:
        """Whether another image or result is selected than the one that was embedded."""
        if self.embedded is None or self._selection.layer is None:
            return False
        return self._selection.result is not self.embedded.result

    def _on_selection(self) -> None:
        """Show the embedding of what is selected alone."""
        if self.embedded is not None and self._is_elsewhere != (self._points is None):
            self.canvas.refresh()
            self._show_cluster()
            self.question.setEnabled(not self._is_elsewhere and bool(self.link.lit.any()))

    def _list_colorings(self) -> None:
        chosen = self.coloring.currentText()
        self.coloring.clear()
        fitted = self.embedded is not None and self.embedded.result.a is not None
        self.coloring.addItems([name for name in COLORINGS if fitted or name != "a"])
        self.coloring.setCurrentIndex(max(self.coloring.findText(chosen), 0))

    def _plot(self, figure: Figure) -> None:
        from matplotlib.widgets import LassoSelector

        from napari_lattice_symmetry.plugin.widgets.figure_canvas import write_hint

        self._points = self._lasso = None
        if self.embedded is None or self._is_elsewhere:
            write_hint(figure, HINT)
            return
        coloring = self.coloring.currentText()
        plot_embedding(self.embedded.embedding, self.embedded.result, coloring, figure)
        axes = figure.axes[0]
        self._points = axes.collections[0]
        highlight(self._points, self._lit)
        self._lasso = LassoSelector(axes, self._on_lasso, props={"color": "#D55E00"})

    # ------------------------------------------------------------------ selecting

    @property
    def _lit(self) -> Any:
        """Which points are lit; None if none is."""
        return self.link.lit if self.link.lit.any() else None

    def _on_lasso(self, outline: list[tuple[float, float]]) -> None:
        from matplotlib.path import Path

        if self.embedded is not None and len(outline) > 2:
            self.link.paint(Path(outline).contains_points(self.embedded.embedding.points))

    def _on_key(self, event: Any) -> None:
        if event.key == "escape":
            self.clear()

    def _on_lit(self) -> None:
        n = int(self.link.lit.sum())
        self.question.setEnabled(n > 0)
        self.question.status.setText(f"{n} of {len(self.link.lit)} windows are selected.")
        if self._points is not None:
            highlight(self._points, self._lit)
            self.canvas.draw_idle()

    def _show_region(self) -> None:
        self.region.show_layer(self.link.region)

    # ------------------------------------------------------------------ asking

    def _ask(self) -> Task:
        embedded = self.embedded
        if embedded is None:
            raise InputError("Embed the windows of a result first.")
        places = embedded.embedding.places[self.link.lit]
        return lambda _progress, _should_stop: describe_cluster(
            embedded.movie, embedded.result, places
        )

    def _on_cluster(self, cluster: WindowCluster) -> None:
        self.cluster = cluster
        first, last = cluster.frames
        when = f"frame {first}" if first == last else f"frames {first} to {last}"
        self.question.status.setText(
            f"{cluster.size} windows in {when}, mean entropy {cluster.entropy:.2f} nats."
        )
        self._show_cluster()

    def _show_cluster(self) -> None:
        self.cluster_canvas.pane.setVisible(self.cluster is not None and not self._is_elsewhere)
        self.cluster_canvas.refresh()

    def _plot_cluster(self, figure: Figure) -> None:
        if self.cluster is not None and not self._is_elsewhere:
            plot_cluster(self.cluster, figure)


def _row(title: str, *widgets: QWidget) -> tuple[QLabel, QHBoxLayout]:
    """Make a row of a form, whose shortcut leads to the first of its widgets."""
    label, row = QLabel(title), QHBoxLayout()
    label.setBuddy(widgets[0])
    for widget in widgets:
        row.addWidget(widget, stretch=0 if isinstance(widget, QLabel | QPushButton) else 1)
    return label, row
