"""ISO 28600 (spm): scanning probe images as text, one value a line."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.arrays import Lazy
from napari_lattice_symmetry.io.calibration import pixel_size_nm
from napari_lattice_symmetry.io.stack import Files, Stack

SUFFIXES = (".spm",)
_MAGIC = "ISO/TC 201 SPM data transfer format"
_NANOSCOPE = re.compile(r"[\\?]\*(EC )?(File|Force file) list")
_END_OF_HEADER, _END = "end of header", "end of experiment"
_MAX_HEADER = 10_000
_MIN_VALUE = 2  # bytes: a digit and the end of the line


def open_iso28600(path: Path, files: Files) -> dict[str, Stack]:
    """Describe the image, or the channels that lie value by value beside each other."""
    with path.open(encoding="latin-1") as file:
        header = [line.strip() for line in islice(file, _MAX_HEADER)]
    if header and _NANOSCOPE.match(header[0]):
        raise InputError(
            f"{path.name} is a NanoScope file of Bruker, which is not read; open it with Gwyddion "
            "and save it as gwy or gsf."
        )
    if header[:1] != [_MAGIC] or _END_OF_HEADER not in header:
        raise InputError(f"{path.name} is not an ISO 28600 file, or its header is cut off.")
    n_header = header.index(_END_OF_HEADER) + 1
    scan = header[header.index("scan information") + 1 :]
    if scan[0] != "REGULAR MAPPING":
        raise InputError(
            f"{path.name} holds {scan[0].lower() or 'an unknown kind of scan'}, not a regular map."
        )
    columns, rows = int(scan[7]), int(scan[8])
    width, height = float(scan[11]), float(scan[12])
    names = _channels(header)
    shape = (rows, columns, len(names))

    def read() -> NDArray[np.float64]:
        return _values(path, n_header, shape)

    stack = Stack(
        Lazy(shape, np.dtype(float), read),
        axes="YXC",
        pixel_size=pixel_size_nm(height / rows, width / columns, scan[10], scan[9]),
        calibration_source="field of view of the ISO 28600 header",
        refusal=refusals.diffraction(scan[10], scan[9]),
        channels=tuple(names),
        metadata={"header": header[:n_header]},
        in_parts=False,
        stored=path.stat().st_size // _MIN_VALUE * np.dtype(float).itemsize,
    )
    return {path.stem: stack}


def _channels(header: list[str]) -> list[str]:
    if not any(line.startswith("MAP_MC") for line in header[:20]):
        return [header[header.index("single-channel mapping description") + 1]]
    start = header.index("multi-channel mapping description") + 1
    return [header[start + 1 + 3 * number] for number in range(int(header[start]))]


def _values(path: Path, n_header: int, shape: tuple[int, int, int]) -> NDArray[np.float64]:
    with path.open(encoding="latin-1") as file:
        lines = list(islice(file, n_header, n_header + int(np.prod(shape)) + 1))
    if len(lines) <= np.prod(shape) or lines[-1].strip() != _END:
        raise InputError(f"{path.name} is damaged or truncated: it has too few values.")
    return np.array(lines[:-1], dtype=float).reshape(shape)
