"""Colors and symbols of points by one of their features, and the legend that explains them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from napari.utils.colormaps import ensure_colormap
from numpy.typing import NDArray

from napari_lattice_symmetry.plugin.layers.legend import LEGEND_KEY, Legend

if TYPE_CHECKING:
    from napari.layers import Points

UNKNOWN = "#9A9A9A"
_MAP = "plasma"
_DARKEST = 0.15  # share of the map that drowns in dark images, and is left out
_STEPS = np.linspace(0, 1, 9)
_MIDDLE = (0.01, 0.99)  # share of the values between the ends of the ramp

_Look: TypeAlias = tuple[str, str, str]  # color, symbol, and its sign in a text

# Colors that color-blind people tell apart (Okabe and Ito, 2008), each with a symbol of its own.
_KINDS: tuple[_Look, ...] = (
    ("#E69F00", "disc", "●"),
    ("#56B4E9", "square", "■"),
    ("#F0E442", "triangle_up", "▲"),
    ("#CC79A7", "diamond", "◆"),
    ("#009E73", "cross", "✚"),
    ("#D55E00", "star", "★"),
)
_OTHER = (UNKNOWN, "ring", "○")

TITLES = {
    "confidence": "confidence",
    "intensity": "intensity (gray values)",
    "intensity_error": "error of the intensity",
    "sigma": "sigma (px)",
    "neighbor": "nearest neighbor (px)",
    "neighbor_nm": "nearest neighbor (nm)",
    "y_error": "error of y (px)",
    "x_error": "error of x (px)",
    "displacement": "displacement (px)",
    "displacement_nm": "displacement (nm)",
    "polarization": "polarization (px)",
    "polarization_nm": "polarization (nm)",
    "orientation": "direction of bonds (°)",
    "lattice_class": "lattice of the window",
    "plane_group": "plane group of the window",
    "raw_y": "y before refinement (px)",
    "raw_x": "x before refinement (px)",
}


def title_of(name: str) -> str:
    """Say what a feature is, with its unit."""
    return TITLES.get(name, name.replace("_", " "))


def paint(layer: Points, name: str, title: str | None = None, *, as_marks: bool = False) -> None:
    """Color the points of a layer by a feature, and leave the legend in its metadata.

    Texts get a color and a symbol each, rare ones beyond six those of others; numbers a color of a
    ramp, and gray where they are not known.

    Parameters
    ----------
    layer : napari.layers.Points
        What is painted.
    name : str
        Of the feature.
    title : str, optional
        Of the legend.
    as_marks : bool
        Whether texts get no discs, which atoms are.
    """
    values = layer.features[name].to_numpy()
    title = title or title_of(name)
    if values.dtype.kind in "fiub":
        colors, legend = number_colors(values.astype(np.float64), title)
        symbols: Any = "disc"
    else:
        colors, symbols, legend = _of_kinds(values.astype(str), title, _KINDS[as_marks:])
    if len(values):
        layer.face_color = colors
        layer.symbol = symbols
    layer.metadata[LEGEND_KEY] = legend
    layer.events.metadata()


def number_colors(values: NDArray[np.float64], title: str) -> tuple[NDArray[Any], Legend]:
    """Return the colors (n, 4) of numbers, gray where they are not known, and their legend."""
    known = np.isfinite(values)
    low, high = np.quantile(values[known], _MIDDLE) if known.any() else (0.0, 1.0)
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    colors = _ramp(np.clip(np.where(known, share, 0), 0, 1))
    colors[~known] = _rgba(UNKNOWN)
    ramp = tuple(map(_hex, _ramp(_STEPS)))
    missing = () if known.all() else ((UNKNOWN, "not known"),)
    limits = (f"{low:.3g}", f"{high:.3g}")
    return colors, Legend(title, keys=missing, ramp=ramp, limits=limits)


def _of_kinds(
    values: NDArray[np.str_], title: str, offered: tuple[_Look, ...]
) -> tuple[Any, Any, Legend]:
    kinds, counts = np.unique(values, return_counts=True)
    listed = sorted(kinds[np.argsort(-counts, kind="stable")][: len(offered)].tolist())
    looks = {kind: offered[i] for i, kind in enumerate(listed)}
    of_each = [looks.get(value, _OTHER) for value in values.tolist()]
    keys = [(color, f"{sign} {kind or 'none'}") for kind, (color, _, sign) in looks.items()]
    if len(kinds) > len(listed):
        keys.append((_OTHER[0], f"{_OTHER[2]} others"))
    colors = np.array([_rgba(color) for color, _, _ in of_each]).reshape(-1, 4)
    return colors, [symbol for _, symbol, _ in of_each], Legend(title, keys=tuple(keys))


def _ramp(share: NDArray[np.float64]) -> NDArray[Any]:
    return np.asarray(ensure_colormap(_MAP).map(_DARKEST + (1 - _DARKEST) * share))


def _rgba(color: str) -> list[float]:
    return [*(byte / 255 for byte in bytes.fromhex(color[1:])), 1.0]


def _hex(color: NDArray[Any]) -> str:
    return "#" + bytes(np.round(255 * color[:3]).astype(np.uint8)).hex()
