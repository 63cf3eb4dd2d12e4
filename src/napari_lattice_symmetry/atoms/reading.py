"""Atoms from files, as they were saved here or as napari saves points."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms.table import ATOM, Atoms
from napari_lattice_symmetry.atoms.writing import NO_ELEMENT
from napari_lattice_symmetry.crystals.reading import IN_NANOMETERS
from napari_lattice_symmetry.errors import InputError, guard

_LENGTHS = re.compile(r"(.*)_nm")
_PROPERTIES = re.compile(r'Properties="?([^"\s]+)"?')
_FRAME = re.compile(r"\bframe[= ](\d+)")
_SAME_SIZE = 1e-3  # share by which pixel sizes of one table differ at most


def read_atoms(path: str | Path, pixel_size: float | tuple[float, float] | None = None) -> Atoms:
    """Read atoms from a file.

    Parameters
    ----------
    path : path
        A ``.csv`` or ``.parquet`` as `Atoms.save` writes it, or one with columns y and x in pixels
        or y_nm and x_nm (and a frame, a label and whatever else); points that napari saved; or
        ``.xyz`` and ``.extxyz`` in nanometers, as `Atoms.save` writes them.
    pixel_size : float or (float, float), optional
        In nm, or along y and x; needed where only nm are given.

    Returns
    -------
    Atoms
        In pixels.

    Raises
    ------
    InputError
        If it is none of these, an atom has no place, its lengths are not known to be in nm, or it
        was made with pixels of another size.
    """
    path = Path(path)
    if path.suffix.lower() not in _READERS or not path.is_file():
        endings = ", ".join(_READERS)
        raise InputError(
            f"{path} is no table of atoms that can be read; choose a file that exists and ends in "
            f"{endings}."
        )
    size = None if pixel_size is None else nm_pair(pixel_size)
    advice = "it should hold numbers under the names y and x"
    with guard(f"{path.name} cannot be read as atoms", InputError, advice=advice):
        return _as_atoms(_READERS[path.suffix.lower()](path), size, path)


def _csv_columns(path: Path) -> dict[str, NDArray[Any]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    titles = list(rows[0]) if rows else []
    return {title: _values([row[title] for row in rows]) for title in titles if title}


def _parquet_columns(path: Path) -> dict[str, NDArray[Any]]:
    from pyarrow import parquet

    table = parquet.read_table(path)
    return {title: np.array(table[title].to_pylist()) for title in table.column_names}


def _xyz_columns(path: Path) -> dict[str, NDArray[Any]]:
    """Read the blocks of an XYZ file, one a frame, whose second lines say that it is in nm."""
    lines = path.read_text(encoding="utf-8").splitlines()
    frames: list[int] = []
    rows: list[list[str]] = []
    titles, kinds, at = ["species", "x_nm", "y_nm", "z_nm"], ["S", "R", "R", "R"], 0
    while at + 1 < len(lines):
        count, about = int(lines[at]), lines[at + 1]
        if not IN_NANOMETERS.search(about):
            raise InputError(
                f"{path.name} does not say that its lengths are in nm, so that they may be in "
                "angstrom, as in most XYZ files; make a .csv of it with the columns y_nm and x_nm."
            )
        told, listed = _FRAME.search(about), _PROPERTIES.search(about)
        frames += [int(told[1]) if told else len(frames) and frames[-1] + 1] * count
        if listed:
            parts = listed[1].split(":")[6:]
            titles, kinds = titles[:4] + parts[::3], kinds[:4] + parts[1::3]
        rows += [line.split() for line in lines[at + 2 : at + 2 + count]]
        at += 2 + count
    cells = zip(*rows, strict=True) if rows else [()] * len(titles)
    columns = {
        title: np.array(each) == "T" if kind == "L" else _values(list(each))
        for title, kind, each in zip(titles, kinds, cells, strict=True)
    }
    species = columns.pop("species").astype(str)
    label = np.where(species == NO_ELEMENT, ATOM, species)
    return {"label": label, "frame": np.array(frames, np.int64)} | columns


def _as_atoms(
    columns: dict[str, NDArray[Any]], size: tuple[float, float] | None, path: Path
) -> Atoms:
    axes = [title for title in columns if re.fullmatch(r"axis-\d+", title)]
    if len(axes) >= 2:  # of napari
        names = ("frame", "y", "x")[-min(len(axes), 3) :]
        columns |= dict(zip(names, (columns[axis] for axis in axes[-3:]), strict=True))
    if {"y_nm", "x_nm"} <= set(columns):
        if {"y", "x"} <= set(columns):
            size = _size_of(columns, size, path)
        elif size is None:
            raise InputError(f"{path.name} is in nm; give pixel_size, which makes pixels of them.")
        else:
            columns |= {"y": columns["y_nm"] / size[0], "x": columns["x_nm"] / size[1]}
    if not {"y", "x"} <= set(columns):
        raise InputError(
            f"{path.name} has no columns y and x, or y_nm and x_nm; add a row of names."
        )
    for title in ("y", "x", "frame"):
        _check_known(columns, title, path)
    known = set(Atoms.at([], []).columns())
    given = {
        title: column
        for title, column in columns.items()
        if title not in (*axes, "index", "z_nm") and not _LENGTHS.fullmatch(title)
    }
    own = {title: column for title, column in given.items() if title in known}
    if "frame" in own:
        own["frame"] = np.asarray(own["frame"]).round().astype(np.int64)
    if "label" in own:
        own["label"] = own["label"].astype(str)
    more = {title: column for title, column in given.items() if title not in known}
    return Atoms.at(**own, more=more, pixel_size=size, name=path.stem)


def _check_known(columns: dict[str, NDArray[Any]], title: str, path: Path) -> None:
    """Check that a column holds a number for each atom.

    Raises
    ------
    InputError
        If one is missing.
    """
    if title not in columns:
        return
    missing = np.flatnonzero(~np.isfinite(np.asarray(columns[title], dtype=np.float64)))
    if len(missing):
        raise InputError(
            f"{path.name}: row {missing[0] + 1} of its atoms has no {title}; fill it in, or leave "
            "the row out."
        )


def _size_of(
    columns: dict[str, NDArray[Any]], size: tuple[float, float] | None, path: Path
) -> tuple[float, float] | None:
    """Return the pixel size that a table in px and in nm was made with.

    Raises
    ------
    InputError
        If another one is asked for.
    """
    made: list[float] = []
    for axis in "yx":
        pixels = columns[axis]
        far = int(np.nanargmax(np.abs(pixels))) if np.isfinite(pixels).any() else None
        if far is None or pixels[far] == 0:
            return size
        made.append(float(f"{columns[f'{axis}_nm'][far] / pixels[far]:.6g}"))
    if size is not None and not np.allclose(made, size, rtol=_SAME_SIZE):
        raise InputError(
            f"{path.name} was made with pixels of {made[0]:.4g} x {made[1]:.4g} nm, and these are "
            f"of {size[0]:.4g} x {size[1]:.4g} nm; correct the pixel size of the image, or keep "
            "only the columns y_nm and x_nm."
        )
    return made[0], made[1]


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


_READERS = {
    ".csv": _csv_columns,
    ".parquet": _parquet_columns,
    ".xyz": _xyz_columns,
    ".extxyz": _xyz_columns,
}
