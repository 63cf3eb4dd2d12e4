"""What a match of crystals gives: a few phases that explain all windows, and maps of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.comparison import NONE_LIKELIHOOD, Likelihoods, Windows
from napari_lattice_symmetry.crystals.parameters import MatchParameters
from napari_lattice_symmetry.crystals.projection import Projection

Float = NDArray[np.float64]
Single = NDArray[np.float32]

NOT_MATCHED = 0
"""Label of a window in which there is no lattice alone: none was found, or two."""

NONE_OF_THESE = "none of these"

_BY_SHAPE = (
    "The pixel size is unknown, so that lattices are matched by their shape alone: many crystals "
    "look alike, and none is told by its size."
)

# A candidate this much less likely than the best can be told apart from it.
_TOLD_APART = 0.1
_MAX_PHASES = 254
# Okabe and Ito's color-blind-safe set without gray, then those that differ most from all before, to
# every kind of color vision and half transparent on gray; a test holds that.
PHASE_COLORS = (
    *("#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#F0E442"),
    *("#622700", "#0000B1", "#D8EBB1", "#4E2762", "#C4EBFF"),
)
NONE_COLOR = "#555555"


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

    Of each window the best candidate is kept, how likely it is, and how many cannot be told apart
    from it. The likelihoods of all candidates would take gigabytes for a long movie: those of some
    windows are computed anew by `likelihoods`, from the lattices of the result.

    Parameters
    ----------
    candidates : tuple of Projection
        What was asked for: every crystal along its zone axes.
    best : ndarray of int16, shape (...)
        Which of the candidates is the most likely; -1 where that is none of them, and where there
        is no lattice alone.
    likelihood : ndarray, shape (...), float32
        Of the most likely candidate, 1 where the lattice is its own; 0 where there is no lattice
        alone. That of none of them is `none_likelihood` everywhere.
    probability : ndarray, shape (...), float32
        Of the best answer, none of them included, all being as probable before; NaN where there
        is no lattice alone.
    ambiguity : ndarray of uint16, shape (...)
        How many candidates cannot be told apart in a window, the best included; 0 where there is
        none.
    distortion : ndarray, shape (...), float32
        Greatest principal strain between the lattice and that of the candidate in `labels`.
    labels : ndarray of uint8, shape (...)
        Which of the phases, from 1; 0 where there is no lattice alone: no window in which none
        was found, or two, or too few periods of one, is matched.
    phases : tuple of Phase
        In the order of their areas; none of the candidates comes last, and is always there.
    orientation : ndarray, shape (...), float32
        Direction of the candidate's vector a from x towards y in degrees, up to the turn that
        brings its lattice back onto itself. NaN where it has none.
    parameters : MatchParameters
        The settings.
    by_shape : bool
        Whether sizes played no part, since the pixel size is unknown.
    scales : tuple of (int, float)
        Where none of the candidates is anywhere: which of them would be there, if the pixel were
        how many times as large.
    """

    candidates: tuple[Projection, ...]
    best: NDArray[np.int16] = field(repr=False)
    likelihood: Single = field(repr=False)
    probability: Single = field(repr=False)
    ambiguity: NDArray[np.uint16] = field(repr=False)
    distortion: Single = field(repr=False)
    labels: NDArray[np.uint8] = field(repr=False)
    phases: tuple[Phase, ...]
    orientation: Single = field(repr=False)
    parameters: MatchParameters
    by_shape: bool
    scales: tuple[tuple[int, float], ...]
    _windows: Windows = field(repr=False)
    _likelihoods: Likelihoods = field(repr=False)

    none_likelihood = NONE_LIKELIHOOD

    @property
    def remark(self) -> str:
        """What there is to say of the match as a whole; empty if all is well."""
        if self.by_shape:
            return _BY_SHAPE
        if not self.scales:
            return ""
        told = [
            f"{self.candidates[index].name} if the pixel were {_round(factor)} times as large"
            for index, factor in self.scales
        ]
        return f"By their shape, all at one scale, these lattices fit {', or '.join(told)}."

    @property
    def names(self) -> list[str]:
        """Name of each phase."""
        return [phase.name for phase in self.phases]

    @property
    def values(self) -> dict[int, tuple[str, str]]:
        """Name and color of each label value."""
        return {value: (each.name, each.color) for value, each in enumerate(self.phases, 1)}

    @cached_property
    def fractions(self) -> Float:
        """Share of each phase in the windows with a lattice alone, shape (T, phases) or (phases,).

        NaN for a frame without any.
        """
        values = np.arange(1, len(self.phases) + 1)
        axes = tuple(range(self.labels.ndim - 2, self.labels.ndim))
        counts = np.stack([(self.labels == value).sum(axis=axes[-2:]) for value in values], -1)
        total = counts.sum(axis=-1, keepdims=True)
        return np.where(total > 0, counts / np.maximum(total, 1), np.nan)

    def likelihoods(self, index: Any) -> Float:
        """Compute the likelihood of each candidate in some windows, shape (k, n).

        Parameters
        ----------
        index : index of the maps
            Such as ``np.s_[3:5]`` for two frames; n are the windows there that have a lattice
            alone.
        """
        return self._likelihoods.of(self._windows.read(index))

    def ranking(self, index: Any) -> list[tuple[str, float]]:
        """List the candidates of one window with their probabilities, the most probable first.

        Nothing is listed where there is no lattice alone.
        """
        one = tuple(slice(int(each), int(each) + 1) for each in np.atleast_1d(index))
        likelihood = self.likelihoods(one)
        if not likelihood.size:
            return []
        chances = np.append(likelihood[:, 0], NONE_LIKELIHOOD)
        chances /= chances.sum()
        names = [*(each.name for each in self.candidates), NONE_OF_THESE]
        order = np.argsort(-chances, kind="stable")
        return [(names[k], float(chances[k])) for k in order]


