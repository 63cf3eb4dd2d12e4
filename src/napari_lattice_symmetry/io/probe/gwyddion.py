"""Gwyddion: native files (gwy), a tree of named values, and the Simple Field format (gsf)."""

from __future__ import annotations

from pathlib import Path
from struct import unpack_from
from typing import Any

import numpy as np

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.calibration import pixel_size_nm
from napari_lattice_symmetry.io.probe.planes import beginning, plane
from napari_lattice_symmetry.io.stack import Files, Stack, add

SUFFIXES = (".gwy", ".gsf")
_GSF_MAGIC = b"Gwyddion Simple Field 1."
_GWY_MAGIC = b"GWYP"
_SCALARS = {"b": "?", "c": "S1", "i": "<i4", "q": "<i8", "d": "<f8"}
_DEEPEST = 50


def open_gwyddion(path: Path, files: Files) -> dict[str, Stack]:
    """List the data fields of a Gwyddion file."""
    return _open_gsf(path) if path.suffix.lower() == ".gsf" else _open_gwy(path)


def _open_gwy(path: Path) -> dict[str, Stack]:
    content = path.read_bytes()
    if not content.startswith(_GWY_MAGIC):
        raise InputError(f"{path.name} is not a Gwyddion file of version 2.")
    tree, _ = _object(content, len(_GWY_MAGIC))
    stacks: dict[str, Stack] = {}
    for key, field in tree.items():
        if key.startswith("/") and key.endswith("/data") and "xres" in field:
            stack = _field(field)
            stack.metadata = {**stack.metadata, "meta": tree.get(f"{key[:-5]}/meta", {})}
            add(stacks, tree.get(f"{key}/title") or key.strip("/"), stack)
    return stacks


def _field(field: dict[str, Any]) -> Stack:
    rows, columns = field["yres"], field["xres"]
    unit = field.get("si_unit_xy", {}).get("unitstr", "")
    size = pixel_size_nm(field.get("yreal", 0) / rows, field.get("xreal", 0) / columns, unit)
    return Stack(
        field["data"].reshape(rows, columns),
        axes="YX",
        pixel_size=size,
        calibration_source="size of the Gwyddion data field",
        refusal=refusals.diffraction(unit),
        metadata={key: value for key, value in field.items() if key != "data"},
    )


def _object(content: bytes, place: int, depth: int = 0) -> tuple[dict[str, Any], int]:
    """Read an object: its type, its size, and its values, each with its name and type."""
    if depth > _DEEPEST:
        raise ValueError("its objects are nested too deeply")
    _, place = _text(content, place)
    (size,) = unpack_from("<I", content, place)
    place += 4
    end = place + size
    if end > len(content):
        raise ValueError("an object in it is cut off")
    values: dict[str, Any] = {}
    while place < end:
        name, place = _text(content, place)
        kind = chr(content[place])
        values[name], place = _value(content, place + 1, kind, depth)
    return values, end


def _value(content: bytes, place: int, kind: str, depth: int) -> tuple[Any, int]:
    """Read a value, or an array of values where its type is a capital letter."""
    if kind == "s":
        return _text(content, place)
    if kind == "o":
        return _object(content, place, depth + 1)
    if kind in _SCALARS:
        dtype = np.dtype(_SCALARS[kind])
        return np.frombuffer(content, dtype, 1, place)[0].item(), place + dtype.itemsize
    (count,) = unpack_from("<I", content, place)
    place += 4
    if kind in "SO":
        items = []
        for _ in range(count):
            item, place = _value(content, place, kind.lower(), depth)
            items.append(item)
        return items, place
    dtype = np.dtype(_SCALARS[kind.lower()])
    return np.frombuffer(content, dtype, count, place), place + count * dtype.itemsize


def _text(content: bytes, place: int) -> tuple[str, int]:
    end = content.index(b"\0", place)
    return content[place:end].decode(errors="replace"), end + 1


def _open_gsf(path: Path) -> dict[str, Stack]:
    content = beginning(path)
    end = content.find(b"\0")
    if not content.startswith(_GSF_MAGIC) or end < 0:
        raise InputError(f"{path.name} is not a Gwyddion Simple Field, or its header is cut off.")
    lines = content[:end].decode(errors="replace").splitlines()[1:]
    pairs = (line.partition("=") for line in lines)
    facts = {key.strip(): value.strip() for key, _, value in pairs}
    rows, columns = int(facts["YRes"]), int(facts["XRes"])
    height, width = float(facts.get("YReal", 0)), float(facts.get("XReal", 0))
    unit = facts.get("XYUnits", "")
    start = (end // 4 + 1) * 4  # at least one zero byte fills the header to a multiple of four
    return {
        facts.get("Title") or path.stem: plane(
            path,
            start,
            "<f4",
            (rows, columns),
            pixel_size=pixel_size_nm(height / rows, width / columns, unit),
            calibration_source="XReal and YReal of the GSF header",
            refusal=refusals.diffraction(unit),
            metadata=facts,
        )
    }
