"""Figures of a result, in the class colors; drawn without a screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.data.movie import unit_name
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import replacing
from napari_lattice_symmetry.io.optional import require
from napari_lattice_symmetry.lattice import CLASSES, COLORS
from napari_lattice_symmetry.results.column import Column, label_axis
from napari_lattice_symmetry.results.maps import MAPS
from napari_lattice_symmetry.results.result import MovieResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NARROW = 3
"""Inches below which legends have fewer columns, as in a dock."""

_TURN_TO_DRAW = RLock()
"""Matplotlib's settings are those of the process, and a worker may draw while a dock does."""


@contextmanager
def drawing(style: dict[Any, Any] | None = None) -> Iterator[None]:
    """Draw with settings of Matplotlib that hold for these figures alone, whoever else draws."""
    from matplotlib import rc_context

    with _TURN_TO_DRAW, rc_context(style):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure of a size in inches, which belongs to no screen."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def legend_look(figure: Figure) -> dict[str, Any]:
    """Return the look of a legend of the classes that a figure has room for, also in a dock."""
    is_narrow = figure.get_figwidth() < NARROW
    columns = {"ncols": 2, "handlelength": 1, "columnspacing": 1} if is_narrow else {"ncols": 3}
    return {**columns, "frameon": False, "fontsize": "x-small"}


def save_figure(figure: Figure, path: Path, dpi: int = 150) -> None:
    """Write a figure; the ending of `path` says how.

    Raises
    ------
    InputError
        If `path` cannot be written.
    """
    with replacing(path) as partial:
        figure.savefig(partial, dpi=dpi)


def plot_fractions(result: MovieResult, *, along: Column | None = None) -> Figure:
    """Draw the phase fractions over time, with a band of one standard deviation.

    A result of one frame becomes a bar chart.

    Parameters
    ----------
    result : MovieResult
        What to draw.
    along : Column, optional
        What was recorded beside the movie: the horizontal axis.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If `along` says nothing of these frames.
    """
    figure = new_figure(7, 4)
    axes = figure.subplots()
    if len(result.done) == 1:
        _draw_bars(axes, result)
        axes.set(ylabel="Phase fraction", ylim=(0, 1.05))
    else:
        draw_fractions(axes, result, along)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    axes.set_title(result.name, parse_math=False)
    return figure


def plot_maps(result: MovieResult, position: int = 0) -> Figure:
    """Draw the class map and the predictive entropy of one frame, side by side.

    Parameters
    ----------
    result : MovieResult
        What to draw.
    position : int
        Which of the analyzed frames, from 0.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.patches import Patch

    figure = new_figure(10, 4.5)
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    classes, entropy = MAPS["labels"], MAPS["entropy"]
    assert entropy.limits is not None
    colors = ListedColormap(["white", *(color for _, color in classes.values.values())])
    norm = BoundaryNorm(np.arange(len(CLASSES) + 2) - 0.5, colors.N)
    place: dict[str, Any] = {"extent": extent_of(result), "interpolation": "nearest"}
    left.imshow(np.asarray(result.labels[position]), cmap=colors, norm=norm, **place)
    figure.legend(
        handles=[Patch(color=color, label=name) for name, color in COLORS.items()],
        loc="outside lower center",
        ncols=len(CLASSES),
        frameon=False,
    )
    uncertainty = right.imshow(
        np.asarray(result.entropy[position]),
        cmap=entropy.colors,
        vmin=entropy.limits[0],
        vmax=entropy.limits[1],
        **place,
    )
    figure.colorbar(uncertainty, ax=right, label=f"{entropy.title.capitalize()} ({entropy.unit})")
    unit = unit_name(result.unit)
    left.set(title="Class", xlabel=f"x ({unit})", ylabel=f"y ({unit})")
    right.set(title="Uncertainty", xlabel=f"x ({unit})")
    time = f", {result.times[position]:.6g} s" if result.frame_time is not None else ""
    title = f"{result.name}, frame {result.frame_indices[position]}{time}"
    figure.suptitle(title, parse_math=False)
    return figure


def save_movie(
    result: MovieResult,
    path: Path,
    rate: float = 5.0,
    plot: Callable[[MovieResult, int], Figure] = plot_maps,
) -> None:
    """Write the figures of all frames, each with its time, as a film.

    Parameters
    ----------
    result : MovieResult
        With at least one frame done.
    path : pathlib.Path
        Ending in .gif or .mp4; the latter needs PyAV.
    rate : float
        Frames that are shown in a second.
    plot : callable
        Draws a frame.

    Raises
    ------
    InputError
        If no frame is done, or `path` cannot be written.
    """
    import imageio.v3 as iio
    from PIL import Image

    rows = np.flatnonzero(result.done)
    if not len(rows):
        raise InputError(f"{result.name} has no frame yet that could be shown.")
    pictures = (_picture(plot(result, int(row))) for row in rows)
    with replacing(path) as partial:
        if path.suffix.lower() == ".gif":
            first, *rest = (Image.fromarray(picture).quantize() for picture in pictures)
            timing: dict[str, Any] = {"duration": 1e3 / rate, "loop": 0}
            first.save(partial, save_all=True, append_images=rest, **timing)
            return
        require("av", "PyAV", "video", path)
        held = BytesIO()  # PyAV would not say what the system has against a file
        with iio.imopen(held, "w", plugin="pyav", extension=path.suffix.lower()) as film:
            film.init_video_stream("libx264", fps=rate)
            for picture in pictures:
                film.write_frame(picture)
        partial.write_bytes(held.getvalue())


def _picture(figure: Figure) -> NDArray[np.uint8]:
    """Draw a figure into pixels (Y, X, 3), of an even number along each side."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _draw_bars(axes: Axes, result: MovieResult) -> None:
    axes.bar(
        [name.replace(" ", "\n") for name in CLASSES],
        result.fractions[0],
        yerr=result.fractions_std[0],
        color=list(COLORS.values()),
        capsize=4,
    )


def draw_fractions(axes: Axes, result: MovieResult, along: Column | None = None) -> None:
    """Draw the curves of `plot_fractions` on axes that are there, without a legend."""
    timed = result.frame_time is not None
    places = result.times if along is None else along.at(result, timed=timed)
    for k, name in enumerate(CLASSES):
        mean, std = result.fractions[:, k], result.fractions_std[:, k]
        axes.plot(places, mean, color=COLORS[name], label=name, marker=".", markersize=4)
        axes.fill_between(
            places, mean - std, mean + std, color=COLORS[name], alpha=0.25, linewidth=0
        )
    label_axis(axes, timed=timed, along=along)
    axes.set(ylabel="Phase fraction", ylim=(0, 1.05))


def extent_of(result: MovieResult) -> tuple[float, float, float, float]:
    """Return (left, right, bottom, top) of the map on the frame, y downwards."""
    sy, sx = result.grid.scale(result.pixel_size)
    ty, tx = result.grid.translate(result.pixel_size)
    gy, gx = result.grid.shape
    return tx - sx / 2, tx + (gx - 0.5) * sx, ty + (gy - 0.5) * sy, ty - sy / 2
