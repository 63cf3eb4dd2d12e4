"""Igor binary waves (ibw), as Asylum microscopes write them, through igor2."""

from __future__ import annotations

from pathlib import Path
from struct import unpack_from
from typing import Any

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.calibration import pixel_size_nm
from napari_lattice_symmetry.io.general.tree import plain
from napari_lattice_symmetry.io.optional import require
from napari_lattice_symmetry.io.stack import Files, Stack, add

SUFFIXES = (".ibw",)
_BIN_HEADER, _LABEL = 64, 32
_SIZES = {1: "i", 2: "2i", 3: "3i", 5: "2x 13i"}  # of data and texts, in each version


def open_ibw(path: Path, files: Files) -> dict[str, Stack]:
    """List the layers of a wave, which Asylum names after its channels."""
    igor = require("igor2.binarywave", "igor2", "spm", path)
    _check_sizes(path)
    wave = igor.load(str(path))["wave"]
    values, header = wave["wData"], wave["wave_header"]
    if values.ndim < 2:
        return {path.stem: Stack(values, refusal=refusals.spectra("one axis"))}
    unit_x, unit_y = (b"".join(header["dimUnits"][axis]).decode() for axis in (0, 1))
    size_x, size_y = map(float, header["sfA"][:2])
    size = pixel_size_nm(size_y, size_x, unit_y, unit_x)
    metadata = plain({key: value for key, value in wave.items() if key != "wData"})
    metadata["note"] = wave["note"].decode("latin-1")
    stacks: dict[str, Stack] = {}
    layers = values[..., None] if values.ndim == 2 else values
    names = _layer_names(path.read_bytes(), wave["bin_header"])
    for number in range(layers.shape[2]):
        stack = Stack(
            layers[:, :, number].T[::-1],  # a wave is (x, y), from the bottom up
            axes="YX",
            pixel_size=size,
            calibration_source="scaling of the Igor wave",
            refusal=refusals.diffraction(unit_y, unit_x),
            metadata=metadata,
        )
        add(stacks, names[number] if number < len(names) else f"layer {number}", stack)
    return stacks


def _check_sizes(path: Path) -> None:
    """Compare the sizes that the header declares with that of the file; igor2 trusts them.

    Raises
    ------
    InputError
        If the file is too small for them.
    """
    with path.open("rb") as file:
        head = file.read(_BIN_HEADER)
    for order in "<>":
        (version,) = unpack_from(f"{order}h", head)
        if version in _SIZES:
            sizes = unpack_from(f"{order}{_SIZES[version]}", head, 2)
            if min(sizes) < 0 or sum(sizes) > path.stat().st_size:
                raise InputError(
                    f"{path.name} is damaged or truncated: its header declares parts of "
                    f"{', '.join(map(str, sizes))} bytes, and the file has {path.stat().st_size:,}."
                )


def _layer_names(content: bytes, sizes: dict[str, Any]) -> list[str]:
    """Read the labels of the third axis, in which igor2 leaves what was there before.

    They lie behind the data and all other texts, in fields of 32 bytes, that of the axis first.
    """
    before = (sizes["formulaSize"], sizes["noteSize"], sizes["dataEUnitsSize"])
    axes = (*sizes["dimEUnitsSize"], *sizes["dimLabelsSize"][:2])
    start = _BIN_HEADER + int(sizes["wfmSize"]) + int(sum((*before, *axes)))
    labels = content[start : start + int(sizes["dimLabelsSize"][2])]
    fields = [labels[place : place + _LABEL] for place in range(0, len(labels), _LABEL)]
    return [field.partition(b"\0")[0].decode("latin-1") for field in fields[1:]]
