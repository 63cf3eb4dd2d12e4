"""One dataset of an HDF5 file as a `Stack`, whoever laid out the file."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from napari_lattice_symmetry.io.stack import Stack

if TYPE_CHECKING:
    import h5py


def dataset_stack(dataset: h5py.Dataset, **facts: Any) -> Stack:
    """Return the description of a dataset, with `facts` for its `Stack`."""
    if dataset.external:
        return Stack(dataset, refusal="keeps its values in another file, which is not opened.")
    if dataset.is_virtual or dataset.chunks is not None:  # what was never written takes no place
        piece = prod(dataset.chunks or ()) * dataset.dtype.itemsize
        return Stack(dataset, piece=piece, **facts)
    return Stack(dataset, stored=dataset.id.get_storage_size(), **facts)


def text_of(value: Any) -> str:
    """Return the text of an attribute, which some writers keep as bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
