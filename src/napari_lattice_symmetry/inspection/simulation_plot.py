"""Figures of simulated images: one that follows every change, and one of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.inspection.simulation import SweepPoint
from napari_lattice_symmetry.inspection.window import Inspection
from napari_lattice_symmetry.inspection.window_plot import LATTICE_COLOR, cell_outline
from napari_lattice_symmetry.lattice import CLASSES, COLORS
from napari_lattice_symmetry.lattice.image import LatticeImage
from napari_lattice_symmetry.results.plots import legend_look, new_figure
from napari_lattice_symmetry.spectrum.cartesian import EXTENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TRUTH = 1.25  # where the true class stands above probabilities, clear of their 1 in a low plot


class LiveFigure:
    """Image, spectrum and probabilities, of which only what changes is set anew: that is fast.

    The same as `plot_inspection` draws, without axes that would have to be laid out.
    """

    def __init__(self) -> None:
        self.inspection: Inspection | None = None

    def plot(self, figure: Figure) -> None:
        """Begin on an empty figure."""
        figure.set_layout_engine("none")
        left, right = (figure.add_axes((x, 0.46, 0.48, 0.44)) for x in (0.01, 0.51))
        self._bars_axes = figure.add_axes((0.475, 0.01, 0.22, 0.43))
        for axes, title in ((left, "image"), (right, "spectrum")):
            axes.set_title(title, fontsize="small", pad=3)
            axes.set_axis_off()
        self._image = left.imshow(np.zeros((1, 1)), cmap="gray")
        (self._cell,) = left.plot([], [], color=LATTICE_COLOR, linewidth=1.2)
        self._spectrum = right.imshow(np.zeros((1, 1)), cmap="magma", vmax=1, extent=EXTENT)
        self._spots = right.scatter(
            [], [], s=30, facecolors="none", edgecolors=LATTICE_COLOR, linewidths=0.8
        )
        self._plot_bars(self._bars_axes)
        if self.inspection is not None:
            self.show(self.inspection)

    def _plot_bars(self, axes: Axes) -> None:
        places = np.arange(len(CLASSES))
        none = np.zeros(len(CLASSES))
        self._bars = axes.barh(places, none, color=list(COLORS.values()), height=0.75)
        self._errors = axes.hlines(places, none, none, color="gray", linewidth=1.5)
        self._texts = [
            axes.text(1.03, y, "", va="center", fontsize="x-small") for y in places.tolist()
        ]
        axes.set(xlim=(0, 1), ylim=(len(CLASSES) - 0.5, -0.5), xticks=[])
        axes.set_yticks(places, CLASSES, fontsize="x-small")
        axes.tick_params(length=0, pad=2)
        axes.spines[:].set_visible(False)

    def show(self, inspection: Inspection) -> None:
        """Show another image; the figure must be drawn again."""
        self.inspection = inspection
        size = len(inspection.pixels)
        self._image.set(data=inspection.pixels, extent=(-0.5, size - 0.5, size - 0.5, -0.5))
        self._image.set_clim(inspection.pixels.min(), max(inspection.pixels.max(), 1e-9))
        self._cell.set_data(*cell_outline(inspection.seen_basis, (size - 1) / 2).T)
        self._spectrum.set_data(np.sqrt(inspection.spectrum))
        self._spots.set_offsets(inspection.spots)
        ends = np.clip(inspection.mean + np.outer((-1, 1), inspection.std), 0, 1)
        places = np.broadcast_to(np.arange(len(CLASSES)), ends.shape)
        self._errors.set_segments(list(np.stack([ends, places], axis=-1).swapaxes(0, 1)))
        answers = zip(self._bars, self._texts, inspection.mean, inspection.std, strict=True)
        for bar, text, mean, std in answers:
            bar.set_width(mean)
            text.set_text(f"{100 * mean:.1f} ± {100 * std:.1f} %")


def plot_sweep(
    parameter: str, points: Sequence[SweepPoint], figure: Figure | None = None
) -> Figure:
    """Draw the class probabilities with their bands, and the share of right answers below.

    Parameters
    ----------
    parameter : str
        Which field of `LatticeImage` varies.
    points : sequence of SweepPoint
        At least one.
    figure : matplotlib.figure.Figure, optional
        An empty figure to draw on; a new one if not given.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = figure or new_figure(6, 5)
    field = LatticeImage.model_fields[parameter]
    extra: Any = field.json_schema_extra
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    values = np.array([point.value for point in points])
    _draw_probabilities(top, values, points)
    figure.legend(loc="outside upper center", **legend_look(figure))
    _draw_truth(top, values, points)
    _draw_right_answers(bottom, values, points)
    bottom.set(xscale="log" if extra.get("log") else "linear")
    bottom.set_xlabel(field.title, fontsize="small")
    figure.align_ylabels()
    return figure


def _draw_probabilities(axes: Axes, values: Any, points: Sequence[SweepPoint]) -> None:
    for k, name in enumerate(CLASSES):
        mean = np.array([point.mean[k] for point in points])
        std = np.array([point.std[k] for point in points])
        axes.plot(values, mean, color=COLORS[name], label=name, marker=".", markersize=4)
        axes.fill_between(
            values,
            np.clip(mean - std, 0, 1),
            np.clip(mean + std, 0, 1),
            color=COLORS[name],
            alpha=0.2,
            linewidth=0,
        )
    axes.set(ylim=(0, 1.4), yticks=(0, 0.5, 1))
    axes.set_ylabel("probability", fontsize="small", loc="bottom")
    axes.tick_params(labelsize="x-small")


def _draw_truth(axes: Axes, values: Any, points: Sequence[SweepPoint]) -> None:
    """Draw the true class as a strip above the probabilities."""
    axes.scatter(
        values,
        np.full(len(values), _TRUTH),
        c=[COLORS[point.truth] for point in points],
        marker="s",
        s=16,
        clip_on=False,
    )
    axes.annotate(
        "truth",
        (0, _TRUTH),
        xycoords=("axes fraction", "data"),
        xytext=(-4, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize="x-small",
    )


def _draw_right_answers(axes: Axes, values: Any, points: Sequence[SweepPoint]) -> None:
    style: dict[str, Any] = {"color": "gray", "marker": ".", "markersize": 4}
    axes.plot(values, [point.right for point in points], label="network", **style)
    axes.plot(
        values, [point.fit_right for point in points], label="lattice fit", linestyle="--", **style
    )
    axes.set(ylim=(-0.05, 1.05), yticks=(0, 0.5, 1))
    axes.set_ylabel("right", fontsize="small")
    axes.tick_params(labelsize="x-small")
    axes.legend(frameon=False, fontsize="x-small", loc="best", ncols=2)
