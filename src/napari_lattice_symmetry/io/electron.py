"""Files of electron microscopes, through RosettaSciIO (GPL, so an optional extra)."""

from __future__ import annotations

from glob import escape
from pathlib import Path
from typing import Any

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.optional import require
from napari_lattice_symmetry.io.signal_axes import facts_of
from napari_lattice_symmetry.io.stack import Files, Stack, add

_READERS = {
    ".dm3": ("digitalmicrograph", "Gatan DigitalMicrograph"),
    ".dm4": ("digitalmicrograph", "Gatan DigitalMicrograph"),
    ".emd": ("emd", "EMD"),
    ".ser": ("tia", "TIA"),
    ".emi": ("tia", "TIA"),
    ".mrc": ("mrc", "MRC"),
    ".blo": ("blockfile", "NanoMegas"),
    ".prz": ("pantarhei", "Panta Rhei"),
    ".img": ("jeol", "JEOL"),
    ".asw": ("jeol", "JEOL"),
    ".map": ("jeol", "JEOL"),
}
SUFFIXES = tuple(_READERS)


def open_electron(path: Path, files: Files) -> dict[str, Stack]:
    """List the signals in a file of an electron microscope."""
    module, maker = _READERS[path.suffix.lower()]
    reader = require(f"rsciio.{module}", "RosettaSciIO", "em", path)
    parts = _parts(path)
    stacks: dict[str, Stack] = {}
    for signal in reader.file_reader(str(path), lazy=True):
        title = signal["metadata"].get("General", {}).get("title")
        stack = _stack(signal, maker)
        stack.stored = sum(part.stat().st_size for part in parts)
        stack.compressed = path.suffix.lower() in (".emd", ".prz")
        add(stacks, title or path.stem, stack)
    return stacks


def _parts(path: Path) -> list[Path]:
    """Give the file and those beside it that hold the images it tells of."""
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


def _stack(signal: dict[str, Any], maker: str) -> Stack:
    data = signal["data"]
    axes = sorted(signal["axes"], key=lambda axis: axis.get("index_in_array") or 0)
    facts = facts_of(axes, data.shape, f"scale of the {maker} axes")
    if data.dtype.names:  # colours, which RosettaSciIO gives as records
        from rsciio.utils.rgb import rgbx2regular_array

        data = rgbx2regular_array(data)
        facts["axes"] += "S"
    metadata = {key: signal.get(key, {}) for key in ("metadata", "original_metadata")}
    return Stack(data, metadata=metadata, **facts)
