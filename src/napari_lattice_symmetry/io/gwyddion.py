"""Gwyddion: native files (gwy) through gwyfile, and the Simple Field format (gsf)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.calibration import pixel_size_nm
from napari_lattice_symmetry.io.optional import require
from napari_lattice_symmetry.io.planes import plane
from napari_lattice_symmetry.io.stack import Files, Stack, add

SUFFIXES = (".gwy", ".gsf")
_GSF_MAGIC = b"Gwyddion Simple Field 1."


def open_gwyddion(path: Path, files: Files) -> dict[str, Stack]:
    """List the data fields of a Gwyddion file."""
    return _open_gsf(path) if path.suffix.lower() == ".gsf" else _open_gwy(path)


def _open_gwy(path: Path) -> dict[str, Stack]:
    gwyfile = require("gwyfile", "gwyfile", "spm", path)
    container = gwyfile.load(str(path))
    stacks: dict[str, Stack] = {}
    for key, field in container.items():
        if key.startswith("/") and key.endswith("/data"):
            title = container.get(f"{key}/title") or key.strip("/")
            add(stacks, title, _field(field))
    return stacks


def _field(field: Any) -> Stack:
    rows, columns = field.data.shape
    unit = (field.si_unit_xy or {}).get("unitstr", "")
    size = pixel_size_nm((field.yreal or 0) / rows, (field.xreal or 0) / columns, unit)
    return Stack(
        field.data,
        axes="YX",
        pixel_size=size,
        calibration_source="size of the Gwyddion data field" if size else "",
        metadata={key: value for key, value in field.items() if isinstance(value, int | float)},
    )


def _open_gsf(path: Path) -> dict[str, Stack]:
    content = path.read_bytes()
    end = content.find(b"\0")
    if not content.startswith(_GSF_MAGIC) or end < 0:
        raise InputError(f"{path.name} is not a Gwyddion Simple Field, or its header is cut off.")
    lines = content[:end].decode(errors="replace").splitlines()[1:]
    pairs = (line.partition("=") for line in lines)
    facts = {key.strip(): value.strip() for key, _, value in pairs}
    rows, columns = int(facts["YRes"]), int(facts["XRes"])
    height, width = float(facts.get("YReal", 0)), float(facts.get("XReal", 0))
    size = pixel_size_nm(height / rows, width / columns, facts.get("XYUnits", ""))
    start = (end // 4 + 1) * 4  # at least one zero byte fills the header to a multiple of four
    return {
        facts.get("Title") or path.stem: plane(
            path,
            start,
            "<f4",
            (rows, columns),
            pixel_size=size,
            calibration_source="XReal and YReal of the GSF header" if size else "",
            metadata=facts,
        )
    }
