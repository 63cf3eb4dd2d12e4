"""HDF5: any dataset with two axes or more, calibrated where dimension scales say how."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.io.calibration import pixel_size_nm, seconds
from napari_lattice_symmetry.io.stack import Stack

if TYPE_CHECKING:
    import h5py

SUFFIXES = (".h5", ".hdf5", ".hf5", ".hdf")


def open_hdf5(path: Path, files: ExitStack) -> dict[str, Stack]:
    """List the datasets that can be images; links into other files are not followed."""
    import h5py

    stacks: dict[str, Stack] = {}

    def visit(name: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset) and _is_image(node):
            stacks[name] = _stack(node)

    files.enter_context(h5py.File(path, "r")).visititems(visit)
    return stacks


def _is_image(dataset: h5py.Dataset) -> bool:
    sides = [n for n in dataset.shape or () if n > 1]
    palette = dataset.attrs.get("CLASS") == b"PALETTE"
    return len(sides) > 1 and dataset.dtype.kind in "buifc" and not palette


def _stack(dataset: h5py.Dataset) -> Stack:
    scales = [_Scale(dim[0]) if len(dim) else None for dim in dataset.dims]
    stack = Stack(
        dataset,
        axes="".join(scale.letter if scale else "?" for scale in scales),
        metadata=_attributes(dataset),
        refusal=" ".join(scale.refusal for scale in scales if scale and scale.refusal),
        stored=dataset.nbytes if dataset.is_virtual else dataset.id.get_storage_size(),
        compressed=dataset.chunks is not None,
    )
    along = {letter: scale for letter, scale in zip(stack.axes, scales, strict=False) if scale}
    if "Y" in along and "X" in along:
        y, x = along["Y"], along["X"]
        stack.pixel_size = pixel_size_nm(y.step, x.step, y.unit, x.unit)
    if "T" in along:
        stack.frame_time = seconds(along["T"].step, along["T"].unit)
    return stack


class _Scale:
    """A dimension scale; NSID, the format of pycroscopy, also says what kind of axis it is."""

    def __init__(self, values: h5py.Dataset) -> None:
        facts = values.attrs
        self.unit = _text(facts.get("units", ""))
        self.step = float(values[-1] - values[0]) / max(len(values) - 1, 1)
        name = _text(facts.get("name", ""))
        kind = _text(facts.get("dimension_type", ""))
        letters = {"SPATIAL": name.upper(), "TEMPORAL": "T", "CHANNEL": "C"}
        self.letter = letters.get(kind, "?")
        self.refusal = ""
        if kind in ("SPECTRAL", "RECIPROCAL", "POINT_CLOUD"):
            kind = kind.lower().replace("_", " ")
            self.refusal = f"is not a movie of images: its axis {name!r} is {kind}."


def _attributes(dataset: h5py.Dataset) -> dict[str, Any]:
    """Collect what the attributes say, references to other objects left out."""
    facts = {"dataset": dataset.name}
    for name, value in dataset.attrs.items():
        values = np.asarray(value)
        if values.dtype.kind in "buifSU" or all(isinstance(item, str) for item in values.flat):
            facts[name] = _text(value) if isinstance(value, bytes) else values.tolist()
    return facts


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
