"""Which crystal, seen along which zone axis, a map of lattices shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.parameters import MatchParameters
from napari_lattice_symmetry.crystals.projection import Projection, project
from napari_lattice_symmetry.crystals.structure import Crystal
from napari_lattice_symmetry.crystals.zones import Zone, zone_axes
from napari_lattice_symmetry.data.movie import NANOMETER
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.metric import FOLDS
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS
from napari_lattice_symmetry.settings import parse_settings

Float = NDArray[np.float64]

NO_LATTICE = 0
"""Label of a window in which no lattice was found."""

NONE_OF_THESE = "none of these"

_BY_SHAPE = (
    "The pixel size is unknown, so that lattices are matched by their shape alone: many crystals "
    "look alike, and none is told by its size."
)

# A candidate this much less likely than the best can be told apart from it.
_TOLD_APART = 0.1
# Standard deviations of distortion at which no candidate is as likely as one: the tolerance.
_LIMIT = 2.0
# What another plane group than that of a window takes from a candidate: lenses break symmetries.
_WRONG_GROUP = 0.05
_BLOCK = 1 << 14
# How much better a mirrored writing has to be: of equal ones, as those of a rhombus are, that which
# turns the candidate says how it is turned.
_LAST = 1e-9
# Okabe and Ito's color-blind-safe set without gray, then those that differ most from all before, to
# every kind of color vision and half transparent on gray; a test holds that.
PHASE_COLORS = (
    *("#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#F0E442"),
    *("#622700", "#0000B1", "#D8EBB1", "#4E2762", "#C4EBFF"),
)
NONE_COLOR = "#555555"

_WRITINGS = np.array(
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


@dataclass(frozen=True, eq=False)
class Phase:
    """One answer on a map.

    Parameters
    ----------
    candidate : int
        Which of the candidates explains its windows best; -1 for none of them.
    alternatives : tuple of int
        Others that cannot be told apart from it there.
    name : str
        All of them.
    color : str
        On the map.
    """

    candidate: int
    alternatives: tuple[int, ...]
    name: str
    color: str

    @property
    def short(self) -> str:
        """Its name, in which more than two candidates are counted."""
        more = len(self.alternatives)
        return self.name if more < 2 else f"{self.name.split(' or ')[0]} or {more} others"


@dataclass(frozen=True, eq=False)
class CrystalMatch:
    """Which crystal and zone axis each window shows.

    Parameters
    ----------
    candidates : tuple of Projection
        What was asked for: every crystal along its zone axes.
    likelihood : ndarray, shape (k, ...), float32
        Of each candidate, 1 where the lattice is its own; 0 where there is no lattice. That of
        none of them is `none_likelihood` everywhere.
    distortion : ndarray, shape (...), float32
        Greatest principal strain between the lattice and that of the candidate in `labels`.
    labels : ndarray of uint8, shape (...)
        Which of the phases, from 1; 0 where there is no lattice.
    phases : tuple of Phase
        In the order of their areas; none of the candidates comes last, and is always there.
    orientation : ndarray, shape (...), float32
        Direction of the candidate's vector a from x towards y in degrees, up to the turn that
        brings its lattice back onto itself. NaN where it has none.
    parameters : MatchParameters
        The settings.
    by_shape : bool
        Whether sizes played no part, since the pixel size is unknown.
    """

    candidates: tuple[Projection, ...]
    likelihood: NDArray[np.float32] = field(repr=False)
    distortion: NDArray[np.float32] = field(repr=False)
    labels: NDArray[np.uint8] = field(repr=False)
    phases: tuple[Phase, ...]
    orientation: NDArray[np.float32] = field(repr=False)
    parameters: MatchParameters
    by_shape: bool = False

    none_likelihood = float(np.exp(-(_LIMIT**2) / 2))

    @property
    def remark(self) -> str:
        """What there is to say of the match as a whole; empty if all is well."""
        return _BY_SHAPE if self.by_shape else ""

    @property
    def names(self) -> list[str]:
        """Name of each phase."""
        return [phase.name for phase in self.phases]

    @property
    def values(self) -> dict[int, tuple[str, str]]:
        """Name and color of each label value."""
        return {value: (each.name, each.color) for value, each in enumerate(self.phases, 1)}

    @property
    def probability(self) -> NDArray[np.float32]:
        """Of each candidate and, last, of none of them, all being as probable before."""
        none = np.full_like(self.likelihood[:1], self.none_likelihood)
        both = np.concatenate([self.likelihood, none])
        return np.asarray(both / both.sum(axis=0))

    @cached_property
    def fractions(self) -> Float:
        """Share of each phase in the windows with a lattice, shape (T, phases) or (phases,).

        NaN for a frame without lattices.
        """
        values = np.arange(1, len(self.phases) + 1)
        axes = tuple(range(self.labels.ndim - 2, self.labels.ndim))
        counts = np.stack([(self.labels == value).sum(axis=axes[-2:]) for value in values], -1)
        total = counts.sum(axis=-1, keepdims=True)
        return np.where(total > 0, counts / np.maximum(total, 1), np.nan)

    def ranking(self, index: Any) -> list[tuple[str, float]]:
        """List the candidates of one window with their probabilities, the most probable first."""
        chances = self.probability[(slice(None), *np.atleast_1d(index))]
        names = [*(each.name for each in self.candidates), NONE_OF_THESE]
        order = np.argsort(-chances, kind="stable")
        return [(names[k], float(chances[k])) for k in order]


def match(
    fitted: LatticeMaps,
    crystals: Sequence[Crystal],
    zones: int | Sequence[Zone] = 2,
    tolerance: float = 0.03,
    groups: NDArray[Any] | None = None,
) -> CrystalMatch:
    """Return which of some crystals, along which zone axis, each window shows.

    A lattice is compared with that of each candidate by the principal strains that take one to
    the other, whatever their direction and hand. Their greatest, over a standard deviation of half
    the tolerance and the fit's error together, gives a Gaussian likelihood. "None of these" has
    that of two standard deviations.

    Parameters
    ----------
    fitted : MovieResult or LatticeFits
        Maps (T, gy, gx), or fits of any shape. Where lengths are in pixels, lattices are compared
        by their shape alone, at whatever size fits each candidate best.
    crystals : sequence of Crystal
        The candidates.
    zones : int or sequence of (int, int, int)
        Greatest index of the zone axes, of those that symmetry brings about one each; or the axes.
    tolerance : float
        Distortion that is allowed for, as a share: by strain, drift and the error of the pixel
        size.
    groups : ndarray of str, shape (...), optional
        Name of each window's plane group where there is one, else empty; shape of the maps. Those
        of the result if not given. Among candidates whose lattices fit, those of another group
        are less likely by 20.

    Returns
    -------
    CrystalMatch

    Raises
    ------
    InputError
        If there are no lattices, or there is nothing to match.
    """
    given = zones if isinstance(zones, int) else 1
    parameters = parse_settings(MatchParameters, zones=given, tolerance=tolerance)
    bases, errors = _lattices(fitted)
    by_shape = fitted.unit != NANOMETER
    candidates = list_candidates(crystals, zones)
    seen = getattr(fitted, "plane_group", None)
    if groups is None and seen is not None:
        groups = np.array(["", *PLANE_GROUPS])[np.asarray(seen)]
    if groups is not None and np.shape(groups) != bases.shape[:-2]:
        raise InputError(f"Plane groups of shape {np.shape(groups)} are not those of the windows.")
    own = np.array([each.plane_group for each in candidates])[:, np.newaxis]
    found = np.asarray(np.isfinite(bases).all(axis=(-2, -1)))
    likelihood = np.zeros((len(candidates), *found.shape), np.float32)
    places = np.argwhere(found)
    for start in range(0, len(places), _BLOCK):
        here = tuple(places[start : start + _BLOCK].T)
        strain, _ = compare(bases[here], candidates, by_shape=by_shape)
        chance = np.exp(-np.square(strain / np.hypot(tolerance / 2, errors[here])) / 2)
        if groups is not None:
            same = np.asarray(groups)[here] == own
            known = (same & (chance > CrystalMatch.none_likelihood)).any(axis=0)
            chance = chance * np.where(known & ~same, _WRONG_GROUP, 1)
        likelihood[(slice(None), *here)] = chance
    labels, phases = _explain(likelihood, found, candidates)
    distortion = np.full(found.shape, np.nan, np.float32)
    orientation = distortion.copy()
    for value, phase in enumerate(phases[:-1], 1):
        here, candidate = labels == value, candidates[phase.candidate]
        strain, writing = compare(bases[here], [candidate], by_shape=by_shape)
        distortion[here] = strain[0]
        if _directed(fitted):
            a = np.einsum("nj,njk->nk", _WRITINGS[writing[0], 0], bases[here])
            turn = np.rad2deg(np.arctan2(a[:, 1], a[:, 0]))
            orientation[here] = turn % FOLDS.get(candidate.label, 180.0)
    return CrystalMatch(
        tuple(candidates),
        likelihood,
        distortion,
        labels,
        phases,
        orientation,
        parameters,
        by_shape,
    )


def list_candidates(
    crystals: Sequence[Crystal], zones: int | Sequence[Zone] = 2
) -> list[Projection]:
    """List what may be seen of some crystals along their zone axes.

    Raises
    ------
    InputError
        If there is no crystal, or one is a cluster.
    """
    if not len(crystals):
        raise InputError("There is no crystal to match; give at least one structure file.")
    return [
        project(crystal, zone)
        for crystal in crystals
        for zone in (zone_axes(crystal, zones) if isinstance(zones, int) else zones)
    ]


def _lattices(fitted: Any) -> tuple[Float, Float]:
    """Give bases (..., 2, 2) and the standard errors (...) of their strains."""
    if fitted.a is None:
        raise InputError("This result has no lattices; analyze again with lattice maps.")
    a, b, gamma = (np.asarray(each, np.float64) for each in (fitted.a, fitted.b, fitted.gamma))
    angle = np.deg2rad(gamma)
    if _directed(fitted):
        turn = np.deg2rad(np.asarray(fitted.a_direction, np.float64))
        other = np.deg2rad(np.asarray(fitted.b_direction, np.float64))
    else:
        turn, other = np.zeros_like(angle), angle
    first = a[..., np.newaxis] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    second = b[..., np.newaxis] * np.stack([np.cos(other), np.sin(other)], axis=-1)
    bases = np.stack([first, second], axis=-2)
    parts = [np.zeros_like(a)]
    if getattr(fitted, "a_error", None) is not None:
        parts = [fitted.a_error / a, fitted.b_error / b, np.deg2rad(fitted.gamma_error)]
    elif getattr(fitted, "strain_error_x", None) is not None:  # in percent
        parts = [np.asarray(each) / 100 for each in (fitted.strain_error_x, fitted.strain_error_y)]
    return bases, np.nan_to_num(np.sqrt(np.mean(np.square(parts), axis=0)))


def _directed(fitted: Any) -> bool:
    return getattr(fitted, "a_direction", None) is not None


def compare(
    bases: Float, candidates: Sequence[Projection], *, by_shape: bool = False
) -> tuple[Float, NDArray[np.intp]]:
    """Compare n reduced lattices (n, 2, 2) in nm with those of k candidates.

    By shape, each is enlarged as makes the strain least.

    Returns
    -------
    strain : ndarray, shape (k, n)
        Greatest principal strain (logarithm of a stretch) of the writing that has the least.
    writing : ndarray of int, shape (k, n)
        Which of the `_WRITINGS` of a lattice that is.
    """
    strain = np.full((len(candidates), len(bases)), np.inf)
    writing = np.zeros((len(candidates), len(bases)), dtype=np.intp)
    written = np.einsum("wij,njk->wnik", _WRITINGS, bases)
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
            if by_shape:
                principal = principal - principal.mean(axis=0)
            found = np.abs(principal).max(axis=0)
            writing[k] = np.where(found < strain[k], best, writing[k])
            strain[k] = np.minimum(strain[k], found)
    return strain, writing


def _explain(
    likelihood: NDArray[np.float32],
    found: NDArray[np.bool_],
    candidates: Sequence[Projection],
) -> tuple[NDArray[np.uint8], tuple[Phase, ...]]:
    """Explain all windows by as few candidates as do it, those first that explain the most.

    Candidates that are nearly as likely over the windows of a phase are named with it.
    """
    flat = likelihood.reshape(len(candidates), -1)
    top = flat.max(axis=0)
    sure = (flat > _TOLD_APART * top) & (top > CrystalMatch.none_likelihood)
    labels = np.zeros(flat.shape[1], np.uint8)
    left = sure.any(axis=0)
    phases: list[Phase] = []
    while left.any() and len(phases) < 254:
        share = (flat * sure)[:, left].sum(axis=1)
        lead = int(share.argmax())
        here = left & sure[lead]
        mean = flat[:, here].mean(axis=1)
        near = np.flatnonzero(mean > max(_TOLD_APART * mean[lead], CrystalMatch.none_likelihood))
        others = tuple(int(k) for k in near[np.argsort(-mean[near], kind="stable")] if k != lead)
        name = " or ".join(candidates[k].name for k in (lead, *others))
        phases.append(Phase(lead, others, name, PHASE_COLORS[len(phases) % len(PHASE_COLORS)]))
        labels[here] = len(phases)
        left &= ~here
    phases.append(Phase(-1, (), NONE_OF_THESE, NONE_COLOR))
    labels[found.ravel() & (labels == 0)] = len(phases)
    return labels.reshape(found.shape), tuple(phases)
