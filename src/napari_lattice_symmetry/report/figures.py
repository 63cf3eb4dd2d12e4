"""Pictures of a report: curves for light and for dark, frames with their maps, all in the page."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.data.movie import unit_name
from napari_lattice_symmetry.lattice import CLASSES, COLORS, LABELS
from napari_lattice_symmetry.report.numbers import Sample
from napari_lattice_symmetry.results.map_spec import MapSpec
from napari_lattice_symmetry.results.maps import MAPS
from napari_lattice_symmetry.results.plots import drawing, new_figure
from napari_lattice_symmetry.results.result import MovieResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_ENTROPY = float(np.log(len(CLASSES)))

_MAX_PIXELS = 512  # of a frame's side in the page
_TEXT = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
_INK, _DARK_INK = "#222222", "#dddddd"


@dataclass(frozen=True)
class Curves:
    """A figure as SVG data URIs, one for each scheme of colors."""

    title: str
    light: str
    dark: str


@dataclass(frozen=True)
class Picture:
    """A map that lies on a frame, as PNG data URIs; places and lengths in percent of the frame."""

    title: str
    frame: str | None
    map: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class ScaleBar:
    """A length of a round number, and how many percent of a frame's width it is."""

    text: str
    width: float


def draw_curves(title: str, plot: Callable[[], Figure]) -> Curves:
    """Draw a figure with dark text, and the same with light text."""
    style: Any = {**dict.fromkeys(_TEXT, _INK), "axes.facecolor": "none", "svg.fonttype": "none"}
    buffer = io.BytesIO()
    with drawing(style):
        # No date, so that the same result makes the same figure.
        plot().savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    light = buffer.getvalue()
    dark = light.replace(_INK.encode(), _DARK_INK.encode())
    return Curves(title, *(_data_uri("image/svg+xml", svg) for svg in (light, dark)))


def plot_uncertainty(sample: Sample) -> Figure:
    """Draw how the predictive entropy is distributed in each class."""
    figure = new_figure(7, 3)
    axes = figure.subplots()
    axes.hist(
        [sample.entropy[sample.labels == value] for value in LABELS.values()],
        bins=np.linspace(0, MAX_ENTROPY, 46).tolist(),
        histtype="step",
        log=True,  # most windows are sure, but the others tell more
        linewidth=1.5,
        color=list(COLORS.values()),
        label=list(CLASSES),
    )
    axes.set(xlabel="Predictive entropy (nats)", ylabel="Windows", xlim=(0, MAX_ENTROPY))
    axes.legend(frameon=False, fontsize="small")
    return figure


def plot_lattice_parameters(sample: Sample, unit: str) -> Figure:
    """Draw how a, b and gamma are distributed, the classes of the fitted lattices stacked."""
    figure = new_figure(9, 3)
    for axes, name in zip(figure.subplots(1, 3), ("a", "b", "gamma"), strict=True):
        values = sample.lattice[name]
        low, high = np.nanpercentile(values, (0.5, 99.5))  # a few wild fits would squeeze the rest
        axes.hist(
            [values[sample.metric_labels == LABELS[each]] for each in CLASSES[:5]],
            bins=np.linspace(low, max(high, low + 1e-6), 41).tolist(),
            stacked=True,
            color=[COLORS[each] for each in CLASSES[:5]],
        )
        axes.set_xlabel(f"{name} ({MAPS[name].unit_in(unit)})")
    figure.axes[0].set_ylabel("Windows")
    return figure


def draw_pictures(
    result: MovieResult, row: int, frame: NDArray[Any] | None, *, whole: bool
) -> list[Picture]:
    """Draw the maps of a frame.

    Parameters
    ----------
    result : MovieResult
        What was found.
    row : int
        Which of the analyzed frames, from 0.
    frame : ndarray, shape (Y, X), optional
        Its pixels, to show under the classes.
    whole : bool
        Whether pictures are as large as the frame, or as the map.
    """
    gray = None if frame is None else _png(_gray(frame))
    return [
        Picture(
            spec.short,
            gray if spec.name == "labels" else None,
            _png(_paint(spec, np.asarray(result.maps[spec.name][row]))),
            *_place(result, whole),
        )
        for spec in MAPS.values()
        if spec.reported and spec.name in result.maps
    ]


def aspect_ratio(result: MovieResult, whole: bool) -> float:
    """Return width over height of a picture: of the whole frame, or of the map alone."""
    (height, width), (y, x) = result.grid.frame_shape, result.pixel_size
    if not whole:
        height, width = result.grid.shape
    return width * x / (height * y)


def scale_bar(result: MovieResult, whole: bool) -> ScaleBar:
    """Choose a scale bar of up to a third of a picture's width."""
    columns = result.grid.frame_shape[1] if whole else result.grid.shape[1] * result.grid.stride
    width = columns * result.pixel_size[1]
    power = 10.0 ** np.floor(np.log10(width / 3))
    length = max(step * power for step in (1, 2, 5) if step * power <= width / 3)
    return ScaleBar(f"{length:g} {unit_name(result.unit)}", 100 * length / width)


def color_ramp() -> str:
    """Return the colors of the uncertainty, as stops of a CSS gradient."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    ramp = colormaps[MAPS["entropy"].colors]
    return ", ".join(to_hex(ramp(x)) for x in np.linspace(0, 1, 9))


def _place(result: MovieResult, whole: bool) -> tuple[float, float, float, float]:
    """Return left, top, width and height of a map on its frame in percent."""
    if not whole:
        return 0, 0, 100, 100
    grid = result.grid
    (rows, columns), (height, width) = grid.shape, grid.frame_shape
    edge = (grid.window - grid.stride) / 2
    return (
        100 * edge / width,
        100 * edge / height,
        100 * columns * grid.stride / width,
        100 * rows * grid.stride / height,
    )


def _paint(spec: MapSpec, values: NDArray[Any]) -> NDArray[np.uint8]:
    """Color labels or numbers, RGBA; what is not analyzed is transparent."""
    from matplotlib import colormaps
    from matplotlib.colors import to_rgba

    if spec.is_labels:
        palette = np.zeros((256, 4))
        for value, (_, color) in spec.values.items():
            palette[value] = to_rgba(color)
        return np.asarray(np.round(255 * palette[values]), dtype=np.uint8)
    assert spec.limits is not None
    low, high = spec.limits
    painted = colormaps[spec.colors]((np.nan_to_num(values) - low) / (high - low), bytes=True)
    painted[~np.isfinite(values)] = 0
    return np.asarray(painted)


def _gray(frame: NDArray[Any]) -> NDArray[np.uint8]:
    """Make a frame an image of 8 bits, and a smaller one if it is large."""
    step = -(-max(frame.shape) // _MAX_PIXELS)
    height, width = (step * (n // step) for n in frame.shape)
    binned = frame[:height, :width].astype(np.float64)
    binned = binned.reshape(height // step, step, width // step, step).mean(axis=(1, 3))
    finite = binned[np.isfinite(binned)]
    low, high = np.percentile(finite, (0.5, 99.5)) if finite.size else (0, 1)
    scaled = np.clip((np.nan_to_num(binned, nan=low) - low) / max(high - low, 1e-12), 0, 1)
    return np.asarray(np.round(255 * scaled), dtype=np.uint8)


def _png(image: NDArray[np.uint8]) -> str:
    import imageio.v3 as iio

    return _data_uri("image/png", iio.imwrite("<bytes>", image, extension=".png"))


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode()}"
