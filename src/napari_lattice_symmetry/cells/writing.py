"""An averaged cell as files: image, structure factors, atoms."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.cells.motif import CellMotif
from napari_lattice_symmetry.cells.unit_cell import UnitCell
from napari_lattice_symmetry.data.movie import PIXEL
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import as_path, check_free, replacing

Float = NDArray[np.float64]

SUFFIXES = (".tif", ".tiff", ".csv", ".cif")
"""Image with its error, structure factors, and atoms."""

ATOMS = "atoms.csv"
"""How the name of a table of atoms ends; other tables are of structure factors."""

_HEIGHT = 10.0  # angstrom between layers, in a format that knows no plane
_TWO_DIGITS = 19  # the greatest error that is written with two


def write_cell(cell: UnitCell, path: str | Path, *, overwrite: bool = False) -> None:
    """Write an averaged cell, in the format that the ending of the name says.

    Parameters
    ----------
    cell : UnitCell
        What to write.
    path : path
        ``.tif``: mean, standard error and symmetrized cell as three pages, a to the right and b
        down. ``.csv``: h, k, amplitude, phase in degrees and their errors; ``atoms.csv``, as in
        ``cell.atoms.csv``: the atoms. ``.cif``: the atoms, in a layer that is repeated every 10
        angstrom, for programs such as ASE.
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
    if path.name.lower().endswith(ATOMS):
        _write_atoms(cell, path)
    elif suffix == ".csv":
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


def _write_atoms(cell: UnitCell, path: Path) -> None:
    motif = cell.motif()
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["atom", "Wyckoff letter", "site symmetry", "x", "x error", "y", "y error"]
            + ["intensity", "intensity error", "remark"]
        )
        for label, k, site, error in _atoms(motif):
            (x, y), (x_error, y_error) = site.tolist(), error.tolist()
            height = motif.intensity[k], motif.intensity_error[k]
            numbers = (f"{value:.6g}" for value in (x, x_error, y, y_error, *height))
            rows.writerow(
                [label, motif.letters[k], motif.symmetries[k], *numbers, motif.remarks[k]]
            )


def _atoms(motif: CellMotif) -> Iterator[tuple[str, int, Float, Float]]:
    """Give label, orbit, place and error of every atom of the cell; an orbit has one letter."""
    every = zip(motif.orbit.tolist(), motif.sites % 1, motif.site_errors, strict=True)
    for number, (kind, site, error) in enumerate(every, 1):
        yield f"{chr(ord('A') + kind % 26)}{number}", kind, site, error


def with_error(value: float, error: float) -> str:
    """Write a number with its standard error in units of the last digits, as a CIF has it.

    The error has two digits up to 19, else one.

    Examples
    --------
    >>> with_error(3.16412, 0.0021), with_error(0.33334, 0.00012), with_error(1234, 52)
    ('3.164(2)', '0.33334(12)', '1230(50)')
    """
    if not (np.isfinite(error) and error > 0):
        return f"{value:.5g}"
    decimals = -int(np.floor(np.log10(error)))
    if round(error * 10.0 ** (decimals + 1)) <= _TWO_DIGITS:
        decimals += 1
    digits = round(error * 10.0**decimals)
    if decimals <= 0:
        return f"{round(value, decimals):.0f}({digits * 10**-decimals})"
    return f"{value:.{decimals}f}({digits})"


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
    on in the labels, and all have the symbol X. Errors stand in brackets. A CIF has no words for
    the intensity of an image and for site symmetries of a plane: those two columns are its own.

    Raises
    ------
    InputError
        If lengths are in pixels.
    """
    if cell.unit == PIXEL:
        raise InputError("The pixel size is not known; give it, so that the cell has lengths.")
    motif = cell.motif()
    a_error, b_error, gamma_error = cell.errors
    lines = [
        "data_averaged_cell",
        f"_cell_length_a {with_error(10 * cell.a, 10 * a_error)}",
        f"_cell_length_b {with_error(10 * cell.b, 10 * b_error)}",
        f"_cell_length_c {_HEIGHT:.5f}",
        "_cell_angle_alpha 90",
        "_cell_angle_beta 90",
        f"_cell_angle_gamma {with_error(cell.gamma, gamma_error)}",
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
        "_atom_site_image_symmetry",
        "_atom_site_image_intensity",
    ]
    for label, k, site, error in _atoms(motif):
        x, y = (with_error(*each) for each in zip(site.tolist(), error.tolist(), strict=True))
        height = with_error(motif.intensity[k], motif.intensity_error[k])
        described = f"{motif.letters[k]} {motif.symmetries[k]} {height}"
        lines.append(f"{label} X {x} {y} 0.00000 1.0 {described}")
    return "\n".join(lines) + "\n"
