"""Structures to learn families from: drawn in parallel, from one seed.

Nothing here needs Keras, so that the processes that draw start fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from napari_lattice_symmetry.crystals.clusters import repeat_cell
from napari_lattice_symmetry.crystals.families.defects import (
    Defects,
    draw_defects,
    random_rotation,
)
from napari_lattice_symmetry.crystals.families.others import draw_other, nearest_distance
from napari_lattice_symmetry.crystals.families.pairs import pair_descriptor
from napari_lattice_symmetry.crystals.families.prototypes import (
    ANSWERS,
    FAMILIES,
    NONE,
    TURNS,
    draw_cell,
)
from napari_lattice_symmetry.crystals.fingerprint import diffract
from napari_lattice_symmetry.files import replacing
from napari_lattice_symmetry.networks.drawing import draw_chunks

if TYPE_CHECKING:
    from ase import Atoms

Float = NDArray[np.float64]
Single = NDArray[np.float32]

_IN_TURN = (*FAMILIES, NONE, NONE)

CHUNK = 10 * len(_IN_TURN)
"""Structures that are drawn at a time: as many of every family, and twice as many of none."""

_ATOMS = (180, 330)  # of a cluster, before any are missing
_ELEMENTS = (
    *("Li", "Be", "B", "C", "Na", "Mg", "Al", "Si", "P", "S", "K", "Ca", "Sc", "Ti", "V", "Cr"),
    *("Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Rb", "Sr", "Y", "Zr", "Nb"),
    *("Mo", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "Cs", "Ba", "La", "Ce", "Nd"),
    *("Gd", "Tb", "Dy", "Er", "Yb", "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl"),
    *("Pb", "Bi", "Th", "U"),
)
_PURE, _ALLOYED, _ORDERED = 0.4, 0.35, 0.25  # shares: one element, two at random, in order
_MAX_REPEATS, _ORDERED_ATOMS = 3, 16  # cells along an axis, less one, and atoms of an order
_SPACING = (0.9, 1.2)  # of neighbors, over twice the mean covalent radius


@dataclass(frozen=True, eq=False)
class Draw:
    """A structure that was drawn.

    Parameters
    ----------
    prototype : str
        The name of its arrangement.
    ratio : float
        Its c/a.
    cell : ase.Atoms
        Conventional cell in angstrom, or several where an order of elements repeats over these.
    elements : tuple of str
        One, or those that it is made of.
    share : float
        Of the second element in an alloy, whose atoms take any place; else 0.
    layer_axis : int, optional
        The axis across a single layer.
    """

    prototype: str
    ratio: float
    cell: Atoms
    elements: tuple[str, ...]
    share: float
    layer_axis: int | None = None


def draw_structure(family: str, part: int, rng: np.random.Generator) -> Draw:
    """Draw a structure of a family, or of none.

    Parameters
    ----------
    family : str
        One of `ANSWERS`.
    part : {TRAINING, VALIDATION, TEST}
        Of the elements, and of ten intervals of every range of c/a, each part has its own; of
        what belongs to no family its own prototypes and space groups.
    rng : numpy.random.Generator
        Draws it.

    Returns
    -------
    Draw
    """
    from ase.data import atomic_numbers, covalent_radii

    if family == NONE:
        name, cell = draw_other(part, rng)
        ratio, layer_axis = 1.0, 2 if name == "layer" else None
        count = int(cell.numbers.max())
    else:
        prototype, ratio, cell = draw_cell(family, part, rng)
        name, layer_axis = prototype.name, None
        cell.set_cell(cell.cell / nearest_distance(cell), scale_atoms=True)
        count = 1 if rng.random() < _PURE else 2
    known = [symbol for i, symbol in enumerate(_ELEMENTS) if TURNS[i % len(TURNS)] == part]
    elements = tuple(str(each) for each in rng.choice(known, count, replace=False))
    radius = np.mean([covalent_radii[atomic_numbers[each]] for each in elements])
    cell.set_cell(cell.cell * (2 * radius * rng.uniform(*_SPACING)), scale_atoms=True)
    share = rng.uniform(0.1, 0.5) if family != NONE and count == 2 else 0.0
    if family == NONE:
        cell.symbols[:] = np.array(elements)[cell.numbers - 1]
    elif share and rng.random() < _ORDERED / (_ORDERED + _ALLOYED):
        repeats = rng.integers(1, _MAX_REPEATS, 3)
        if len(cell) * repeats.prod() <= _ORDERED_ATOMS:
            cell = cell.repeat(repeats.tolist())
        cell.symbols[:] = np.where(rng.random(len(cell)) < share, elements[1], elements[0])
        share = 0.0
    else:
        cell.symbols[:] = elements[0]
    return Draw(name, ratio, cell, elements, share, layer_axis)


@dataclass(frozen=True, eq=False)
class Example:
    """A cluster whose family is known.

    Parameters
    ----------
    positions : ndarray, shape (n, 3)
        In angstrom.
    symbols : list of str
        Element of each atom.
    lattice : ndarray, shape (3, 3)
        Vectors over which it would repeat, if it had no defects.
    family : str
        One of `ANSWERS`.
    defects : Defects
        What was done to it.
    structure : Draw
        What it was cut from.
    """

    positions: Float
    symbols: list[str]
    lattice: Float
    family: str
    defects: Defects
    structure: Draw


def draw_example(
    family: str,
    part: int,
    rng: np.random.Generator,
    defects: Defects | None = None,
    *,
    turned: bool = False,
) -> Example:
    """Draw a cluster of a family.

    Parameters
    ----------
    family : str
        One of `ANSWERS`.
    part : {TRAINING, VALIDATION, TEST}
        Of structures and compositions.
    rng : numpy.random.Generator
        Draws it.
    defects : Defects, optional
        What is done to it; drawn as for training if not given.
    turned : bool
        Turn it at random.
    """
    structure = draw_structure(family, part, rng)
    cluster = repeat_cell(structure.cell, int(rng.integers(*_ATOMS)), structure.layer_axis)
    alloyed = rng.random(len(cluster)) < structure.share
    symbols = np.where(alloyed, structure.elements[-1], cluster.symbols)
    defects = draw_defects(rng) if defects is None else defects
    if turned:
        defects = replace(defects, rotation=random_rotation(rng))
    positions, kept = defects.apply(cluster.positions, symbols.tolist(), rng)
    lattice = cluster.cell.array if defects.rotation is None else cluster.cell @ defects.rotation
    return Example(positions, kept, np.asarray(lattice), family, defects, structure)


@dataclass(frozen=True, eq=False)
class ExampleChunk:
    """Orders `CHUNK` examples: a pure function of its fields, whoever computes it.

    Parameters
    ----------
    network : {"fingerprint", "pairs"}
        Whose inputs are wanted: fingerprints of clusters that lie along their axes, or
        descriptors of clusters in any orientation.
    part : {TRAINING, VALIDATION, TEST}
        Of structures and compositions.
    seed, index : int
        Draw it.
    defects : Defects, optional
        The same for all; drawn as for training if not given.
    turned : bool
        Turn clusters of which fingerprints are made; of others this changes nothing.
    """

    network: str
    part: int
    seed: int
    index: int
    defects: Defects | None = None
    turned: bool = False

    def examples(self) -> list[Example]:
        """Draw the clusters, of the families in turn."""
        rng = np.random.default_rng((self.seed, self.part, self.index))
        return [
            draw_example(
                _IN_TURN[i % len(_IN_TURN)], self.part, rng, self.defects, turned=self.turned
            )
            for i in range(CHUNK)
        ]

    def draw(self) -> tuple[Single, NDArray[np.uint8]]:
        """Draw inputs (CHUNK, ...) and family indices (CHUNK,)."""
        examples = self.examples()
        families = np.array([ANSWERS.index(each.family) for each in examples], np.uint8)
        return np.stack([network_input(self.network, each) for each in examples]), families


def network_input(network: str, example: Example) -> Single:
    """Return what a network sees of a cluster."""
    if network == "pairs":
        return pair_descriptor(example.positions)
    return diffract(example.positions, example.symbols)


def plan_chunks(
    network: str,
    part: int,
    structures: int,
    seed: int,
    defects: Defects | None = None,
    *,
    turned: bool = False,
) -> list[ExampleChunk]:
    """Order as many structures, rounded up to whole chunks."""
    return [
        ExampleChunk(network, part, seed, index, defects, turned)
        for index in range(-(-structures // CHUNK))
    ]


def draw_set(
    plan: Sequence[ExampleChunk],
    file: Path | None = None,
    workers: int | None = None,
    progress: bool = False,
) -> tuple[Single, NDArray[np.uint8]]:
    """Draw all chunks of a plan, or read what was drawn before.

    Parameters
    ----------
    plan : sequence of ExampleChunk
        What to draw.
    file : path, optional
        An .npz file to keep it in.
    workers : int, optional
        Processes; all cores by default, and 1 draws in this one. The set does not depend on it.
    progress : bool
        Show a progress bar.

    Returns
    -------
    inputs : ndarray, shape (n, ...), float32
    families : ndarray, shape (n,), uint8
        Indices of `ANSWERS`.
    """
    if file is not None and file.exists():
        with np.load(file) as kept:
            return kept["inputs"].astype(np.float32), kept["families"]
    drawn = (chunk.draw() for chunk in plan) if workers == 1 else draw_chunks(plan, workers)
    title = "structures" if file is None else f"structures ({file.stem})"
    shown = tqdm(drawn, total=len(plan), desc=title, disable=not progress, mininterval=5)
    inputs, families = (np.concatenate(each) for each in zip(*shown, strict=True))
    inputs = inputs.astype(np.float16)
    if file is not None:
        with replacing(file) as partial:
            np.savez(partial, inputs=inputs, families=families)
    return inputs.astype(np.float32), families
