"""HyperSpy's own files: HDF5 (hspy) and Zarr (zspy), which share one layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.hdf5 import dataset_stack
from napari_lattice_symmetry.io.hdf5_guard import check_hdf5
from napari_lattice_symmetry.io.signal_axes import facts_of
from napari_lattice_symmetry.io.stack import Files, Stack, add
from napari_lattice_symmetry.io.zarr_files import open_zarr, zarr_stack

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
    describe = zarr_stack if in_zarr else dataset_stack
    stacks: dict[str, Stack] = {}
    for name in root["Experiments"]:
        signal = root["Experiments"][name]
        if "data" in signal:
            data, axes = signal["data"], _axes(signal)
            facts = facts_of(axes, data.shape, "scale of the HyperSpy axes")
            add(stacks, name, describe(data, metadata={"axes": axes}, **facts))
    return stacks


def _axes(signal: Any) -> list[dict[str, Any]]:
    """Collect what is said of the axes, as plain values."""
    axes = []
    for number in range(len(signal["data"].shape)):
        attributes = dict(signal[f"axis-{number}"].attrs)
        axes.append({key: _plain(value) for key, value in attributes.items()})
    return axes


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") and getattr(value, "size", 0) == 1 else value
