"""Images that lie in a file as plain numbers, one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.arrays import Lazy
from napari_lattice_symmetry.io.stack import Stack

_MAX_HEADER = 1 << 22


def beginning(path: Path) -> bytes:
    """Read as much of a file as a text header in front of its images may be long."""
    with path.open("rb") as file:
        return file.read(_MAX_HEADER)


def plane(
    path: Path,
    offset: int,
    dtype: DTypeLike,
    shape: tuple[int, int],
    *,
    upside_down: bool = False,
    mirrored: bool = False,
    **facts: Any,
) -> Stack:
    """Describe an image (Y, X) from byte `offset` on, with more `facts` for its `Stack`.

    Parameters
    ----------
    path : Path
        The file.
    offset : int
        Bytes before the image.
    dtype : dtype
        Of a value, with its byte order.
    shape : (int, int)
        Number of rows and columns.
    upside_down, mirrored : bool
        Whether the lowest row comes first, and the rightmost column.

    Raises
    ------
    InputError
        If the numbers cannot be those of an image.
    """
    if min(shape) < 0 or offset < 0:
        raise InputError(f"{path.name} is damaged: an image of {shape} at byte {offset}.")
    rows = slice(None, None, -1 if upside_down else 1)
    columns = slice(None, None, -1 if mirrored else 1)

    def read() -> NDArray[Any]:
        return np.memmap(path, dtype, "r", offset, shape)[rows, columns]

    stored = max(path.stat().st_size - offset, 0)
    return Stack(Lazy(shape, np.dtype(dtype), read), axes="YX", stored=stored, **facts)
