"""Atoms from tables, as they were saved here or as napari saves points."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms.table import Atoms
from napari_lattice_symmetry.errors import InputError, guard

_LENGTHS = re.compile(r"(.*)_nm")


def read_atoms(path: str | Path, pixel_size: float | tuple[float, float] | None = None) -> Atoms:
    """Read atoms from a table.

    Parameters
    ----------
    path : path
        A ``.csv`` as `Atoms.save` writes it, one with columns y and x in pixels or y_nm and x_nm
        (and a frame, a label and whatever else), or points that napari saved.
    pixel_size : float or (float, float), optional
        In nm, or along y and x; needed where only nm are given.

    Returns
    -------
    Atoms
        In pixels.

    Raises
    ------
    InputError
        If it is none of these.
    """
    path = Path(path)
    if path.suffix.lower() != ".csv" or not path.is_file():
        raise InputError(
            f"{path} is no table of atoms that can be read; choose a .csv that exists."
        )
    size = None if pixel_size is None else nm_pair(pixel_size)
    advice = "it should hold numbers under the names y and x"
    with guard(f"{path.name} cannot be read as atoms", InputError, advice=advice):
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        titles = list(rows[0]) if rows else []
        columns = {title: _values([row[title] for row in rows]) for title in titles if title}
        return _as_atoms(columns, size, path)


def _as_atoms(
    columns: dict[str, NDArray[Any]], size: tuple[float, float] | None, path: Path
) -> Atoms:
    axes = [title for title in columns if re.fullmatch(r"axis-\d+", title)]
    if len(axes) >= 2:  # of napari
        names = ("frame", "y", "x")[-min(len(axes), 3) :]
        columns |= dict(zip(names, (columns[axis] for axis in axes[-3:]), strict=True))
    if not {"y", "x"} <= set(columns) and {"y_nm", "x_nm"} <= set(columns):
        if size is None:
            raise InputError(f"{path.name} is in nm; give pixel_size, which makes pixels of them.")
        columns |= {"y": columns["y_nm"] / size[0], "x": columns["x_nm"] / size[1]}
    if not {"y", "x"} <= set(columns):
        raise InputError(
            f"{path.name} has no columns y and x, or y_nm and x_nm; add a row of names."
        )
    known = set(Atoms.at([], []).columns())
    given = {
        title: column
        for title, column in columns.items()
        if title not in axes and not _LENGTHS.fullmatch(title) and title != "index"
    }
    own = {title: column for title, column in given.items() if title in known}
    if "frame" in own:
        own["frame"] = np.asarray(own["frame"]).round().astype(np.int64)
    if "label" in own:
        own["label"] = own["label"].astype(str)
    more = {title: column for title, column in given.items() if title not in known}
    return Atoms.at(**own, more=more, pixel_size=size, name=path.stem)


def _values(texts: list[str]) -> NDArray[Any]:
    try:
        return np.array([float(text) if text else np.nan for text in texts])
    except ValueError:
        return np.array(texts, dtype=str)


def nm_pair(size: float | tuple[float, float]) -> tuple[float, float]:
    """Return a pixel size along y and x in nm.

    Raises
    ------
    InputError
        If it is not positive and finite.
    """
    height, width = np.broadcast_to(np.asarray(size, dtype=np.float64), (2,)).tolist()
    if not (0 < height < np.inf and 0 < width < np.inf):
        raise InputError(f"The pixel size {size} must be positive and finite, in nm.")
    return height, width
