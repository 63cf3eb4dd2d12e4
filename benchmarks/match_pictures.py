"""Simulated pictures of crystals along zone axes, and how good the answer of a match is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from multislice import SOURCE, Cell, stored
from scipy.ndimage import gaussian_filter, map_coordinates
from tqdm import tqdm

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.cells import plane_groups
from napari_lattice_symmetry.crystals import (
    Crystal,
    Projection,
    match,
    project,
    prototype,
    zone_axes,
)
from napari_lattice_symmetry.crystals.comparison import compare
from napari_lattice_symmetry.crystals.phases import NONE_OF_THESE
from napari_lattice_symmetry.lattice.basis import rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons
from napari_lattice_symmetry.spectrum import LatticeFits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Float = NDArray[np.float64]

SEED = 2026
PIXEL, SIZE = 0.016, 256
COUNTS, DRIFT, AXES = 30, 0.01, 3
MAX_INDEX = 2
CRYSTALS = (
    *("Cu", "Al", "Au", "Fe", "W", "Si", "Ge", "Ti", "Mg", "Zn"),
    *("NaCl", "MgO", "PbTe", "CsCl", "GaAs", "SrTiO3", "TiO2 (rutile)", "GaN", "MoS2", "LaMnO3"),
)
LAYERS = ("graphene", "hBN")
DIRECTIONS = 5  # of each cell by multislice
BACKGROUND = 0.1  # as a multiple of the brightest column, as in the other pictures

RIGHT, RIGHTLY, FAR, WRONG = "right", "rightly ambiguous", "ambiguous with a far one", "wrong"
UNRESOLVED = "not resolved"
OUTCOMES = (RIGHT, RIGHTLY, FAR, WRONG, NONE_OF_THESE, UNRESOLVED)


@dataclass(frozen=True)
class Picture:
    """A simulated window: what it shows, and the lattice and plane group that it seems to have."""

    crystal: Crystal
    seen: Projection
    fits: LatticeFits
    group: str

    @property
    def is_resolved(self) -> bool:
        """Whether a lattice was found."""
        return bool(self.fits.resolved.all())


def draw_pictures() -> list[Picture]:
    """Draw every crystal along its shortest axes, in any direction, and fit a lattice to each."""
    rng = np.random.default_rng(SEED)
    pictures = []
    for name in tqdm(CRYSTALS, desc="pictures", leave=False):
        crystal = prototype(name)
        for zone in zone_axes(crystal, MAX_INDEX)[:AXES]:
            seen = project(crystal, zone)
            angle = rng.uniform(0, 360)
            image = seen.picture(PIXEL, (SIZE, SIZE), angle=angle, distortion=draw_drift(rng))
            pictures.append(look(image, crystal, seen, rng))
    return pictures


def draw_multislice() -> list[Picture]:
    """Tile the cells that multislice gave, in several directions, as the other pictures are."""
    rng = np.random.default_rng((SEED, 1))
    pictures = []
    for cell in stored():
        name, _, axis = cell.name.partition(" ")
        crystal = prototype(name)
        seen = project(crystal, tuple(map(int, axis.strip("[]") or "001")))
        for _ in range(DIRECTIONS):
            image = tile(cell, rng.uniform(0, 360), draw_drift(rng))
            pictures.append(look(image, crystal, seen, rng))
    return pictures


def draw_drift(rng: np.random.Generator) -> Float:
    """Draw what a drift does to positions: rows are scanned one after the other, it adds to y."""
    turn = rng.uniform(0, 2 * np.pi)
    return np.asarray(np.eye(2) + DRIFT * np.outer([np.cos(turn), np.sin(turn)], [0, 1]))


def tile(cell: Cell, angle: float, drift: Float) -> Float:
    """Draw a window of a cell, blurred by the source, over a background."""
    pixel = cell.sides / cell.image.shape[::-1]
    blurred = gaussian_filter(cell.alike, SOURCE / pixel[::-1], mode="wrap")
    y, x = np.mgrid[:SIZE, :SIZE]
    true = np.stack([x, y], axis=-1) @ np.linalg.inv(drift).T
    places = 10 * PIXEL * true @ rotation(angle).T
    image = map_coordinates(
        blurred, (places / pixel)[..., ::-1].transpose(2, 0, 1), order=3, mode="grid-wrap"
    )
    return np.asarray((image - image.min()) / np.ptp(image) + BACKGROUND)


def look(image: Float, crystal: Crystal, seen: Projection, rng: np.random.Generator) -> Picture:
    """Count electrons, and find lattice and plane group."""
    window = count_electrons(image, COUNTS, rng)[np.newaxis]
    (group,) = plane_groups(window)
    return Picture(crystal, seen, nls.fit_lattices(window, PIXEL), group.name or "")


def are_near(seen: Projection, others: Sequence[Projection], tolerance: float) -> NDArray[np.bool_]:
    """Tell which lattices a distortion within the tolerance makes of the one that is seen."""
    return compare(seen.basis[np.newaxis], others)[0][:, 0] <= tolerance


def judge(
    picture: Picture, crystals: Sequence[Crystal], tolerance: float, *, by_group: bool = False
) -> tuple[str, list[str], bool]:
    """Match one picture, by its lattice alone or with its plane group.

    Gives how good the answer is, which candidates it names, and whether the lattice of one is
    within the tolerance of the true one.
    """
    groups = np.array([picture.group]) if by_group else None
    found = match(picture.fits, crystals, MAX_INDEX, tolerance, groups)
    is_there = bool(are_near(picture.seen, found.candidates, tolerance).any())
    if not picture.is_resolved:
        return UNRESOLVED, [], is_there
    phase = found.phases[int(found.labels[0]) - 1]
    if phase.candidate < 0:
        return NONE_OF_THESE, [], is_there
    named = [found.candidates[k] for k in (phase.candidate, *phase.alternatives)]
    names = [each.name for each in named]
    if picture.seen.name not in names:
        return WRONG, names, is_there
    if len(named) == 1:
        return RIGHT, names, is_there
    near = are_near(picture.seen, named, tolerance).all()
    return RIGHTLY if near else FAR, names, is_there
