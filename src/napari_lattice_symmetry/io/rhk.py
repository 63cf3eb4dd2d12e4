"""RHK Technology scans (SM4): a tree of objects, each an identifier, an offset and a size."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.calibration import pixel_size_nm
from napari_lattice_symmetry.io.planes import plane
from napari_lattice_symmetry.io.stack import Files, Stack, add

SUFFIXES = (".sm4",)
_MAGIC = "STiMage 005".encode("utf-16-le")
# Identifiers of objects, and of the kinds of pages.
_PAGE_INDEX, _PAGE_ARRAY, _PAGE_HEADER, _PAGE_DATA, _STRINGS = 1, 2, 3, 4, 10
_IMAGE = 0
# Page header: sizes, kinds, corner and extent, then scales and where the scan was.
_HEADER = struct.Struct("<2H 10I I 2i 11f 3I I 64x")
_LABEL, _UNIT_X, _UNIT_Y = 0, 7, 8


def open_sm4(path: Path, files: Files) -> dict[str, Stack]:
    """List the image pages of a file; pages of spectra are refused."""
    content = path.read_bytes()
    if content[2 : 2 + len(_MAGIC)] != _MAGIC:
        raise InputError(f"{path.name} is not an RHK file of version 5 (SM4).")
    (size,) = struct.unpack_from("<H", content)
    _, n_objects = struct.unpack_from("<2I", content, 38)
    index = _objects(content, size + 2, n_objects)[_PAGE_INDEX]
    n_pages, n_objects = struct.unpack_from("<2I", content, index)
    page = _objects(content, index + 16, n_objects)[_PAGE_ARRAY]
    stacks: dict[str, Stack] = {}
    for _ in range(n_pages):
        kind, _, n_objects, _ = struct.unpack_from("<4I", content, page + 16)
        places = _objects(content, page + 32, n_objects)
        page += 32 + 12 * n_objects
        name, stack = _page(path, content, kind, places)
        add(stacks, name, stack)
    return stacks


def _objects(content: bytes, start: int, number: int) -> dict[int, int]:
    """Give the offsets of the objects in a list, by their identifiers."""
    end = start + 12 * number
    if end > len(content):
        raise ValueError("its lists of objects are cut off")
    objects = struct.iter_unpack("<3I", content[start:end])
    return {identity: offset for identity, offset, _ in objects}


def _page(path: Path, content: bytes, kind: int, places: dict[int, int]) -> tuple[str, Stack]:
    header = places[_PAGE_HEADER]
    values = _HEADER.unpack_from(content, header)
    n_strings, columns, rows = values[1], values[7], values[8]
    scale_x, scale_y, scale_z = values[15:18]
    objects = _objects(content, header + _HEADER.size, values[-1])
    texts = list(_strings(content, objects[_STRINGS], n_strings)) if _STRINGS in objects else []
    texts += [""] * (_UNIT_Y + 1 - len(texts))
    unit_y, unit_x = texts[_UNIT_Y], texts[_UNIT_X]
    size = pixel_size_nm(scale_y, scale_x, unit_y, unit_x)
    spectra = "" if kind == _IMAGE and size else refusals.spectra(unit_x or "one axis")
    stack = plane(
        path,
        places[_PAGE_DATA],
        "<i4",
        (rows, columns),
        mirrored=scale_x < 0,
        upside_down=scale_y < 0,
        pixel_size=size,
        calibration_source="scale of the RHK page",
        metadata={"strings": texts, "z_scale": scale_z},
        refusal=refusals.diffraction(unit_y, unit_x) or spectra,
    )
    return texts[_LABEL] or path.stem, stack


def _strings(content: bytes, place: int, number: int) -> Iterator[str]:
    """Read texts: a length in characters, then UTF-16."""
    for _ in range(number):
        (length,) = struct.unpack_from("<H", content, place)
        end = place + 2 + 2 * length
        yield content[place + 2 : end].decode("utf-16-le", errors="replace").strip("\0 ")
        place = end