def _round(factor: float) -> str:
    """Word a factor by three digits; one near 1 by two behind the point."""
    return f"{factor:.2f}" if 0.1 < factor < 10 else f"{float(f'{factor:.3g}'):g}"


def told_apart(likelihood: Float) -> NDArray[np.bool_]:
    """Return which candidates (k, n) of each window are nearly as likely as the best.

    None is where none of them is more likely than `NONE_LIKELIHOOD`.
    """
    top = likelihood.max(axis=0)
    return np.asarray((likelihood > _TOLD_APART * top) & (top > NONE_LIKELIHOOD))


class Choices:
    """Gathers windows in which the same candidates are likely, block by block.

    Parameters
    ----------
    count : int
        Of the candidates.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._numbers: dict[bytes, int] = {}
        self._sums: list[Float] = []
        self._sizes: list[int] = []

    def add(self, likelihood: Float, likely: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Note the likelihoods (k, n) of a block; gives the number of each window's choice."""
        if not likelihood.shape[1]:
            return np.empty(0, np.int32)
        packed, member = np.unique(np.packbits(likely, axis=0).T, axis=0, return_inverse=True)
        member = member.ravel()
        order = np.argsort(member, kind="stable")
        starts = np.searchsorted(member[order], np.arange(len(packed)))
        sums = np.add.reduceat(likelihood[:, order], starts, axis=1).T
        numbers = []
        for bits, total, size in zip(
            packed, sums, np.bincount(member, minlength=len(packed)), strict=True
        ):
            number = self._numbers.setdefault(bits.tobytes(), len(self._sums))
            if number == len(self._sums):
                self._sums.append(np.zeros(self._count))
                self._sizes.append(0)
            self._sums[number] += total
            self._sizes[number] += int(size)
            numbers.append(number)
        return np.array(numbers, np.int32)[member]

    def explain(
        self, candidates: Sequence[Projection]
    ) -> tuple[NDArray[np.uint8], tuple[Phase, ...]]:
        """Explain all by as few candidates as do it, those first that explain the most.

        Candidates that are nearly as likely over the windows of a phase are named with it.

        Returns
        -------
        labels : ndarray of uint8, shape (choices,)
            Which of the phases each choice is, from 1.
        phases : tuple of Phase
        """
        sums = np.reshape(self._sums, (-1, self._count))
        sizes = np.array(self._sizes)
        bits = [np.frombuffer(key, np.uint8) for key in self._numbers]
        sure = np.array([np.unpackbits(each, count=self._count) for each in bits], bool)
        sure = sure.reshape(-1, self._count)
        labels = np.zeros(len(sums), np.uint8)
        left = sure.any(axis=1)
        phases: list[Phase] = []
        while left.any() and len(phases) < _MAX_PHASES:
            lead = int((sums * sure)[left].sum(axis=0).argmax())
            here = left & sure[:, lead]
            mean = sums[here].sum(axis=0) / sizes[here].sum()
            near = np.flatnonzero(mean > max(_TOLD_APART * mean[lead], NONE_LIKELIHOOD))
            ranked = near[np.argsort(-mean[near], kind="stable")]
            others = tuple(int(k) for k in ranked if k != lead)
            name = " or ".join(candidates[k].name for k in (lead, *others))
            phases.append(Phase(lead, others, name, PHASE_COLORS[len(phases) % len(PHASE_COLORS)]))
            labels[here] = len(phases)
            left &= ~here
        phases.append(Phase(-1, (), NONE_OF_THESE, NONE_COLOR))
        labels[labels == 0] = len(phases)
        return labels, tuple(phases)
