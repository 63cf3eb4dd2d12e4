"""Figures of unmixing and embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.lattice import CLASSES, COLORS
from napari_lattice_symmetry.results.maps import MAPS
from napari_lattice_symmetry.results.plots import legend_look, new_figure
from napari_lattice_symmetry.results.result import MovieResult
from napari_lattice_symmetry.spectrum.cartesian import EXTENT
from napari_lattice_symmetry.structure.embedding import Embedding, WindowCluster
from napari_lattice_symmetry.structure.unmixing import Unmixing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure

COLORINGS = ("class", "frame", "entropy", "a")
"""What the points of an embedding can be colored by."""

_ACROSS = 4  # spectra side by side

_NO_CLASS = "#999999"

# Further colors that differ from those of the classes, also for the color-blind.
_MORE_COLORS = ("#F0E442", "#882255", "#44AA99", "#332288", "#999933", "#DDCC77", "#D55E00")


def endmember_colors(unmixing: Unmixing) -> list[str]:
    """Choose colors: that of the class for the first of each, others for those that follow."""
    classes, more = unmixing.classes, iter(_MORE_COLORS)
    return [next(more) if name in classes[:k] else COLORS[name] for k, name in enumerate(classes)]


def plot_unmixing(unmixing: Unmixing, figure: Figure | None = None) -> Figure:
    """Draw the pure spectra with their names and shares, and the variances that suggest a number.

    Parameters
    ----------
    unmixing : Unmixing
        What to draw.
    figure : matplotlib.figure.Figure, optional
        An empty figure to draw on; a new one if not given.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = figure or new_figure(5, 5)
    k = len(unmixing.spectra)
    rows = -(-k // _ACROSS)
    across = max(2, -(-k // rows))
    grid = figure.add_gridspec(rows + 1, across)
    shares = np.nanmean(unmixing.abundances, axis=(1, 2, 3))
    looks = zip(unmixing.names, unmixing.probabilities, endmember_colors(unmixing), strict=True)
    for i, (name, probabilities, color) in enumerate(looks):
        axes = figure.add_subplot(grid[divmod(i, across)])
        _draw_spectrum(axes, unmixing.spectra[i], f"{name}\n{shares[i]:.0%}")
        axes.set_xlabel(f"P = {probabilities.max():.2f}", fontsize="x-small")
        for spine in axes.spines.values():
            spine.set(edgecolor=color, linewidth=3)
    _draw_variances(figure.add_subplot(grid[rows, :]), unmixing)
    return figure


def plot_embedding(
    embedding: Embedding,
    result: MovieResult,
    coloring: str = "class",
    figure: Figure | None = None,
) -> Figure:
    """Draw windows as points.

    Parameters
    ----------
    embedding : Embedding
        What to draw.
    result : MovieResult
        What is known of the windows.
    coloring : str
        One of `COLORINGS`; "a" only where lattices were fitted.
    figure : matplotlib.figure.Figure, optional
        An empty figure to draw on; a new one if not given.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = figure or new_figure(5, 5)
    axes = figure.add_subplot()
    axes.set(xticks=[], yticks=[], title=f"{embedding.method} of {len(embedding.points)} windows")
    axes.title.set_fontsize("medium")
    size = float(np.clip(20_000 / len(embedding.points), 3, 25))
    at = tuple(embedding.places.T)
    if coloring == "class":
        _scatter_classes(axes, embedding.points, np.asarray(result.labels)[at], size)
        return figure
    values, title = _values(result, embedding, coloring)
    x, y = embedding.points.T
    points = axes.scatter(x, y, s=size, c=values, cmap="viridis", linewidths=0)
    figure.colorbar(points, ax=axes, label=title, shrink=0.8)
    return figure


def highlight(points: PathCollection, lit: NDArray[np.bool_] | None) -> None:
    """Let some points stand out by fading all others; None fades none."""
    n = len(np.asarray(points.get_offsets()))
    alpha = np.full(n, 0.8) if lit is None else np.where(lit, 1.0, 0.08)
    points.set_alpha(alpha.tolist())


def plot_cluster(cluster: WindowCluster, figure: Figure | None = None) -> Figure:
    """Draw the mean spectrum of a cluster, and the share of each class in it.

    Parameters
    ----------
    cluster : WindowCluster
        What to draw.
    figure : matplotlib.figure.Figure, optional
        An empty figure to draw on; a new one if not given.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = figure or new_figure(5, 2)
    left, right = figure.subplots(1, 2)
    _draw_spectrum(left, cluster.spectrum, "spectrum")
    order = range(len(CLASSES))[::-1]
    right.barh(
        [CLASSES[k] for k in order],
        [cluster.shares[k] for k in order],
        color=[COLORS[CLASSES[k]] for k in order],
    )
    right.set(xlim=(0, 1), xticks=(0, 0.5, 1))
    right.set_title("shares", fontsize="small")
    right.tick_params(labelsize="x-small")
    return figure


def _draw_spectrum(axes: Axes, spectrum: NDArray[np.float32], title: str) -> None:
    # The square root, else the first spots outshine all others.
    axes.imshow(np.sqrt(spectrum), cmap="magma", extent=EXTENT)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize="small")


def _draw_variances(axes: Axes, unmixing: Unmixing) -> None:
    k = np.arange(2, len(unmixing.variances) + 2)
    axes.semilogy(k, unmixing.variances, marker=".", color=_NO_CLASS)
    axes.axvline(unmixing.suggested, color=COLORS["hexagonal"], linestyle="--")
    axes.set_title(f"{unmixing.suggested} components suggested", fontsize="small")
    axes.set_xlabel("components", fontsize="small")
    axes.set_ylabel("variance added", fontsize="small")
    axes.tick_params(labelsize="x-small")
    axes.set_xlim(0.7, k[-1] + 0.3)


def _scatter_classes(
    axes: Axes, points: NDArray[np.float32], labels: NDArray[np.uint8], size: float
) -> None:
    from matplotlib.lines import Line2D

    colors = np.array([_NO_CLASS, *COLORS.values()])
    axes.scatter(points[:, 0], points[:, 1], s=size, c=colors[labels], linewidths=0)
    shown = [name for value, name in enumerate(CLASSES, 1) if (labels == value).any()]
    figure: Any = axes.figure
    figure.legend(
        handles=[
            Line2D([], [], linestyle="", marker="o", markersize=5, color=COLORS[name], label=name)
            for name in shown
        ],
        loc="outside lower center",
        **legend_look(figure),
    )


def _values(result: MovieResult, embedding: Embedding, coloring: str) -> tuple[NDArray[Any], str]:
    """Return the values that color the points, and what they are."""
    at = tuple(embedding.places.T)
    if coloring == "frame":
        return result.frame_indices[at[0]], "frame"
    unit = MAPS[coloring].unit_in(result.unit)
    return np.asarray(result.maps[coloring])[at], f"{coloring} ({unit})"
