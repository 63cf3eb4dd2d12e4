"""NanoMegas block files (blo): a diffraction pattern at each scan position, which is refused."""

from __future__ import annotations

import struct
from pathlib import Path

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.stack import Files, Stack

SUFFIXES = (".blo",)
_MAGIC = b"IMGBLO"
_HEADER = struct.Struct("<6s H 3I 4H")


def open_blo(path: Path, files: Files) -> dict[str, Stack]:
    """Say what a block file holds.

    Raises
    ------
    InputError
        Always.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or not header.startswith(_MAGIC):
        raise InputError(f"{path.name} is not a NanoMegas block file, or its header is cut off.")
    side, _, columns, rows = _HEADER.unpack(header)[-4:]
    raise InputError(f"{path.name} {refusals.four_dimensional((rows, columns, side, side))}")
