"""NPY and NPZ: arrays without calibration, never unpickled."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.io.arrays import Lazy
from napari_lattice_symmetry.io.stack import Files, Stack

_format: Any = np.lib.format  # has no types
_BOUNDED = (ZIP_STORED, ZIP_DEFLATED)  # others pack without a bound
_PICKLED = (
    "holds pickled Python objects, which are not opened because they can run code; "
    "save the images as an array of numbers."
)


def open_npy(path: Path, files: Files) -> dict[str, Stack]:
    """Look at the header of an NPY file, whose array is mapped into memory when it is read."""
    with path.open("rb") as file:
        shape, dtype = _header(file)
        stored = path.stat().st_size - file.tell()
    read = partial(np.load, path, mmap_mode="r", allow_pickle=False)
    refusal = _PICKLED if dtype.hasobject else ""
    return {path.stem: Stack(Lazy(shape, dtype, read), refusal=refusal, stored=stored)}


def open_npz(path: Path, files: Files) -> dict[str, Stack]:
    """List the arrays of an NPZ file that have two axes or more."""
    archive = files.enter_context(ZipFile(path))
    stacks = {}
    for member in archive.infolist():
        if not member.filename.endswith(".npy"):
            continue
        with archive.open(member) as file:
            shape, dtype = _header(file)
        if len(shape) > 1:
            stacks[member.filename.removesuffix(".npy")] = Stack(
                Lazy(shape, dtype, partial(_read_member, archive, member.filename)),
                refusal=_PICKLED if dtype.hasobject else "",
                in_parts=False,
                stored=member.compress_size if member.compress_type in _BOUNDED else None,
                compressed=member.compress_type != ZIP_STORED,
            )
    return stacks


def _read_member(archive: ZipFile, name: str) -> NDArray[Any]:
    with archive.open(name) as file:
        values: NDArray[Any] = _format.read_array(file, allow_pickle=False)
        return values


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read shape and dtype from the first bytes of an array file."""
    first = _format.read_magic(file) == (1, 0)
    read = _format.read_array_header_1_0 if first else _format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype
