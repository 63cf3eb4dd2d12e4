"""RHK Technology scans (SM4): a tree of objects, each an identifier, an offset and a size."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import chain, count
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.calibration import pixel_size_nm
from napari_lattice_symmetry.io.probe.planes import plane
from napari_lattice_symmetry.io.stack import Files, Stack, add

SUFFIXES = (".sm4",)
_MAGIC = "STiMage 005".encode("utf-16-le")
# Identifiers of objects, and of the kinds of pages.
_PAGE_INDEX, _PAGE_ARRAY, _PAGE_HEADER, _PAGE_DATA, _STRINGS = 1, 2, 3, 4, 10
_SETTINGS, _SETTINGS_HEADER = 13, 15
_IMAGE = 0
_HEADER = struct.Struct("<2H 10I I 2i 11f 3I I 64x")
_NUMBERS = (
    "header size", "texts", "page type", "data source", "line type", "x corner", "y corner",
    "columns", "rows", "image type", "scan direction", "group", "data size", "z minimum",
    "z maximum", "x scale", "y scale", "z scale", "xy scale", "x offset", "y offset", "z offset",
    "period", "bias", "current", "angle", "colors", "grid columns", "grid rows", "objects",
)  # fmt: skip
_TEXTS = (
    "label", "system", "session", "user", "path", "date", "time", "x unit", "y unit", "z unit",
    "x label", "y label", "status channel", "completed lines", "oversampling", "sliced voltage",
    "PLL status",
)  # fmt: skip
_MAX_SETTINGS = 1 << 24


def open_sm4(path: Path, files: Files) -> dict[str, Stack]:
    """List the image pages of a file; pages of spectra are refused."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return _open_pages(path, content)


def _open_pages(path: Path, content: mmap) -> dict[str, Stack]:
    if content[2 : 2 + len(_MAGIC)] != _MAGIC:
        raise InputError(f"{path.name} is not an RHK file of version 5 (SM4).")
    (size,) = struct.unpack_from("<H", content)
    _, n_objects = struct.unpack_from("<2I", content, 38)
    objects = _objects(content, size + 2, n_objects)
    settings = _settings(content, objects)
    index = objects[_PAGE_INDEX]
    n_pages, n_objects = struct.unpack_from("<2I", content, index)
    page = _objects(content, index + 16, n_objects)[_PAGE_ARRAY]
    stacks: dict[str, Stack] = {}
    for _ in range(n_pages):
        kind, _, n_objects, _ = struct.unpack_from("<4I", content, page + 16)
        places = _objects(content, page + 32, n_objects)
        page += 32 + 12 * n_objects
        stack = _page(path, content, kind, places)
        stack.metadata = {**stack.metadata, "settings": settings}
        add(stacks, stack.metadata["label"] or path.stem, stack)
    return stacks


def _objects(content: mmap, start: int, number: int) -> dict[int, int]:
    """Return the offsets of the objects in a list, by their identifiers."""
    end = start + 12 * number
    if end > len(content):
        raise ValueError("its lists of objects are cut off")
    objects = struct.iter_unpack("<3I", content[start:end])
    return {identity: offset for identity, offset, _ in objects}


def _settings(content: mmap, objects: dict[int, int]) -> str:
    """Read the settings of the instrument, a long text, which may be packed."""
    if not {_SETTINGS, _SETTINGS_HEADER} <= set(objects):
        return ""
    packed, size, stored = struct.unpack_from("<3I", content, objects[_SETTINGS_HEADER])
    start = objects[_SETTINGS]
    text = content[start : start + (stored if packed else size)]
    try:
        unpacked = zlib.decompressobj().decompress(text, _MAX_SETTINGS) if packed else text
    except zlib.error:  # the images may be well
        return ""
    return unpacked.decode("latin-1")


def _page(path: Path, content: mmap, kind: int, places: dict[int, int]) -> Stack:
    header = places[_PAGE_HEADER]
    facts: dict[str, Any] = dict.fromkeys(_TEXTS, "")
    facts |= zip(_NUMBERS, _HEADER.unpack_from(content, header), strict=True)
    objects = _objects(content, header + _HEADER.size, facts["objects"])
    if _STRINGS in objects:
        texts = _strings(content, objects[_STRINGS], facts["texts"])
        names = chain(_TEXTS, (f"text {number}" for number in count(len(_TEXTS))))
        facts |= zip(names, texts, strict=False)
    scale_y, scale_x = facts["y scale"], facts["x scale"]
    unit_y, unit_x = facts["y unit"], facts["x unit"]
    size = pixel_size_nm(scale_y, scale_x, unit_y, unit_x)
    spectra = "" if kind == _IMAGE and size else refusals.spectra(unit_x or "one axis")
    return plane(
        path,
        places[_PAGE_DATA],
        "<i4",
        (facts["rows"], facts["columns"]),
        mirrored=scale_x < 0,
        upside_down=scale_y < 0,
        pixel_size=size,
        calibration_source="scale of the RHK page",
        metadata=facts,
        refusal=refusals.diffraction(unit_y, unit_x) or spectra,
    )


def _strings(content: mmap, place: int, number: int) -> Iterator[str]:
    """Read texts: a length in characters, then UTF-16."""
    for _ in range(number):
        (length,) = struct.unpack_from("<H", content, place)
        end = place + 2 + 2 * length
        yield content[place + 2 : end].decode("utf-16-le", errors="replace").strip("\0 ")
        place = end
