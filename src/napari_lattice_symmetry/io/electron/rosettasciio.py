"""Files of electron microscopes, through RosettaSciIO (GPL, so an optional extra)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from glob import escape
from math import prod
from pathlib import Path
from struct import unpack_from
from typing import Any

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.electron.signal_axes import facts_of
from napari_lattice_symmetry.io.general.hdf5_guard import check_hdf5
from napari_lattice_symmetry.io.general.numpy_files import open_npz
from napari_lattice_symmetry.io.loading import check, check_memory
from napari_lattice_symmetry.io.optional import require
from napari_lattice_symmetry.io.stack import Files, Stack, add

_READERS = {
    ".dm3": ("digitalmicrograph", "Gatan DigitalMicrograph"),
    ".dm4": ("digitalmicrograph", "Gatan DigitalMicrograph"),
    ".emd": ("emd", "EMD"),
    ".ser": ("tia", "TIA"),
    ".emi": ("tia", "TIA"),
    ".mrc": ("mrc", "MRC"),
    ".prz": ("pantarhei", "Panta Rhei"),
    ".img": ("jeol", "JEOL"),
    ".asw": ("jeol", "JEOL"),
    ".map": ("jeol", "JEOL"),
}
SUFFIXES = tuple(_READERS)
_METER = 1e9  # nm
_MRC_HEADER, _MRC_MODES = 1024, 256
_MRC_MARK, _JEOL_MARK = b"MAP", b"\x34\0\0\0"
_MRC_BYTES = {0: 1, 1: 2, 2: 4, 3: 4, 4: 8, 6: 2, 12: 2, 16: 3}  # a pixel of each mode


def open_electron(path: Path, files: Files) -> dict[str, Stack]:
    """List the signals in a file of an electron microscope."""
    options: dict[str, Any] = {"lazy": True}
    kind = _kind(path)
    if kind == ".mrc":
        options["endianness"] = _check_mrc(path)
    elif kind == ".emd":
        check_hdf5(path)
    elif kind == ".prz":
        options["lazy"] = not _check_prz(path, files)
    module, maker = _READERS[kind]
    reader = require(f"rsciio.{module}", "RosettaSciIO", "em", path)
    parts = _parts(path)
    stacks: dict[str, Stack] = {}
    for signal in _signals(reader, path, options):
        title = signal["metadata"].get("General", {}).get("title")
        if options.get("endianness") == ">" and signal["data"].dtype.isnative:
            signal["data"] = signal["data"].view(signal["data"].dtype.newbyteorder(">"))
        stack = _stack(signal, maker)
        if kind in _CORRECTIONS and not stack.refusal:
            _CORRECTIONS[kind](stack, signal)
        if kind != ".emd":  # what was never written in HDF5 takes no place
            stack.stored = sum(part.stat().st_size for part in parts)
        stack.compressed = kind == ".prz"
        add(stacks, title or path.stem, stack)
    return stacks


def _kind(path: Path) -> str:
    """Tell the format by the ending of the name, and by the first bytes where others share it."""
    suffix = path.suffix.lower()
    if suffix not in (".img", ".map"):
        return suffix
    with path.open("rb") as file:
        header = file.read(_MRC_HEADER)
    if header[208:211] == _MRC_MARK:
        return ".mrc"
    if not header.startswith(_JEOL_MARK):
        raise InputError(
            f"{path.name} is not an image of a JEOL microscope, nor an MRC file; other formats "
            f"whose names end in {suffix} are not read."
        )
    return suffix


def _check_prz(path: Path, files: Files) -> bool:
    """Compare declared sizes with the file, and tell whether it is packed.

    RosettaSciIO takes the bytes of packed arrays for the values if it is to be lazy.
    """
    arrays = open_npz(path, files).values()
    for array in arrays:
        if not array.refusal:
            check(array, path)
    return any(array.compressed for array in arrays)


def _check_mrc(path: Path) -> str:
    """Return the byte order, after comparing the declared size with that of the file.

    RosettaSciIO takes the header at its word.
    """
    with path.open("rb") as file:
        header = file.read(_MRC_HEADER)
    size = path.stat().st_size
    if len(header) < _MRC_HEADER:
        raise InputError(f"{path.name} is not an MRC file, or its header is cut off.")
    order = ">" if header[212:214] == b"\x11\x11" else "<"
    *shape, mode = unpack_from(f"{order}4i", header)
    (extended,) = unpack_from(f"{order}i", header, 92)
    if min(*shape, extended + 1) < 1 or not 0 <= mode < _MRC_MODES:
        raise InputError(f"{path.name} is not an MRC file, or a damaged one.")
    if mode not in _MRC_BYTES:
        known = ", ".join(map(str, _MRC_BYTES))
        raise InputError(f"{path.name} holds values of MRC mode {mode}; known are {known}.")
    declared = _MRC_HEADER + extended + prod(shape) * _MRC_BYTES[mode]
    if declared > size:
        raise InputError(
            f"{path.name} is damaged or truncated: its header declares {declared:,} bytes, and "
            f"the file has {size:,}."
        )
    return order


def _parts(path: Path) -> list[Path]:
    """Return the file and those beside it that hold the images it tells of."""
    if path.suffix.lower() == ".asw":
        return [path, *path.parent.glob("*/*.img"), *path.parent.glob("*/*/*.img")]
    if path.suffix.lower() != ".emi":
        return [path]
    parts = list(path.parent.glob(f"{escape(path.stem)}_*.ser"))
    if not parts:
        raise InputError(
            f"{path.name} tells of images that lie in files named {path.stem}_1.ser and so on; "
            "put them beside it."
        )
    return parts


def _signals(reader: Any, path: Path, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Read what is in a file; RosettaSciIO does not leave colors of DigitalMicrograph in it."""
    try:
        signals: list[dict[str, Any]] = reader.file_reader(str(path), **options)
    except ValueError as error:
        if "RGBA" not in str(error):
            raise
        check_memory(path, path.stat().st_size)
        signals = reader.file_reader(str(path))
    return signals


def _without_placeholders(stack: Stack, signal: Mapping[str, Any]) -> None:
    """Take no pixel size from an MRC cell that has no positive sides."""
    original = signal["original_metadata"]
    sides = [original["std_header"][name] for name in ("MX", "MY", "Xlen", "Ylen")]
    if "fei_header" not in original and min(sides) <= 0:
        stack.pixel_size = None


def _reciprocal(stack: Stack, signal: Mapping[str, Any]) -> None:
    """Refuse pixels of more than a meter: only the EMI file beside it says that they are in 1/m."""
    if stack.pixel_size and max(stack.pixel_size) > _METER:
        stack.refusal = refusals.diffraction("1/m")


_CORRECTIONS: dict[str, Callable[[Stack, Mapping[str, Any]], None]] = {
    ".mrc": _without_placeholders,
    ".ser": _reciprocal,
}


def _stack(signal: dict[str, Any], maker: str) -> Stack:
    data = signal["data"]
    axes = sorted(signal["axes"], key=lambda axis: axis.get("index_in_array") or 0)
    facts = facts_of(axes, data.shape, f"scale of the {maker} axes")
    metadata = {key: signal.get(key, {}) for key in ("metadata", "original_metadata", "axes")}
    return Stack(data, metadata=metadata, **facts)
