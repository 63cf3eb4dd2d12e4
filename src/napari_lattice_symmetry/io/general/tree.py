"""What an HDF5 or Zarr file says about itself: attributes, and datasets that are no images."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

import numpy as np

from napari_lattice_symmetry.io.general.zarr_files import check_array

_MAX_BYTES = 1 << 16  # bytes of a dataset that is kept
_MAX_NODES = 100_000  # groups and datasets


def tree_of(group: Any, *, without: Container[str] = ()) -> dict[str, Any]:
    """Collect what lies in a group of HDF5 or Zarr, as nested dictionaries of plain values.

    Parameters
    ----------
    group : h5py.Group or zarr.Group
        Links to other files, and datasets that keep their values there, are not followed.
    without : container of str
        Paths of the datasets whose values are left out, as are those of all large ones.

    Returns
    -------
    dict
        A group is a dictionary of its attributes and members. An attribute of a dataset stands
        beside it, under ``name@attribute``.
    """
    tree = attributes_of(group)
    for path, node in islice(_members(group), _MAX_NODES):
        *above, name = path.split("/")
        branch = tree
        for part in above:
            branch = _branch(branch, part)
        if hasattr(node, "keys"):
            _branch(branch, name).update(attributes_of(node))
            continue
        branch |= {f"{name}@{key}": value for key, value in attributes_of(node).items()}
        if path not in without and _is_small(node):
            with suppress(Exception):  # damaged, not safe, or neither text nor number
                branch[name] = plain(_values(node))
    return tree


def attributes_of(node: Any) -> dict[str, Any]:
    """Return the attributes of a group or dataset that are texts, numbers or lists of them."""
    attributes = {}
    for name in node.attrs:
        with suppress(Exception):  # damaged, or a reference to another object
            attributes[name] = plain(node.attrs[name])
    return attributes


def plain(value: Any) -> Any:
    """Return texts, numbers, lists and dictionaries for what HDF5 and Zarr have.

    Raises
    ------
    TypeError
        If there is something else in it.
    """
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.names:
            records: Any = value
            return {name: plain(records[name]) for name in value.dtype.names}
        listed = value.tolist()
        if not isinstance(listed, np.generic):  # as Python has no such numbers
            return plain(listed)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if value is None or isinstance(value, str | int | float | complex):
        return value
    raise TypeError(f"{type(value).__name__} is neither text nor number")


def _members(group: Any) -> Iterator[tuple[str, Any]]:
    """Go through all groups and datasets below, each of them once."""
    if not hasattr(group, "visititems"):
        yield from group.members(max_depth=None)
        return
    nodes: list[tuple[str, Any]] = []

    def visit(name: str, node: Any) -> bool | None:
        nodes.append((name, node))
        return len(nodes) >= _MAX_NODES or None  # anything but None ends the visit

    group.visititems(visit)
    yield from nodes


def _branch(tree: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the dictionary under a name; a member counts for more than an attribute."""
    if not isinstance(tree.get(name), dict):
        tree[name] = {}
    branch: dict[str, Any] = tree[name]
    return branch


def _values(dataset: Any) -> Any:
    if hasattr(dataset, "compressors"):
        check_array(dataset)
    return dataset[()]


def _is_small(dataset: Any) -> bool:
    """Return whether a dataset has few values, and has them in this file."""
    shape = getattr(dataset, "shape", None)  # a named type has none, nor has what is empty
    if shape is None or getattr(dataset, "external", None) or getattr(dataset, "is_virtual", False):
        return False
    read = max(math.prod(shape), math.prod(dataset.chunks or ()))
    return bool(read * dataset.dtype.itemsize <= _MAX_BYTES)
