"""Windows whose plane group is known, which `plane_groups.py` measures answers on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.cells import PlaneGroup, plane_groups
from napari_lattice_symmetry.cells.factors import StructureFactors, structure_factors
from napari_lattice_symmetry.cells.groups import fit_groups, nested
from napari_lattice_symmetry.cells.lattices import window_lattices
from napari_lattice_symmetry.lattice.motifs import (
    Motif,
    break_symmetry,
    draw_motif,
    random_cell,
    random_motif,
)
from napari_lattice_symmetry.lattice.plane_groups import settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.float64]

TUNING_SEED, SEED = 11, 70331
SIZE, PERIODS = 192, 10


@dataclass(frozen=True, eq=False)
class Drawn:
    """A window, and what it shows.

    Parameters
    ----------
    image, expected : ndarray, shape (w, w)
        Counts, and what they would be without noise, vacancies and disorder.
    group : str
        That of the atoms.
    motif : Motif
        These, as they lie in `basis`.
    basis : ndarray, shape (2, 2)
        Vectors (x, y) in rows, in pixels.
    origin : ndarray, shape (2,)
        Of the motif, (x, y) in pixels.
    """

    image: Float
    expected: Float
    group: str
    motif: Motif
    basis: Float
    origin: Float


def draw(
    group: str,
    rng: np.random.Generator,
    counts: float,
    *,
    periods: float = PERIODS,
    shear: Float | None = None,
    family: str | None = None,
    special: float | None = None,
    **options: Any,
) -> Drawn:
    """Draw a window of `group`: three atoms that symmetry does not bring about, any direction."""
    given = {} if special is None else {"special": special}
    motif = random_motif(group, rng, family=family, **given)
    basis = random_cell(motif.family, SIZE / periods, rng)
    return draw_crystal(motif, basis if shear is None else basis @ shear, rng, counts, **options)


def draw_pair(
    higher: str, lower: str, shift: float, rng: np.random.Generator, counts: float
) -> Drawn:
    """Draw a window in which half of the atoms are moved by `shift`."""
    motif = random_motif(higher, rng, special=0)
    motif = break_symmetry(motif, lower, shift, rng) if shift else motif
    return draw_crystal(motif, random_cell(motif.family, SIZE / PERIODS, rng), rng, counts)


def draw_crystal(
    motif: Motif, basis: Float, rng: np.random.Generator, counts: float, **options: Any
) -> Drawn:
    """Draw a window of a crystal, with and without what hides it."""
    state = rng.bit_generator.state
    seen = {name: value for name, value in options.items() if name in ("width", "background")}
    sharp = draw_motif(motif, basis, SIZE, rng, **seen)
    rng.bit_generator.state = state  # the same origin
    origin = SIZE / 2 + rng.uniform(-0.5, 0.5, 2) @ basis
    rng.bit_generator.state = state
    image = draw_motif(motif, basis, SIZE, rng, counts=counts, **options)
    return Drawn(image, sharp * counts / sharp.max(), motif.group or "", motif, basis, origin)


def named(drawn: list[Drawn]) -> list[PlaneGroup]:
    """Name the groups of windows, with lattices that are fitted."""
    return plane_groups(np.array([each.image for each in drawn]))


def distance(drawn: Drawn) -> float:
    """Tell how far a picture is from the nearest one of a higher group, in units of the noise.

    It is the square root of the sum of |F - P F|^2 / s^2, F of the picture without noise and P of
    the higher group at its best origin: one who knew the lattice and both pictures would be wrong
    with the probability `normal(-distance / 2)` where both are as likely. Infinite where the
    lattice allows no higher group, or was not found.
    """
    lattice = window_lattices(drawn.image[np.newaxis])
    family = lattice.families[0]
    if lattice.reasons[0] or drawn.group not in {each.group for each in settings(family)}:
        return np.inf
    seen = structure_factors(drawn.image[np.newaxis], lattice.basis)
    sharp = structure_factors(drawn.expected[np.newaxis], seen.basis)
    factors = StructureFactors(
        sharp.basis, sharp.values, seen.variance, seen.used & sharp.used, sharp.mean
    )
    residual = fit_groups(factors, family, 0.0).residual[0]
    own = [k for k, each in enumerate(settings(family)) if each.group == drawn.group]
    best = min(own, key=lambda k: residual[k])
    higher = [residual[j] for i, j in nested(family) if i == best]
    return float(np.sqrt(min(higher, default=np.inf)))
