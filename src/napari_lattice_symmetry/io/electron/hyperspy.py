"""HyperSpy's own files: HDF5 (hspy) and Zarr (zspy), which share one layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.electron.signal_axes import facts_of
from napari_lattice_symmetry.io.general.hdf5_dataset import dataset_stack
from napari_lattice_symmetry.io.general.hdf5_guard import check_hdf5
from napari_lattice_symmetry.io.general.tree import attributes_of, tree_of
from napari_lattice_symmetry.io.general.zarr_files import open_zarr, zarr_stack
from napari_lattice_symmetry.io.stack import Files, Stack, add

SUFFIXES = (".hspy", ".zspy")


def open_hyperspy(path: Path, files: Files) -> dict[str, Stack]:
    """List the signals of a file that HyperSpy wrote."""
    in_zarr = path.suffix.lower() == ".zspy"
    if in_zarr:
        root = open_zarr(path)
    else:
        import h5py

        check_hdf5(path)
        root = files.enter_context(h5py.File(path, "r"))
    if "Experiments" not in root:
        raise InputError(f"{path.name} is not a HyperSpy file: it has no group 'Experiments'.")
    return signals_in(root, zarr_stack if in_zarr else dataset_stack)


def signals_in(root: Any, describe: Callable[..., Stack]) -> dict[str, Stack]:
    """List the signals in an open file, HDF5 or Zarr; `describe` makes a stack of an array."""
    stacks: dict[str, Stack] = {}
    for name in root["Experiments"]:
        signal = root["Experiments"][name]
        if "data" in signal:
            data = signal["data"]
            axes = [attributes_of(signal[f"axis-{number}"]) for number in range(data.ndim)]
            facts = facts_of(axes, data.shape, "scale of the HyperSpy axes")
            add(stacks, name, describe(data, metadata=tree_of(signal, without={"data"}), **facts))
    return stacks
