"""How far the lattices of windows are from those of candidates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.projection import Projection
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS
from napari_lattice_symmetry.spectrum.lattice_fit import Flag

Float = NDArray[np.float64]
Place = tuple[slice, ...]

NONE_LIKELIHOOD = math.exp(-2)
"""Of none of the candidates: that of one which is off by two standard deviations."""

# What another plane group than that of a window takes from a candidate: lenses break symmetries.
_WRONG_GROUP = 0.05
# How much better a mirrored writing has to be: of equal ones, as those of a rhombus are, that which
# turns the candidate says how it is turned.
_LAST = 1e-9
_BLOCK = 1 << 14  # windows
_LEFT_OUT = Flag.TWO_LATTICES | Flag.FEW_PERIODS
_GROUPS = np.array(["", *PLANE_GROUPS])

WRITINGS = np.array(
    [
        ((i, j), (k, m))
        for i, j, k, m in product((-1, 0, 1), repeat=4)
        if abs(i * m - j * k) == 1 and (i, j) > (0, 0)
    ]
)
"""Bases of a lattice that a small strain may turn into its reduced one, up to a sign of both."""


class LatticeMaps(Protocol):
    """Lattices of windows: a `MovieResult` with lattice maps, or `LatticeFits`."""

    a: Any
    b: Any
    gamma: Any
    unit: str


class Comparison(NamedTuple):
    """Of n lattices with k candidates.

    Parameters
    ----------
    strain : ndarray, shape (k, n)
        Greatest principal strain (logarithm of a stretch) of the writing that has the least.
    writing : ndarray of int, shape (k, n)
        Which of the `WRITINGS` of a lattice that is.
    scale : ndarray, shape (k, n)
        Logarithm of how much larger the lattice is than that of the candidate.
    """

    strain: Float
    writing: NDArray[np.intp]
    scale: Float


def compare(
    bases: Float, candidates: Sequence[Projection], *, by_shape: bool = False
) -> Comparison:
    """Compare n reduced lattices (n, 2, 2) in nm with those of k candidates.

    By shape, each is enlarged as makes the strain least.
    """
    strain = np.full((len(candidates), len(bases)), np.inf)
    writing = np.zeros((len(candidates), len(bases)), dtype=np.intp)
    scale = np.zeros_like(strain)
    written = np.einsum("wij,njk->wnik", WRITINGS, bases)
    (u, v), area = np.moveaxis(written, 2, 0), np.abs(np.linalg.det(bases))
    hand = np.sign(np.linalg.det(written))
    metrics = np.stack([(u * u).sum(-1), 2 * (u * v).sum(-1), (v * v).sum(-1)])
    for k, candidate in enumerate(candidates):
        for basis in candidate.lattices():
            # The squares of the principal stretches have this sum and this product.
            inverse = np.linalg.inv(basis @ basis.T)
            sums = np.tensordot(inverse[[0, 0, 1], [0, 1, 1]], metrics, 1)
            mirrored = hand != np.sign(np.linalg.det(basis))
            best = (sums * (1 + _LAST * mirrored)).argmin(axis=0)
            half = sums[best, np.arange(len(bases))] / 2
            root = np.sqrt(np.maximum(half**2 - (area / np.linalg.det(basis)) ** 2, 0))
            stretch = np.stack([np.maximum(half - root, 1e-300), half + root])
            principal = np.log(stretch) / 2
            mean = principal.mean(axis=0)
            if by_shape:
                principal = principal - mean
            found = np.abs(principal).max(axis=0)
            nearer = found < strain[k]
            writing[k] = np.where(nearer, best, writing[k])
            scale[k] = np.where(nearer, mean, scale[k])
            strain[k] = np.minimum(strain[k], found)
    return Comparison(strain, writing, scale)


class Lattices(NamedTuple):
    """What is known of a block of windows, and where a lattice alone is there.

    Parameters
    ----------
    found : ndarray of bool, shape (...)
        Of all windows of the block; the rest is of the n that are found.
    basis : ndarray, shape (n, 2, 2)
        In rows, x and y.
    error : ndarray, shape (n,)
        Standard error of the strain.
    group : ndarray of str, shape (n,), or None
        Name of the plane group, empty where there is none.
    """

    found: NDArray[np.bool_]
    basis: Float
    error: Float
    group: NDArray[np.str_] | None


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows of a result, read block by block.

    Parameters
    ----------
    fitted : MovieResult or LatticeFits
        With lattices.
    groups : ndarray of str, optional
        Names of plane groups; those of the result if not given.

    Raises
    ------
    InputError
        If there are no lattices, or the groups are not those of the windows.
    """

    fitted: Any
    groups: NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        if self.fitted.a is None:
            raise InputError("This result has no lattices; analyze again with lattice maps.")
        if self.groups is not None and np.shape(self.groups) != self.shape:
            raise InputError(
                f"Plane groups of shape {np.shape(self.groups)} are not those of the windows."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the maps."""
        return tuple(self.fitted.a.shape)

    @property
    def directed(self) -> bool:
        """Whether the directions of the lattices are known."""
        return getattr(self.fitted, "a_direction", None) is not None

    def blocks(self) -> list[Place]:
        """Divide the maps into blocks of frames, large frames into blocks of rows."""
        return list(_divide(self.shape))

    def read(self, where: Any) -> Lattices:
        """Read some windows; those with two lattices, or too few periods, have none."""
        a, b, gamma = (self._map(name, where) for name in ("a", "b", "gamma"))
        found = np.isfinite(a) & np.isfinite(b) & np.isfinite(gamma)
        if getattr(self.fitted, "flags", None) is not None:
            found &= np.asarray(self.fitted.flags[where]) & int(_LEFT_OUT) == 0
        a, b, angle = a[found], b[found], np.deg2rad(gamma[found])
        turn, other = np.zeros_like(angle), angle
        if self.directed:
            turn = np.deg2rad(self._map("a_direction", where)[found])
            other = np.deg2rad(self._map("b_direction", where)[found])
        first = a[:, np.newaxis] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
        second = b[:, np.newaxis] * np.stack([np.cos(other), np.sin(other)], axis=-1)
        basis = np.stack([first, second], axis=-2)
        return Lattices(found, basis, self._errors(where, found, a, b), self._groups(where, found))

    def some(self, count: int) -> Float:
        """Read the lattices (n, 2, 2) of about as many windows from all over the maps."""
        blocks = self.blocks()
        chosen = blocks[:: max(1, len(blocks) // 16)]
        each = max(1, count // len(chosen))
        bases = (self.read(where).basis for where in chosen)
        return np.concatenate([found[:: max(1, len(found) // each)] for found in bases])

    def _map(self, name: str, where: Any) -> Float:
        return np.asarray(getattr(self.fitted, name)[where], np.float64)

    def _errors(self, where: Any, found: NDArray[np.bool_], a: Float, b: Float) -> Float:
        parts = [np.zeros_like(a)]
        if getattr(self.fitted, "a_error", None) is not None:
            sides = [self._map(name, where)[found] for name in ("a_error", "b_error")]
            angle = np.deg2rad(self._map("gamma_error", where)[found])
            parts = [sides[0] / a, sides[1] / b, angle]
        elif getattr(self.fitted, "strain_error_x", None) is not None:  # in percent
            names = ("strain_error_x", "strain_error_y")
            parts = [self._map(name, where)[found] / 100 for name in names]
        return np.asarray(np.nan_to_num(np.sqrt(np.mean(np.square(parts), axis=0))))

    def _groups(self, where: Any, found: NDArray[np.bool_]) -> NDArray[np.str_] | None:
        if self.groups is not None:
            return np.asarray(np.asarray(self.groups)[where][found])
        codes = getattr(self.fitted, "plane_group", None)
        return None if codes is None else np.asarray(_GROUPS[np.asarray(codes[where])[found]])


@dataclass(frozen=True, eq=False)
class Likelihoods:
    """How likely each candidate is in windows.

    Parameters
    ----------
    candidates : sequence of Projection
        What may be there.
    tolerance : float
        Distortion that is allowed for, half of which is a standard deviation.
    by_shape : bool
        Whether sizes play no part.
    """

    candidates: Sequence[Projection]
    tolerance: float
    by_shape: bool

    def of(self, lattices: Lattices) -> Float:
        """Return the likelihood (k, n) of each candidate in each window that has a lattice."""
        strain = compare(lattices.basis, self.candidates, by_shape=self.by_shape).strain
        chance = np.exp(-np.square(strain / np.hypot(self.tolerance / 2, lattices.error)) / 2)
        if lattices.group is None:
            return np.asarray(chance)
        own = np.array([each.plane_group for each in self.candidates])[:, np.newaxis]
        same = lattices.group == own
        known = (same & (chance > NONE_LIKELIHOOD)).any(axis=0)
        return np.asarray(chance * np.where(known & ~same, _WRONG_GROUP, 1))


def _divide(shape: tuple[int, ...]) -> Iterator[Place]:
    """Divide an array into blocks of some thousand elements, along its first axis if they fit."""
    row = math.prod(shape[1:])
    if row > _BLOCK:
        for index in range(shape[0]):
            for rest in _divide(shape[1:]):
                yield (slice(index, index + 1), *rest)
        return
    step = max(1, _BLOCK // max(row, 1))
    for start in range(0, shape[0], step):
        yield (slice(start, start + step),)
