"""Files of structures: which there are, and what is read of them."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.crystals.structure import Crystal, library
from napari_lattice_symmetry.errors import InputError, guard
from napari_lattice_symmetry.files import as_path

if TYPE_CHECKING:
    from ase import Atoms

FORMATS = {
    ".cif": "cif",
    ".vasp": "vasp",
    ".poscar": "vasp",
    ".xyz": "extxyz",
    ".extxyz": "extxyz",
    ".in": "aims",
}
"""What ASE calls the format of a file with this ending."""

VASP_NAMES = ("POSCAR", "CONTCAR")
"""How names begin of files of VASP, which have no ending."""

IN_NANOMETERS = re.compile(r"unit=nm|lengths in nm")
"""What the second line of an XYZ file says whose lengths are in nm: atoms found in an image."""

_LINE = 4096  # bytes of a line that are read
_ELEMENT = re.compile(r"[A-Z][A-Za-z]{0,3}")
_NEAREST = 0.6  # angstrom between neighbors: of hydrogen they are 0.74, of cesium in nm 0.53
_OVERFULL = 1.01  # of a site; less is rounded
_EMPTY = 10.0  # angstrom on both sides of a layer: more than any bond


def structure_format(path: str | Path) -> str | None:
    """Tell what ASE calls the format of a structure, by the name of its file; None of another."""
    path = Path(path)
    if path.name.upper().startswith(VASP_NAMES):
        return "vasp"
    return FORMATS.get(path.suffix.lower())


def read_structure(path: str | Path) -> Crystal:
    """Read a crystal or a cluster.

    Parameters
    ----------
    path : path
        CIF, POSCAR (``.vasp`` or of that name), xyz, extended xyz, or geometry of FHI-aims
        (``.in``). Of several structures in a CIF the first is taken, and named in `remark`; of a
        trajectory the last.

    Returns
    -------
    Crystal
        Named after the file. One without a cell is a cluster. A layer that repeats along two axes
        has empty space along the third.

    Raises
    ------
    InputError
        If the file is none of these, is damaged or holds no atoms, its lengths are not in
        angstrom, or ASE is not installed.
    """
    path = as_path(path)
    kind = structure_format(path)
    if kind is None:
        endings = ", ".join((*FORMATS, *VASP_NAMES))
        raise InputError(f"{path.name} is no structure that can be read: choose one of {endings}.")
    if not path.is_file():
        raise InputError(f"{path} is not there, or is no file.")
    if kind == "extxyz" and is_in_nanometers(path):
        raise InputError(
            f"{path.name} holds atoms that were found in an image, in nm, and no structure; read "
            "it by nls.atoms.read_atoms."
        )
    atoms = _read(path, kind)
    remarks = _remarks(path, atoms) if kind == "cif" else []
    occupied = Crystal(path.name, atoms).site_sums(0) > 0
    atoms = atoms[occupied]
    if not len(atoms):
        raise InputError(f"{path.name} holds no atoms; choose a file with atomic positions.")
    spacing = _spacing(Crystal(path.name, atoms))  # before a layer gets space
    if 0 < spacing < _NEAREST:
        raise InputError(
            f"{path.name}: atoms lie about {spacing:.2g} angstrom apart, nearer than any do; give "
            "lengths in angstrom."
        )
    if atoms.pbc.sum() == 2:
        _leave_empty_space(atoms)
    name = path.stem if kind != "vasp" or path.suffix else path.name
    crystal = Crystal(name, atoms, remark=" ".join(remarks))
    if atoms.pbc.sum() > 1 and atoms.cell.array.any() and not crystal.has_cell:
        raise InputError(
            f"{path.name} has lattice vectors that lie in a plane; give some that span a cell."
        )
    return crystal


def is_in_nanometers(path: Path) -> bool:
    """Return whether an XYZ file says that it is in nm, and so holds no structure in angstrom."""
    with path.open("rb") as file:
        file.readline()
        return bool(IN_NANOMETERS.search(file.readline(_LINE).decode("utf-8", "replace")))


def _read(path: Path, kind: str) -> Atoms:
    reader = library("ase.io", path.name)
    advice = f"it should be a {kind} file with atoms and lattice vectors"
    with (
        guard(f"{path.name} cannot be read as a structure", InputError, advice=advice),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # what ASE misses in a file has its default
        chosen = slice(1) if kind == "cif" else slice(-1, None)
        try:
            found = reader.read(path, format=kind, index=chosen)
        except KeyError as error:
            if _ELEMENT.fullmatch(str(error.args[0])) is None:
                raise
            raise InputError(
                f"{path.name} has atoms of {error.args[0]}, which is no element; give each its "
                "symbol."
            ) from error
    if not found or not len(found[0]):
        raise InputError(f"{path.name} holds no atoms; choose a file with atomic positions.")
    atoms: Atoms = found[0]
    for title, values in (("position", atoms.positions), ("lattice vector", atoms.cell.array)):
        if not np.isfinite(values).all():
            raise InputError(f"{path.name} has a {title} that is no number; give all of them.")
    for shares in atoms.info.get("occupancy", {}).values():
        shares.update({symbol: _share(path, symbol, told) for symbol, told in shares.items()})
    return atoms


def _share(path: Path, symbol: str, told: float | str) -> float:
    """Return the occupancy that a CIF tells; one that is left open is 1 by its dictionary."""
    if told in (".", "?"):
        return 1.0
    if isinstance(told, str) or told < 0:
        raise InputError(
            f"{path.name} has {symbol} with an occupancy of {told}; give a share of 1."
        )
    return float(told)


def _remarks(path: Path, atoms: Atoms) -> list[str]:
    """Tell what a CIF says that is not taken, or cannot be: structures, elements, occupancies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blocks: list[Any] = list(library("ase.io.cif", path.name).parse_cif(str(path)))
        blocks = [block for block in blocks if block.has_structure()]
        remarks = []
        if len(blocks) > 1:
            remarks.append(
                f"Of {len(blocks)} structures in {path.name} the first was taken, {blocks[0].name}."
            )
        named = set(blocks[0].get_symbols())
    sites = set(Crystal(path.name, atoms).sites)
    lost = named - {symbol for site in sites for symbol, _ in site}
    if lost:
        remarks.append(
            f"{', '.join(sorted(lost))} in {path.name} was left out, as it lies where another atom "
            "does and no occupancies are told."
        )
    fullest = max(sites, key=lambda site: sum(share for _, share in site))
    total = sum(share for _, share in fullest)
    if total > _OVERFULL:
        elements = " and ".join(symbol for symbol, _ in fullest)
        remarks.append(f"Occupancies of a site of {elements} add up to {total:.3g}, more than 1.")
    return remarks


def _leave_empty_space(atoms: Atoms) -> None:
    """Give a layer a third axis with room, where that of its file has none."""
    axis = int(np.flatnonzero(~atoms.pbc)[0])
    one, other = np.delete(atoms.cell.array, axis, axis=0)
    across = np.cross(one, other)
    if not across.any():
        return
    across /= np.linalg.norm(across)
    height = abs(float(atoms.cell.array[axis] @ across))
    if height - float(np.ptp(atoms.positions @ across)) < _EMPTY:
        atoms.center(vacuum=_EMPTY, axis=axis)


def _spacing(crystal: Crystal) -> float:
    """Return about how far apart neighbors are in angstrom; infinity of a single atom."""
    atoms = crystal.atoms
    if crystal.has_cell:
        return float((atoms.get_volume() / len(atoms)) ** (1 / 3))
    if len(atoms) < 2:
        return float("inf")
    from scipy.spatial import cKDTree

    nearest = np.asarray(cKDTree(atoms.positions).query(atoms.positions, 2)[0])[:, 1]
    return float(np.median(nearest))
