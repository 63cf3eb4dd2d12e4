"""Atoms as files: tables and XYZ."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import check_free, replacing

if TYPE_CHECKING:
    from napari_lattice_symmetry.atoms.table import Atoms

_SYMBOL = re.compile(r"[A-Z][a-z]?")
NO_ELEMENT = "X"
"""Stands in files of structures for what has a label that is no element."""


def write_atoms(atoms: Atoms, path: Path, *, overwrite: bool = False) -> None:
    """Write atoms; see `Atoms.save`."""
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise InputError(f"{path} must end in {', '.join(_WRITERS)}.")
    if suffix in (".xyz", ".extxyz") and not atoms.calibrated:
        raise InputError(
            f"{path.name} holds lengths in nm, and the pixel size is not known; "
            "give pixel_size, or save a .csv in pixels."
        )
    check_free(path, overwrite=overwrite)
    with replacing(path) as partial:
        _WRITERS[suffix](atoms, partial)


def write_columns(columns: dict[str, NDArray[Any]], path: Path, *, overwrite: bool = False) -> None:
    """Write columns of one length as CSV.

    Raises
    ------
    InputError
        If the name does not end in .csv, or something is in the way.
    """
    if path.suffix.lower() != ".csv":
        raise InputError(f"{path} must end in .csv.")
    check_free(path, overwrite=overwrite)
    with replacing(path) as partial:
        _write_table(columns, partial)


def _write_csv(atoms: Atoms, path: Path) -> None:
    _write_table(atoms.table(), path)


def _write_table(table: dict[str, NDArray[Any]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*map(_texts, table.values()), strict=True))


def _texts(column: NDArray[Any]) -> list[str]:
    if column.dtype.kind == "f":
        return ["" if np.isnan(value) else f"{value:.7g}" for value in column.tolist()]
    return [str(value) for value in column.tolist()]


def _write_parquet(atoms: Atoms, path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {
        title: pa.array(column.tolist() if column.dtype.kind == "U" else column)
        for title, column in atoms.table().items()
    }
    parquet.write_table(pa.table(columns, metadata={"name": atoms.name}), path)


def _write_xyz(atoms: Atoms, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number, some in _frames(atoms):
            file.write(f"{len(some)}\n{_one_line(some.name)}, frame {number}, lengths in nm\n")
            file.writelines(f"{' '.join(row)}\n" for row in _places(some))


def _write_extended(atoms: Atoms, path: Path) -> None:
    own = {title: values for title, values in atoms.columns().items() if title not in "yx"}
    kinds = {"f": "R", "i": "I", "u": "I", "b": "L", "U": "S"}
    listed = [f"{title}:{kinds[values.dtype.kind]}:1" for title, values in own.items()]
    properties = ":".join(["species:S:1:pos:R:3", *listed])
    with path.open("w", encoding="utf-8") as file:
        for number, some in _frames(atoms):
            file.write(
                f'{len(some)}\nProperties={properties} pbc="F F F" unit=nm frame={number} '
                f'name="{_one_line(some.name)}"\n'
            )
            columns = [_extended_texts(some.columns()[title]) for title in own]
            for row, more in zip(_places(some), zip(*columns, strict=True), strict=True):
                file.write(f"{' '.join((*row, *more))}\n")


def _extended_texts(column: NDArray[Any]) -> list[str]:
    if column.dtype.kind == "f":
        return [f"{value:.7g}" for value in column.tolist()]
    if column.dtype.kind == "b":
        return ["T" if value else "F" for value in column.tolist()]
    return [str(value).replace(" ", "_") or "_" for value in column.tolist()]


def _one_line(name: str) -> str:
    return " ".join(name.replace('"', "'").split())


def _frames(atoms: Atoms) -> Iterator[tuple[int, Atoms]]:
    for number in np.unique(atoms.frame).tolist():
        yield number, atoms[atoms.frame == number]


def _places(atoms: Atoms) -> Iterator[tuple[str, str, str, str]]:
    assert atoms.pixel_size is not None, "it was asked for"
    height, width = atoms.pixel_size
    for label, y, x in zip(atoms.label.tolist(), atoms.y, atoms.x, strict=True):
        symbol = label if _SYMBOL.fullmatch(label) else NO_ELEMENT
        yield symbol, f"{x * width:.6f}", f"{y * height:.6f}", "0.000000"


_WRITERS: dict[str, Callable[[Atoms, Path], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".xyz": _write_xyz,
    ".extxyz": _write_extended,
}

ATOM_SUFFIXES = tuple(_WRITERS)
"""Endings of files that atoms are written to."""
