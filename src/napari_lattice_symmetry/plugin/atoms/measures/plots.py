"""Histograms of distances, bonds and angles, with what is known of a material, and of rings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms import KnownBonds, find_bonds, find_rings
from napari_lattice_symmetry.results.plots import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from napari_lattice_symmetry.atoms import Atoms

NEIGHBORS, LENGTHS, ANGLES, RINGS = "nearest neighbors", "bond lengths", "bond angles", "rings"
QUANTITIES = (NEIGHBORS, LENGTHS, ANGLES, RINGS)

_MAX_BINS = 100
_FINEST = 1e-3  # of the largest distance
_BARS, _MEDIAN, _KNOWN = "#56B4E9", "#E69F00", "#009E73"


def plot_quantity(
    atoms: Atoms,
    quantity: str,
    known: KnownBonds | None = None,
    figure: Figure | None = None,
) -> Figure:
    """Draw the histogram of a quantity, with its median and what is known of a material.

    Parameters
    ----------
    atoms : Atoms
        Of which frames ever.
    quantity : str
        One of `QUANTITIES`.
    known : KnownBonds, optional
        Drawn where lengths are in nm, or are angles.
    figure : matplotlib.figure.Figure, optional
        An empty one to draw on; a new one if not given.

    Raises
    ------
    InputError
        If there are no bonds.
    """
    figure = figure or new_figure(5, 3.5)
    axes = figure.subplots()
    unit = "nm" if atoms.calibrated else "px"
    if quantity == RINGS:
        counts = find_rings(atoms).counts()
        axes.bar([str(size) for size in counts], list(counts.values()), color=_BARS)
        axes.set_xlabel("Atoms of a ring")
        axes.set_ylabel("Rings")
        told = ", ".join(f"{count} of {size}" for size, count in counts.items())
        axes.set_title(told or "no rings", fontsize="x-small", wrap=True)
        return figure
    if quantity == NEIGHBORS:
        values = atoms.table()["neighbor_nm"] if atoms.calibrated else atoms.neighbor
        lines: Sequence[float] = () if known is None else known.lengths[:1]
        title, counted = f"Nearest neighbor ({unit})", "atoms"
    elif quantity == LENGTHS:
        values = find_bonds(atoms).length
        lines = () if known is None else known.lengths
        title, counted = f"Bond length ({unit})", "bonds"
    else:
        values, unit = find_bonds(atoms).angle, "°"
        lines = () if known is None else known.angles
        title, counted = "Bond angle (°)", "angles"
    _draw(figure, values, title, unit, counted)
    if known is not None and unit != "px":
        for i, line in enumerate(lines):
            label = known.material if i == 0 else "_"
            axes.axvline(line, color=_KNOWN, label=label)
        if lines:
            axes.legend(fontsize="x-small", frameon=False)
    return figure


def _draw(figure: Figure, values: NDArray[np.float64], title: str, unit: str, counted: str) -> None:
    (axes,) = figure.axes
    values = values[np.isfinite(values)]
    axes.set_xlabel(title)
    axes.set_ylabel(counted.capitalize())
    if not values.size:
        return
    axes.hist(values, bins=_edges(values), color=_BARS)
    median = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - median)))
    axes.axvline(median, color=_MEDIAN, linestyle="--")
    space = "" if unit == "°" else " "
    axes.set_title(
        f"{len(values):,} {counted}\n"
        f"median {median:.4g}{space}{unit}, spread {spread:.2g}{space}{unit}",
        fontsize="x-small",
    )


def _edges(values: NDArray[np.float64]) -> list[float]:
    """Return edges of bins by Freedman and Diaconis, few enough to be seen."""
    low, high = float(values.min()), float(values.max())
    first, third = np.quantile(values, (0.25, 0.75)).tolist()
    width = max(2 * (third - first) / len(values) ** (1 / 3), _FINEST * high)
    n = min(int((high - low) / width) + 1, _MAX_BINS)
    rim = _FINEST * high  # equal distances have a bin, too
    return np.linspace(low - rim, high + rim, n + 1).tolist()


def write_quantity(atoms: Atoms, quantity: str, path: Path) -> None:
    """Write what a histogram shows as CSV: rings, bonds or angles, one a row.

    Raises
    ------
    InputError
        If there are none.
    """
    from napari_lattice_symmetry.atoms.writing import write_columns

    if quantity == RINGS:
        find_rings(atoms).save(path, overwrite=True)  # the dialog has asked
    elif quantity == ANGLES:
        bonds = find_bonds(atoms)
        columns = {"frame": atoms.frame[bonds.corner], "atom": bonds.corner, "angle": bonds.angle}
        write_columns(columns, path, overwrite=True)
    elif quantity == LENGTHS:
        find_bonds(atoms).save(path, overwrite=True)
    else:
        atoms.save(path, overwrite=True)
