"""Omicron MATRIX scans (Z_mtrx and so on), through access2theMatrix."""

from __future__ import annotations

from pathlib import Path

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.calibration import pixel_size_nm
from napari_lattice_symmetry.io.optional import require
from napari_lattice_symmetry.io.stack import Files, Stack

SUFFIXES = (".mtrx", ".z_mtrx", ".i_mtrx", ".df_mtrx", ".aux1_mtrx", ".aux2_mtrx")


def open_matrix(path: Path, files: Files) -> dict[str, Stack]:
    """List the traces of a scan: forward and backward, up and down."""
    if path.suffix == ".mtrx":
        raise InputError(
            f"{path.name} holds the parameters of an experiment; open the files with the images, "
            "whose names end in Z_mtrx, I_mtrx and so on."
        )
    library = require("access2thematrix", "access2theMatrix", "spm", path)
    experiment, found, _ = path.name.rpartition("--")
    parameters = path.with_name(f"{experiment}_0001.mtrx")
    if not found or not parameters.is_file():
        raise InputError(
            f"{path.name} cannot be read without the parameters of its experiment; put "
            f"{parameters.name if found else 'the file that ends in _0001.mtrx'} beside it."
        )
    scan = library.MtrxData()
    traces, message = scan.open(str(path))
    if not traces:
        raise InputError(f"{path.name} is damaged or truncated ({message.rstrip('.')}).")
    stacks = {}
    for trace in map(str, traces.values()):
        image, _ = scan.select_image(trace)
        name = f"{image.channel_name_and_unit[0] or scan.channel_name} {trace}"
        if image.data.size == 0:
            stacks[name] = Stack(scan.data, refusal=refusals.spectra("one axis"))
            continue
        rows, columns = image.data.shape
        stacks[name] = Stack(
            image.data,
            axes="YX",
            pixel_size=pixel_size_nm(image.height / rows, image.width / columns, "m"),
            calibration_source="XYScanner size in the MATRIX parameters",
            metadata={"trace": trace, "unit": image.channel_name_and_unit[1], **scan.param},
        )
    return stacks
