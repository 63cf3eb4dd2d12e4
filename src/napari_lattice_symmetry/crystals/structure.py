"""Three-dimensional structures: space group over tolerances, the cell with axes."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.optional import require

if TYPE_CHECKING:
    from ase import Atoms

Float = NDArray[np.float64]
Integer = NDArray[np.int64]

ANGSTROM = 0.1
"""In nm, in which all lengths of this package are."""

TOLERANCES = np.geomspace(1e-5, 3e-2, 18)
"""Distances in nm over which the space group is looked at."""

MAX_ATOMS = 400
"""In a cell of more atoms symmetry is not looked for: with a vacancy it would take minutes."""

_CURVE_ATOMS = 64  # in a cell of more a usual tolerance is taken, as spglib takes seconds
_USUAL = 1e-3  # nm
_LAYER_GAP = 0.8  # nm without atoms, across which no crystal is bound
_CONTRAST = 1.7  # a column is seen with about this power of its atomic numbers


@dataclass(frozen=True, eq=False)
class SymmetryCurve:
    """The space group of a structure over the distances within which atoms count as equivalent.

    Parameters
    ----------
    tolerance : ndarray, shape (n,)
        In nm.
    number : ndarray of int, shape (n,)
        Of the space group; 0 where none is found.
    symbol : list of str
        Hermann-Mauguin symbols; empty where none is found.
    """

    tolerance: Float
    number: Integer
    symbol: list[str]

    @property
    def best(self) -> int:
        """Where on the curve the group is taken: in the middle of its longest plateau."""
        starts = np.flatnonzero(np.diff(self.number, prepend=-1))
        lengths = np.diff(starts, append=len(self.number)) * (self.number[starts] > 0)
        longest = int(lengths.argmax())
        return int(starts[longest] + lengths[longest] // 2)

    def plateaus(self) -> list[tuple[float, float, int, str]]:
        """List each group with the least and greatest tolerance (nm) at which it is found."""
        starts = np.flatnonzero(np.diff(self.number, prepend=-1))
        ends = [*(starts[1:] - 1), len(self.number) - 1]
        return [
            (
                float(self.tolerance[start]),
                float(self.tolerance[end]),
                int(self.number[start]),
                self.symbol[start],
            )
            for start, end in zip(starts, ends, strict=True)
        ]


@dataclass(frozen=True, eq=False)
class Crystal:
    """A structure with a name.

    Parameters
    ----------
    name : str
        What it is called.
    atoms : ase.Atoms
        As they were read, lengths in angstrom.
    tolerance : float, optional
        Distance in nm within which atoms count as equivalent; chosen by `symmetry` if not given.
    remark : str
        What there is to say of how it was read; empty if that is nothing.
    """

    name: str
    atoms: Atoms = field(repr=False)
    tolerance: float | None = None
    remark: str = ""

    @property
    def has_cell(self) -> bool:
        """Whether it repeats along two axes at least, as a crystal or a layer does."""
        return bool(self.atoms.pbc.sum() > 1 and abs(np.linalg.det(self.atoms.cell.array)) > 1e-6)

    @property
    def is_too_large(self) -> bool:
        """Whether it has more atoms than symmetry is looked for in."""
        return len(self.atoms) > MAX_ATOMS

    @property
    def symmetry_remark(self) -> str:
        """Say so where symmetry was not looked for; else nothing."""
        if not (self.has_cell and self.is_too_large):
            return ""
        return (
            f"Symmetry was not looked for in a cell of {len(self.atoms):,} atoms, more than "
            f"{MAX_ATOMS:,}."
        )

    @property
    def formula(self) -> str:
        """Its atoms, counted; with the shares that elements have in sites."""
        if all(
            site == ((symbol, 1.0),)
            for site, symbol in zip(self.sites, self.atoms.symbols, strict=True)
        ):
            return str(self.atoms.get_chemical_formula())
        count: Counter[str] = Counter()
        for site in self.sites:
            count.update(dict(site))
        return "".join(f"{symbol}{share:.4g}" for symbol, share in sorted(count.items()))

    @cached_property
    def sites(self) -> list[tuple[tuple[str, float], ...]]:
        """Elements and occupancies of every atom."""
        shared: dict[Any, dict[str, float]] = self.atoms.info.get("occupancy") or {}
        symbols = self.atoms.get_chemical_symbols()
        kinds = self.atoms.arrays.get("spacegroup_kinds", np.arange(len(symbols)))
        return [
            tuple(sorted(shared.get(str(kind), shared.get(kind, {symbol: 1.0})).items()))
            for symbol, kind in zip(symbols, kinds, strict=True)
        ]

    @cached_property
    def kinds(self) -> Integer:
        """A number for every atom, the same for those of the same elements."""
        known = {site: number for number, site in enumerate(dict.fromkeys(self.sites))}
        return np.array([known[site] for site in self.sites])

    def is_same(self, other: Crystal) -> bool:
        """Return whether another one has the same atoms in the same cell."""
        return bool(self.atoms == other.atoms) and self.sites == other.sites

    def site_sums(self, power: float) -> Float:
        """Return the sum of occupancy times a power of the atomic number of every atom, shape (n,).

        Atoms of no known element count as hydrogen.
        """
        from ase.data import atomic_numbers

        of_kind = [
            sum(share * max(atomic_numbers[symbol], 1) ** power for symbol, share in site)
            for site in dict.fromkeys(self.sites)
        ]
        return np.array(of_kind, np.float64)[self.kinds]

    @property
    def contrast(self) -> Float:
        """How bright every atom is about in a dark-field image, shape (n,)."""
        return self.site_sums(_CONTRAST)

    @cached_property
    def symmetry(self) -> SymmetryCurve:
        """The space group by spglib over `TOLERANCES`; none where it was not looked for."""
        found = [self.setting(tolerance) for tolerance in TOLERANCES]
        return SymmetryCurve(
            TOLERANCES,
            np.array([0 if each is None else each.number for each in found]),
            ["" if each is None else str(each.international) for each in found],
        )

    @property
    def space_group(self) -> tuple[int, str]:
        """Number and symbol, at the `taken_tolerance`; 0 and "" for none."""
        found = self._found
        return (0, "") if found is None else (int(found.number), str(found.international))

    def setting(self, tolerance: float) -> Any:
        """Return all that spglib finds within a distance (nm): its `SpglibDataset`.

        None if that is no group, or the cell `is_too_large`.
        """
        self._require_cell()
        if self.is_too_large:
            return None
        return self._ask("get_symmetry_dataset", self._cell(), symprec=tolerance / ANGSTROM)

    @cached_property
    def conventional(self) -> Crystal:
        """The cell to whose axes indices refer.

        It is that of the file where this is as large as the conventional one, so that unusual
        settings keep their axes; else the standard cell of the International Tables.
        """
        found = self._found
        if found is None:
            return self
        volume = abs(np.linalg.det(found.std_lattice))
        if abs(volume / self.atoms.get_volume() - 1) < 0.1:
            return self
        return self._with(found.std_lattice, found.std_positions, found.std_types)

    @cached_property
    def niggli(self) -> Crystal:
        """The Niggli-reduced cell of the file's lattice, with the same atoms."""
        self._require_cell()
        lattice = self._ask("niggli_reduce", self.atoms.cell.array)
        if lattice is None:
            raise InputError(f"{self.name}: its cell cannot be reduced; see its lattice vectors.")
        fractions = self.atoms.positions @ np.linalg.inv(lattice) % 1
        return self._with(lattice, fractions, self.kinds)

    @cached_property
    def rotations(self) -> Integer:
        """Rotations (n, 3, 3) of its point group, for columns of indices of its axes."""
        found = self._found
        return np.eye(3, dtype=np.int64)[np.newaxis] if found is None else found.rotations

    @cached_property
    def layer_axis(self) -> int | None:
        """The axis across which it is a single layer in empty space; None of a bulk crystal."""
        if not self.atoms.pbc.all():
            return int(np.flatnonzero(~self.atoms.pbc)[0])
        heights = self.atoms.get_volume() / np.linalg.norm(
            np.cross(np.roll(self.atoms.cell, -1, 0), np.roll(self.atoms.cell, -2, 0)), axis=1
        )
        places = np.sort(self.atoms.get_scaled_positions(wrap=True), axis=0)
        gaps = np.diff(places, axis=0, append=places[:1] + 1).max(axis=0) * heights * ANGSTROM
        return int(gaps.argmax()) if gaps.max() > _LAYER_GAP else None

    @cached_property
    def taken_tolerance(self) -> float:
        """Distance in nm at which the space group is taken: `tolerance` if that is given.

        Else the middle of the longest plateau of `symmetry`; in a cell of many atoms 0.001 nm.
        """
        if self.tolerance is None and len(self.atoms) > _CURVE_ATOMS:
            return _USUAL
        return self.tolerance or float(TOLERANCES[self.symmetry.best])

    @cached_property
    def _found(self) -> Any:
        """What spglib finds at the tolerance that is taken; None if that is no group."""
        return self.setting(self.taken_tolerance)

    def _require_cell(self) -> None:
        if self.atoms.pbc.sum() == 1:
            raise InputError(
                f"{self.name} repeats along one axis alone, it is a chain; give a file with two "
                "lattice vectors at least."
            )
        if not self.has_cell:
            raise InputError(
                f"{self.name} has no cell, it is a cluster; give a file with lattice vectors."
            )

    def _cell(self) -> tuple[Float, Float, Integer]:
        self._require_cell()
        return self.atoms.cell.array, self.atoms.get_scaled_positions(), self.kinds

    def _ask(self, question: str, *arguments: Any, **keywords: Any) -> Any:
        spglib = library("spglib", self.name)
        os.environ.setdefault("SPGLIB_WARNING", "OFF")  # else it writes on the standard error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some versions give None and warn that others raise
            try:
                return getattr(spglib, question)(*arguments, **keywords)
            except Exception:
                return None

    def _with(self, lattice: Float, fractions: Float, kinds: Integer) -> Crystal:
        """Make the same crystal of another cell."""
        from ase import Atoms

        known, first_of = np.unique(self.kinds, return_index=True)
        first = first_of[np.searchsorted(known, kinds)]
        atoms = Atoms(
            numbers=self.atoms.numbers[first], cell=lattice, scaled_positions=fractions, pbc=True
        )
        atoms.info["occupancy"] = {
            str(kind): dict(self.sites[index]) for kind, index in zip(kinds, first, strict=True)
        }
        atoms.set_array("spacegroup_kinds", np.asarray(kinds))
        return Crystal(self.name, atoms, self.tolerance)


def library(module: str, name: str) -> Any:
    """Import what reads structures, or say what to install for the one of this name."""
    return require(module, module.partition(".")[0], "crystals", Path(name))
