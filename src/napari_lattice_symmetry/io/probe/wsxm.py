"""WSxM images (top, stp): a text header, then the numbers."""

from __future__ import annotations

import re
from pathlib import Path

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.calibration import pixel_size_nm, quantity
from napari_lattice_symmetry.io.probe.planes import plane
from napari_lattice_symmetry.io.stack import Files, Stack

SUFFIXES = (".top", ".stp")
_MAGIC = b"WSxM file copyright"
_TYPES = {"short": "<i2", "integer": "<i4", "float": "<f4", "double": "<f8"}


def open_wsxm(path: Path, files: Files) -> dict[str, Stack]:
    """Describe the image."""
    with path.open("rb") as file:
        start = file.read(1000)
        found = re.search(rb"Image header size: (\d+)", start)
        if not start.startswith(_MAGIC) or found is None:
            raise InputError(f"{path.name} is not a WSxM image.")
        size = int(found[1])
        file.seek(0)
        facts = _header(file.read(size).decode("latin-1"))
    kind = facts.get("Image Data Type", "short")
    if kind not in _TYPES:
        raise InputError(f"{path.name} holds {kind!r} values; known are {', '.join(_TYPES)}.")
    rows, columns = int(facts["Number of rows"]), int(facts["Number of columns"])
    height, unit_y = quantity(facts["Y Amplitude"])
    width, unit_x = quantity(facts["X Amplitude"])
    return {
        facts.get("Acquisition channel", path.stem): plane(
            path,
            size,
            _TYPES[kind],
            (rows, columns),
            upside_down=True,
            mirrored=True,
            pixel_size=pixel_size_nm(height / rows, width / columns, unit_y, unit_x),
            calibration_source="X and Y Amplitude of the WSxM header",
            refusal=refusals.diffraction(unit_y, unit_x),
            metadata=facts,
        )
    }


def _header(text: str) -> dict[str, str]:
    pairs = (line.partition(": ") for line in text.splitlines())
    return {key.strip(): value.strip() for key, colon, value in pairs if colon}
