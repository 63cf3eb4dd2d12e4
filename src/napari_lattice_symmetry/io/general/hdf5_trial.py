"""Touches all that readers touch in an HDF5 file; `hdf5_guard` runs it in a process of its own."""

from __future__ import annotations

import math
import sys
from contextlib import suppress
from typing import Any

import h5py

_SMALL = 1 << 20  # bytes that are read whole: texts, axes and tables, not images
_SLACK = 1 << 12  # bytes that a chunk may take in the file beside a tenth more than its values
BOMB = 3
"""Exit status where chunks would unpack into more than they are declared to hold."""


def look(path: str) -> None:
    """Visit every object in a file: attributes, chunks and some values.

    Of each it tells the bytes of a chunk, which are unpacked at once.
    """
    print(0, flush=True)
    with h5py.File(path, "r") as file:
        file.visititems(lambda _, node: _touch(node))
        _touch_attributes(file)


def _touch(node: h5py.Group | h5py.Dataset) -> None:
    print(_chunk_bytes(node), flush=True)
    _touch_attributes(node)
    if isinstance(node, h5py.Dataset):
        with suppress(Exception):  # what cannot be read is told when it is asked for
            node.id.get_storage_size()
            if _has_bombs(node):
                sys.exit(BOMB)
            _touch_values(node)


def _touch_attributes(node: h5py.Group | h5py.Dataset) -> None:
    with suppress(Exception):
        for name in node.attrs:
            with suppress(Exception):
                node.attrs[name]


def _chunk_bytes(node: h5py.Group | h5py.Dataset) -> int:
    chunks = getattr(node, "chunks", None)
    return math.prod(chunks) * int(node.dtype.itemsize) if chunks else 0


def _has_bombs(dataset: h5py.Dataset) -> bool:
    """Return whether a chunk takes more in the file than packing can make of what it is to hold."""
    if dataset.chunks is None or not dataset.compression:
        return False
    most = _SLACK + 1.1 * _chunk_bytes(dataset)
    found: list[int] = []

    def visit(chunk: Any) -> bool | None:  # anything but None ends the visit
        found.append(chunk.size)
        return chunk.size > most or None

    dataset.id.chunk_iter(visit)
    return bool(found) and found[-1] > most


def _touch_values(dataset: h5py.Dataset) -> None:
    if dataset.nbytes <= _SMALL:
        dataset[()]
    elif dataset.size:
        for corner in (0, -1):
            dataset[(corner,) * dataset.ndim]
            print(0, flush=True)


if __name__ == "__main__":
    with suppress(Exception):  # that it is no HDF5 file is also told by whoever opens it
        look(sys.argv[1])
