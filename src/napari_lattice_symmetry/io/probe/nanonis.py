"""Nanonis scans (sxm): a text header, then 32-bit numbers, channel by channel."""

from __future__ import annotations

from pathlib import Path

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.calibration import pixel_size_nm
from napari_lattice_symmetry.io.probe.planes import beginning, plane
from napari_lattice_symmetry.io.stack import Files, Stack

SUFFIXES = (".sxm",)
_END = b":SCANIT_END:"
_START = b"\x1a\x04"


def open_sxm(path: Path, files: Files) -> dict[str, Stack]:
    """List the channels of a scan, forward and backward."""
    content = beginning(path)
    end = content.find(_END)
    start = content.find(_START, end)
    if end < 0 or start < 0:
        raise InputError(f"{path.name} is not a Nanonis scan, or its header is cut off.")
    facts = _header(content[:end].decode("latin-1"))
    columns, rows = map(int, facts["SCAN_PIXELS"].split()[:2])
    width, height = map(float, facts["SCAN_RANGE"].split()[:2])
    order = "<" if "LSBFIRST" in facts.get("SCANIT_TYPE", "") else ">"
    stacks: dict[str, Stack] = {}
    for name, mirrored in _passes(facts["DATA_INFO"]):
        stacks[name] = plane(
            path,
            start + len(_START) + len(stacks) * rows * columns * 4,
            f"{order}f4",
            (rows, columns),
            upside_down=facts.get("SCAN_DIR", "").strip() == "up",
            mirrored=mirrored,
            pixel_size=pixel_size_nm(height / rows, width / columns, "m"),
            calibration_source="SCAN_RANGE in the Nanonis header",
            metadata=facts,
        )
    return stacks


def _header(text: str) -> dict[str, str]:
    """Split the header into its entries: ':KEY:' on a line of its own, then the value."""
    facts: dict[str, list[str]] = {}
    value: list[str] = []
    for line in text.splitlines():
        if line.startswith(":") and line.endswith(":"):
            value = facts.setdefault(line.strip(":"), [])
        else:
            value.append(line)
    return {key: "\n".join(lines).strip() for key, lines in facts.items()}


def _passes(table: str) -> list[tuple[str, bool]]:
    """Name what was recorded, in the order of the file, and whether it ran backwards."""
    head, *rows = (line.strip().split("\t") for line in table.splitlines() if line.strip())
    channels = [dict(zip(head, row, strict=False)) for row in rows]
    return [
        (f"{channel['Name']} {direction}", direction == "backward")
        for channel in channels
        for direction in ("forward", "backward")
        if channel["Direction"] in (direction, "both")
    ]
