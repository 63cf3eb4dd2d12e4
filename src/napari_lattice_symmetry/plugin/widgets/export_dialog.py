"""Asking where to, and writing a table or a figure there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_lattice_symmetry.errors import LatticeSymmetryError
from napari_lattice_symmetry.results.plots import drawing, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TABLE, _FIGURE = "Table (*.csv)", "Image (*.png);;Drawing (*.svg)"
_DPI = 200


def export(
    parent: QWidget,
    name: str,
    plot: Callable[[], Figure],
    write: Callable[[Path], None] | None = None,
    kinds: str = _TABLE,
) -> None:
    """Ask for a file, and write it: a table by `write`, or the figure that `plot` draws.

    Parameters
    ----------
    parent : QWidget
        Over which the question appears.
    name : str
        What the file is called unless the person has another name for it.
    plot : callable
        Draws the figure, for a PNG or SVG file.
    write : callable, optional
        Writes the table, for a CSV file, if there is one.
    kinds : str
        What `write` writes, as file dialogs of Qt have it.
    """
    written = [] if write is None else _endings(kinds)
    filters = f"{kinds};;{_FIGURE}" if written else _FIGURE
    endings = written + _endings(_FIGURE)
    chosen, kind = QFileDialog.getSaveFileName(parent, "Export", name + endings[0], filters)
    if not chosen:
        return
    path = Path(chosen)
    if path.suffix.lower() not in endings:
        path = path.with_name(path.name + kind[kind.index("*") + 1 : -1])
    try:
        if write is not None and path.suffix.lower() in written:
            write(path)
        else:
            with drawing():
                save_figure(plot(), path, _DPI)
    except LatticeSymmetryError as error:
        show_error(str(error))
    else:
        show_info(f"Wrote {path}.")


def _endings(filters: str) -> list[str]:
    return re.findall(r"\*(\.\w+)", filters)
