"""One map of a frame as a figure, with or without legend and scale bar."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.data.movie import unit_name
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.results.map_spec import MapSpec
from napari_lattice_symmetry.results.maps import MAPS
from napari_lattice_symmetry.results.plots import extent_of, new_figure
from napari_lattice_symmetry.results.result import MovieResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

PLOTTED = tuple(name for name, spec in MAPS.items() if spec.axes == ("time", "y", "x"))
"""Maps that have one value for every window of a frame."""

_SHARE = 0.3  # of the width that a scale bar has at most
_WIDTH = 6.0  # inches


def plot_map(
    result: MovieResult,
    position: int = 0,
    name: str = "labels",
    *,
    legend: bool = True,
    scale_bar: bool = True,
) -> Figure:
    """Draw one map of a frame.

    Parameters
    ----------
    result : MovieResult
        What to draw.
    position : int
        Which of the analyzed frames, from 0.
    name : str
        Of the map, such as "labels", "entropy" or "a".
    legend : bool
        Say what the colors mean, and which frame it is.
    scale_bar : bool
        Draw a bar of a round length.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the result has no such map.
    """
    if name not in PLOTTED or result.maps.get(name) is None:
        has = ", ".join(each for each in PLOTTED if result.maps.get(each) is not None)
        raise InputError(f"{result.name} has no map {name!r} that can be drawn; it has {has}.")
    spec = MAPS[name]
    left, right, bottom, top = extent_of(result)
    height = _WIDTH * (bottom - top) / (right - left) + (0.9 if legend else 0)
    figure = new_figure(_WIDTH, round(50 * height) / 50)  # of even pixels, as films need them
    axes = figure.add_subplot()
    values = np.asarray(result.maps[name][position])
    place: dict[str, Any] = {"extent": extent_of(result), "interpolation": "nearest"}
    draw = _draw_labels if spec.is_labels else _draw_numbers
    draw(axes, spec, values, place, unit_name(result.unit), legend=legend)
    axes.set_axis_off()
    if scale_bar:
        _draw_scale_bar(axes, unit_name(result.unit), right - left, bottom - top)
    if legend:
        time = f", {result.times[position]:.6g} s" if result.frame_time is not None else ""
        title = f"{result.name}, frame {result.frame_indices[position]}{time}"
        axes.set_title(title, parse_math=False)
    return figure


def _draw_labels(
    axes: Axes,
    spec: MapSpec,
    values: NDArray[Any],
    place: dict[str, Any],
    _unit: str,
    *,
    legend: bool,
) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    colors = np.ones((*values.shape, 3))
    shown: dict[str, str] = {}
    for value in np.unique(values):
        if value in spec.values:
            meaning, color = spec.values[int(value)]
            colors[values == value] = to_rgb(color)
            shown[meaning] = color
    axes.imshow(colors, **place)
    if legend and shown:
        handles = [Patch(color=color, label=meaning) for meaning, color in shown.items()]
        look: dict[str, Any] = {"ncols": 3, "frameon": False, "fontsize": "small"}
        axes.figure.legend(handles=handles, loc="outside lower center", **look)


def _draw_numbers(
    axes: Axes,
    spec: MapSpec,
    values: NDArray[Any],
    place: dict[str, Any],
    unit: str,
    *,
    legend: bool,
) -> None:
    low, high = spec.limits or (None, None)
    colors = "gray" if spec.kind == "probability" else spec.colors
    image: AxesImage = axes.imshow(values, cmap=colors, vmin=low, vmax=high, **place)
    if legend:
        of = unit if spec.unit == "length" else spec.unit
        title = (
            spec.title[0].upper() + spec.title[1:] if spec.title[1:] else spec.title
        )  # a stays a
        label = f"{title} ({of})" if of else title
        figure = axes.get_figure(root=True)
        assert figure is not None
        figure.colorbar(image, ax=axes, label=label, shrink=0.8)


def _draw_scale_bar(axes: Axes, unit: str, width: float, height: float) -> None:
    """Draw a bar of 1, 2 or 5 times a power of ten over a dark ground, seen on every color."""
    length = round_length(_SHARE * width)
    right, bottom = axes.get_xlim()[1] - 0.04 * width, axes.get_ylim()[0] - 0.04 * height
    box = {"facecolor": "black", "alpha": 0.6, "linewidth": 0, "pad": 4}
    axes.text(
        right - length / 2, bottom - 0.02 * height, f"{length:g} {unit}", color="white",
        ha="center", va="bottom", bbox=box,
    )  # fmt: skip
    axes.plot([right - length, right], [bottom, bottom], color="black", linewidth=6)
    axes.plot([right - length, right], [bottom, bottom], color="white", linewidth=3)


def round_length(most: float) -> float:
    """Return the greatest of 1, 2 and 5 times a power of ten that is no more than `most`."""
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in (1, 2, 5) if step * power <= most * (1 + 1e-9))
