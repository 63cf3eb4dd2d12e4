"""How far nearest neighbors are apart, as a histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.results.plots import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from napari_lattice_symmetry.atoms import Atoms

_MOST = 100  # bins
_FINEST = 1e-3  # of the largest distance


def plot_neighbors(atoms: Atoms, figure: Figure | None = None) -> Figure:
    """Draw the histogram of the distances of nearest neighbors, with the median.

    Parameters
    ----------
    atoms : Atoms
        Of which frames ever.
    figure : matplotlib.figure.Figure, optional
        An empty one to draw on; a new one if not given.
    """
    figure = figure or new_figure(5, 3.5)
    axes = figure.subplots()
    unit = "nm" if atoms.calibrated else "px"
    distances = atoms.table()["neighbor_nm"] if atoms.calibrated else atoms.neighbor
    distances = distances[np.isfinite(distances)]
    axes.set_xlabel(f"Nearest neighbor ({unit})")
    axes.set_ylabel("Atoms")
    if not distances.size:
        return figure
    axes.hist(distances, bins=_edges(distances), color="#56B4E9")
    median = float(np.median(distances))
    spread = 1.4826 * float(np.median(np.abs(distances - median)))
    axes.axvline(median, color="#E69F00", linestyle="--")
    axes.set_title(
        f"{len(distances):,} atoms\nmedian {median:.4g} {unit}, spread {spread:.2g} {unit}",
        fontsize="x-small",
    )
    return figure


def _edges(distances: NDArray[np.float64]) -> list[float]:
    """Give edges of bins by Freedman and Diaconis, few enough to be seen."""
    low, high = float(distances.min()), float(distances.max())
    first, third = np.quantile(distances, (0.25, 0.75)).tolist()
    width = max(2 * (third - first) / len(distances) ** (1 / 3), _FINEST * high)
    n = min(int((high - low) / width) + 1, _MOST)
    rim = _FINEST * high  # equal distances have a bin, too
    return np.linspace(low - rim, high + rim, n + 1).tolist()
