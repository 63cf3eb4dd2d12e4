"""HDF5: NSID, USID, NeXus, and any dataset with two axes or more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.data.movie import axis_letter
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.calibration import is_time, pixel_size_nm, seconds
from napari_lattice_symmetry.io.electron import hyperspy
from napari_lattice_symmetry.io.general.hdf5_dataset import dataset_stack, text_of
from napari_lattice_symmetry.io.general.hdf5_guard import check_hdf5
from napari_lattice_symmetry.io.general.tree import attributes_of, tree_of
from napari_lattice_symmetry.io.probe import usid
from napari_lattice_symmetry.io.stack import Files, Stack

if TYPE_CHECKING:
    import h5py

_HDF4 = b"\x0e\x03\x13\x01"
SUFFIXES = (".h5", ".hdf5", ".hf5", ".hdf", ".nxs")


def open_hdf5(path: Path, files: Files) -> dict[str, Stack]:
    """List the datasets that can be images; links into other files are not followed."""
    with path.open("rb") as start:
        if start.read(len(_HDF4)) == _HDF4:
            raise InputError(f"{path.name} is HDF4, an older format; convert it with h4toh5.")
    check_hdf5(path)
    import h5py

    file = files.enter_context(h5py.File(path, "r"))
    if text_of(file.attrs.get("file_format", "")).startswith("HyperSpy"):
        return hyperspy.signals_in(file, dataset_stack)
    datasets: dict[str, h5py.Dataset] = {}

    def visit(name: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset) and (_is_image(node) or usid.is_main(node)):
            datasets[name] = node

    file.visititems(visit)
    # Where a file says which of its arrays are measured signals, the others are not listed.
    measured = {name: node for name, node in datasets.items() if usid.is_main(node)}
    signals = {name: node for name, node in datasets.items() if _is_nexus_signal(node)}
    if measured:
        stacks = {name: usid.main_stack(node) for name, node in measured.items()}
    else:
        stacks = {name: _stack(node) for name, node in (signals or datasets).items()}
    tree = tree_of(file, without=datasets)
    for name, stack in stacks.items():
        stack.metadata = {"dataset": f"/{name}", **attributes_of(datasets[name]), "file": tree}
    return stacks


def _is_image(dataset: h5py.Dataset) -> bool:
    sides = [n for n in dataset.shape or () if n > 1]
    palette = dataset.attrs.get("CLASS") == b"PALETTE"
    return len(sides) > 1 and dataset.dtype.kind in "buifc" and not palette


def _is_nexus_signal(dataset: h5py.Dataset) -> bool:
    """Return whether the group (or, of old, the dataset) says that this is what was measured."""
    group, name = dataset.parent, dataset.name.rpartition("/")[2]
    is_data = text_of(group.attrs.get("NX_class", "")) == "NXdata"
    return is_data and (text_of(group.attrs.get("signal", "")) == name or "signal" in dataset.attrs)


def _stack(dataset: h5py.Dataset) -> Stack:
    scales = _scales(dataset)
    labels = (axis_letter(dim.label) for dim in dataset.dims)
    letters = "".join(
        scale.letter if scale and scale.letter != "?" else label
        for scale, label in zip(scales, labels, strict=True)
    )
    if letters == "?YX":
        letters = "TYX"
    pixel_size = frame_time = None
    along = {letter: scale for letter, scale in zip(letters, scales, strict=True) if scale}
    if "Y" in along and "X" in along:
        y, x = along["Y"], along["X"]
        pixel_size = pixel_size_nm(y.step, x.step, y.unit, x.unit)
    if "T" in along:
        frame_time = seconds(along["T"].step, along["T"].unit)
    return dataset_stack(
        dataset,
        axes=letters,
        pixel_size=pixel_size,
        frame_time=frame_time,
        calibration_source="dimension scales of the dataset",
        refusal=_refusal(letters, scales, dataset.shape),
    )


def _refusal(letters: str, scales: Sequence[_Scale | None], shape: tuple[int, ...]) -> str:
    diffraction = refusals.diffraction(*(scale.unit for scale in scales if scale))
    if diffraction:
        return refusals.four_dimensional(shape) if len(shape) > 3 else diffraction
    spectral = [scale.name for scale in scales if scale and scale.kind == "SPECTRAL"]
    if spectral:
        return refusals.spectra(repr(spectral[0]))
    if letters == "YX?":
        return refusals.spectra("its last axis")
    clouds = [scale.name for scale in scales if scale and scale.kind == "POINT_CLOUD"]
    return f"holds points along {clouds[0]!r} that form no image." if clouds else ""


class _Scale:
    """A dimension scale; NSID, the format of pycroscopy, also says what kind of axis it is."""

    def __init__(self, values: h5py.Dataset) -> None:
        facts = values.attrs
        self.unit = text_of(facts.get("units", ""))
        self.step = float(values[-1] - values[0]) / max(len(values) - 1, 1)
        self.name = text_of(facts.get("name", "")) or values.name.rpartition("/")[2]
        self.kind = text_of(facts.get("dimension_type", ""))
        if self.kind:
            letters = {"SPATIAL": self.name.upper(), "TEMPORAL": "T", "CHANNEL": "C"}
            self.letter = letters.get(self.kind, "?")
        else:
            letter = axis_letter(self.name)
            self.letter = "T" if letter == "?" and is_time(self.unit) else letter


def _scales(dataset: h5py.Dataset) -> list[_Scale | None]:
    """Find the scale of each axis: attached to it, named by NeXus, or beside it as dim0, dim1."""
    attached = [dim[0] if len(dim) else None for dim in dataset.dims]
    group, names = dataset.parent, [f"dim{axis}" for axis in range(dataset.ndim)]
    if not any(scale is not None for scale in attached):
        if "dim0" not in group:
            axes = np.atleast_1d(group.attrs.get("axes", dataset.attrs.get("axes", [])))
            names = [name for text in axes.tolist() for name in text_of(text).split(":")]
        attached = [group.get(name) if name != "." else None for name in names]
    if len(attached) != dataset.ndim:
        return [None] * dataset.ndim
    return [_Scale(scale) if _is_scale(scale) else None for scale in attached]


def _is_scale(node: Any) -> bool:
    return getattr(node, "ndim", 0) == 1 and node.size > 0
