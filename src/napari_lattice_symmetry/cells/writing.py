"""An averaged cell as files: image, structure factors, atoms."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from napari_lattice_symmetry.cells.unit_cell import UnitCell
from napari_lattice_symmetry.data.movie import PIXEL
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import as_path, check_free, replacing

SUFFIXES = (".tif", ".tiff", ".csv", ".cif")
"""Image with its error, structure factors, and atoms."""

_HEIGHT = 10.0  # angstrom between layers, in a format that knows no plane


def write_cell(cell: UnitCell, path: str | Path, *, overwrite: bool = False) -> None:
    """Write an averaged cell, in the format that the ending of the name says.

    Parameters
    ----------
    cell : UnitCell
        What to write.
    path : path
        ``.tif``: mean, standard error and symmetrized cell as three pages, a to the right and b
        down. ``.csv``: h, k, amplitude, phase in degrees and their errors. ``.cif``: the atoms,
        in a layer that is repeated every 10 angstrom, for programs such as ASE.
    overwrite : bool
        Replace a file that is there.

    Raises
    ------
    InputError
        If the ending is another one, something is in the way, or the pixel size that a .cif
        needs is not known.
    """
    path = as_path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path} must end in {', '.join(SUFFIXES)}.")
    check_free(path, overwrite=overwrite)
    if suffix == ".csv":
        _write_factors(cell, path)
    elif suffix == ".cif":
        text = cif(cell)
        with replacing(path) as partial:
            partial.write_text(text, encoding="utf-8")
    else:
        _write_image(cell, path)


def _write_factors(cell: UnitCell, path: Path) -> None:
    table = cell.structure_factors
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["h", "k", "amplitude", "amplitude error", "phase (deg)", "phase error (deg)"]
        )
        columns = (table.amplitude, table.error, table.phase, table.phase_error)
        for (h, k), *values in zip(table.indices.tolist(), *columns, strict=True):
            rows.writerow([h, k, *(f"{value:.6g}" for value in values)])


def _write_image(cell: UnitCell, path: Path) -> None:
    import tifffile

    pages = np.stack([cell.image, cell.error, cell.symmetrized]).astype(np.float32)
    rows, columns = cell.shape
    resolution = (columns / cell.a, rows / cell.b)
    metadata = {
        "axes": "CYX",
        "unit": cell.unit,
        "Labels": ["mean", "standard error", "symmetrized"],
    }
    with replacing(path) as partial:
        tifffile.imwrite(partial, pages, imagej=True, resolution=resolution, metadata=metadata)


def cif(cell: UnitCell) -> str:
    """Describe the atoms of a cell in the words of a CIF.

    Their elements are not known: the kinds, by the heights of their peaks, are called A, B, and so
    on in the labels, and all have the symbol X.

    Raises
    ------
    InputError
        If lengths are in pixels.
    """
    if cell.unit == PIXEL:
        raise InputError("The pixel size is not known; give it, so that the cell has lengths.")
    motif = cell.motif()
    lines = [
        "data_averaged_cell",
        f"_cell_length_a {10 * cell.a:.5f}",
        f"_cell_length_b {10 * cell.b:.5f}",
        f"_cell_length_c {_HEIGHT:.5f}",
        "_cell_angle_alpha 90",
        "_cell_angle_beta 90",
        f"_cell_angle_gamma {cell.gamma:.4f}",
        "_space_group_name_H-M_alt 'P 1'",
        "_space_group_IT_number 1",
        f"# plane group {cell.group.name or 'not resolved'}; every atom of the cell is listed",
        "loop_",
        "_atom_site_label",
        "_atom_site_type_symbol",
        "_atom_site_fract_x",
        "_atom_site_fract_y",
        "_atom_site_fract_z",
        "_atom_site_occupancy",
        "_atom_site_Wyckoff_symbol",
    ]
    for number, (site, kind) in enumerate(zip(motif.sites, motif.orbit.tolist(), strict=True), 1):
        label = f"{chr(ord('A') + kind % 26)}{number}"
        x, y = site % 1
        lines.append(f"{label} X {x:.5f} {y:.5f} 0.00000 1.0 {motif.letters[kind]}")
    return "\n".join(lines) + "\n"
