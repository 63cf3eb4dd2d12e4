"""Touches all that readers touch in an HDF5 file; `hdf5_guard` runs it in a process of its own."""

from __future__ import annotations

import sys
from contextlib import suppress

import h5py

_SMALL = 1 << 20  # bytes that are read whole: texts, axes and tables, not images


def look(path: str) -> None:
    """Visit every object in a file, and tell of each: attributes, chunks and some values."""
    print(flush=True)
    with h5py.File(path, "r") as file:
        file.visititems(lambda _, node: _touch(node))
        _touch_attributes(file)


def _touch(node: h5py.Group | h5py.Dataset) -> None:
    print(flush=True)
    _touch_attributes(node)
    if isinstance(node, h5py.Dataset):
        with suppress(Exception):  # what cannot be read is told when it is asked for
            node.id.get_storage_size()
            _touch_values(node)


def _touch_attributes(node: h5py.Group | h5py.Dataset) -> None:
    with suppress(Exception):
        for name in node.attrs:
            with suppress(Exception):
                node.attrs[name]


def _touch_values(dataset: h5py.Dataset) -> None:
    if dataset.nbytes <= _SMALL:
        dataset[()]
    elif dataset.size:
        for corner in (0, -1):
            dataset[(corner,) * dataset.ndim]


if __name__ == "__main__":
    with suppress(Exception):  # that it is no HDF5 file is also told by whoever opens it
        look(sys.argv[1])
