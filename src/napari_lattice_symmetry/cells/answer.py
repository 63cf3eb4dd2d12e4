"""What is said of the plane group of a window: the answer, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.cells.groups import nested
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.motifs import highest_setting
from napari_lattice_symmetry.lattice.plane_groups import (
    PLANE_GROUPS,
    Setting,
    check_group,
    family_of,
    settings,
    supergroups,
)

Float = NDArray[np.float64]

TOLERANCE = 0.2
"""Departure R by lens and scan that is allowed for where noise explains no symmetry."""

# Departure of a lattice, in errors and by itself, below which it says nothing.
_CLEAR, _STRAIGHT = 3.0, 1e-3

# Cosine of the angle between a and b that the conventional cell of a class has.
_COSINE = {"rectangular": 0.0, "centered rectangular": 0.0, "square": 0.0, "hexagonal": -0.5}
_EQUAL_SIDES = ("square", "hexagonal")

# Groups of one kind of operation, and what that is.
_TURNS = {"p6": "turns by 60°", "p4": "turns by 90°", "p3": "turns by 120°", "p2": "turns by 180°"}
_LINES = {"pm": "mirrors", "cm": "mirrors", "pg": "glides"}


@dataclass(frozen=True)
class GroupRow:
    """How one group fits, in its best setting.

    Parameters
    ----------
    probability : float
        Of this group among the 17.
    p_value : float
        Chance that noise alone breaks the group as much as the image does.
    departure : float
        Share R of the Bragg amplitude that breaks it, noise and a blur that is not the same in
        all directions taken off.
    phase_residual : float
        Amplitude-weighted mean departure of phases, in degrees.
    chi_square : float
        Weighted sum of squares that breaks it, over its degrees of freedom.
    """

    probability: float
    p_value: float
    departure: float
    phase_residual: float
    chi_square: float


@dataclass(frozen=True, eq=False)
class PlaneGroup:
    """The plane group of one window.

    Parameters
    ----------
    name : str or None
        "p1" to "p6m"; None where not resolved.
    reason : str
        Why it is not resolved; empty if it is.
    lattice : str
        Class of the lattice, as which it was described.
    table : mapping of str to GroupRow
        Every group that the lattice allows.
    within_tolerance : bool
        Whether noise explains no symmetry, and an error of the amplitudes of `tolerance` was
        allowed for.
    tolerance : float
        As a share of each amplitude.
    nodes : int
        Number of nodes above three times the noise.
    basis : ndarray, shape (2, 2)
        Cell of the International Tables, vectors (x, y) in rows, in pixels.
    origin : ndarray, shape (2,)
        Its origin (x, y) in pixels of the window.
    setting : Setting or None
        How the group lies in the primitive cell.
    metric_departure : float
        How far the lattice is from that which the group asks for: the logarithm of a ratio of
        sides, or the cosine of an angle.
    metric_errors : float
        The same in standard errors by noise.
    departures : ndarray, shape (settings,)
        R of every setting of every group that the lattice allows, in the order of `settings`.
    """

    name: str | None
    reason: str
    lattice: str
    table: Mapping[str, GroupRow]
    within_tolerance: bool = False
    tolerance: float = TOLERANCE
    nodes: int = 0
    basis: Float = field(default_factory=lambda: np.full((2, 2), np.nan))
    origin: Float = field(default_factory=lambda: np.full(2, np.nan))
    setting: Setting | None = None
    metric_departure: float = 0.0
    metric_errors: float = 0.0
    departures: Float = field(default_factory=lambda: np.zeros(0))

    @property
    def resolved(self) -> bool:
        """Whether there is an answer."""
        return self.name is not None

    @property
    def probabilities(self) -> dict[str, float]:
        """Probability of each of the 17 groups; 0 for those that the lattice does not allow."""
        return {
            name: self.table[name].probability if name in self.table else 0.0
            for name in PLANE_GROUPS
        }

    @property
    def p_value(self) -> float:
        """Chance that noise alone breaks the group as much as the image does."""
        return self.table[self.name].p_value if self.name else float("nan")

    @property
    def departure(self) -> float:
        """Share R of the Bragg amplitude that breaks the group, 0 to 1."""
        return self.table[self.name].departure if self.name else float("nan")

    @property
    def phase_residual(self) -> float:
        """Amplitude-weighted mean departure of phases from the group, in degrees."""
        return self.table[self.name].phase_residual if self.name else float("nan")

    def broken(self, name: str | None = None) -> dict[str, float]:
        """Return by which share R the image breaks each operation of a group.

        Parameters
        ----------
        name : str, optional
            One that the lattice allows; that which is named if not given.

        Returns
        -------
        dict of str to float
            Of turns, mirrors and glides, by what they are; the angle of a mirror counts from x
            towards y in the image. Empty where nothing is named.

        Raises
        ------
        InputError
            If there is no such group, or the lattice does not allow it.
        """
        if self.setting is None:
            return {}
        listed = settings(self.lattice)
        places = [k for k, each in enumerate(listed) if each.group == (name or self.name)]
        if not places:
            check_group(name or "")
            raise InputError(f"A {self.lattice} lattice does not allow {name}.")
        best = min(places, key=lambda k: float(self.departures[k]))
        parts = {best, *(lower for lower, higher in nested(self.lattice) if higher == best)}
        primitive = np.linalg.inv(self.setting.conventional) @ self.basis
        found = {}
        for kinds in (_TURNS, _LINES):
            for k in sorted(parts, key=lambda k: [*kinds, *PLANE_GROUPS].index(listed[k].group)):
                kind = kinds.get(listed[k].group)
                if kind is not None:
                    x, y = (listed[k].conventional @ primitive)[1]
                    angle = round(float(np.rad2deg(np.arctan2(y, x)))) % 180
                    what = kind if kinds is _TURNS else f"{kind} at {angle}°"
                    found[what] = float(self.departures[k])
        return found

    def words_of_broken(self, name: str | None = None) -> str:
        """Say by how much the image breaks the operations of a group; empty if it has but one."""
        found = self.broken(name)
        if len(found) < 2:
            return ""
        told = [f"{each} by {found[each]:.0%}" for each in found if each in _TURNS.values()]
        for kind in dict.fromkeys(_LINES.values()):
            lines = {each: share for each, share in found.items() if each.startswith(kind)}
            if lines:
                told.append(_range_of(kind, lines))
        return f"Of {name or self.name} it breaks {', '.join(told)}."

    @property
    def among(self) -> str:
        """Say of what groups the probabilities are those; empty if of all that the lattice allows.

        See `within_tolerance`: noise explains none of them.
        """
        if self.name is None or not self.within_tolerance:
            return ""
        return "Probabilities are those among the groups that the tolerance leaves."

    @property
    def lost(self) -> str:
        """Say what of the lattice's own symmetry the image breaks; empty if it has all of it."""
        if self.name is None or highest_setting(self.lattice).group == self.name:
            return ""
        return self.words_of_broken(highest_setting(self.lattice).group)

    def at_least(self, name: str) -> float:
        """Return the probability of the group `name` or one that contains it.

        Raises
        ------
        InputError
            If there is no such group.
        """
        probabilities = self.probabilities
        return sum(probabilities[each] for each in supergroups(name))

    @property
    def remarks(self) -> str:
        """The answer in plain words, or why there is none."""
        return " ".join(self.sentences)

    @property
    def sentences(self) -> list[str]:
        """The answer; what is to be said of the lattice, and what a tolerance has allowed for."""
        if self.name is None:
            return [f"not resolved: {self.reason}"]
        broken = self.words_of_broken() if self.within_tolerance else ""
        return [each for each in (self._named(self.name), self._metric, broken) if each]

    def _named(self, name: str) -> str:
        chance = "p < 1e-6" if self.p_value < 1e-6 else f"p = {self.p_value:.2g}"
        if not self.within_tolerance:
            return f"{name}, with probability {self.table[name].probability:.2f} ({chance})."
        if name == "p1":
            return f"p1: no symmetry holds within the tolerance of {self.tolerance:.0%}."
        return (
            f"{name} within the tolerance; "
            f"the image departs from it by {self.departure:.0%}, {chance}."
        )

    @property
    def _metric(self) -> str:
        """A departure of the lattice that noise does not explain; empty if there is none."""
        if self.name is None or self.metric_errors < _CLEAR or self.metric_departure < _STRAIGHT:
            return ""
        return (
            f"The lattice departs from {family_of(self.name)} by {self.metric_departure:.1%} "
            f"({self.metric_errors:.0f} errors)."
        )


def _range_of(kind: str, lines: Mapping[str, float]) -> str:
    """Say by how much mirrors are broken: the least and the most."""
    least, most = (one(lines, key=lambda line: lines[line]) for one in (min, max))
    if least == most:
        return f"{least} by {lines[least]:.0%}"
    from_least, to_most = (
        f"{lines[line]:.0%} ({line.removeprefix(kind).strip()})" for line in (least, most)
    )
    return f"{kind} by {from_least} to {to_most}"


def metric_departure(basis: Float, covariance: Float, group: str) -> tuple[float, float]:
    """Measure how far a cell is from the lattice that its plane group asks for.

    Parameters
    ----------
    basis : ndarray, shape (2, 2)
        Conventional cell of the group, vectors (x, y) in rows.
    covariance : ndarray, shape (4, 4)
        Of ax, ay, bx, by.
    group : str
        One of `PLANE_GROUPS`.

    Returns
    -------
    departure : float
        As `symmetry_distances` tells it: the logarithm of the ratio of sides or the cosine of an
        angle, whichever is the surer one. 0 of a group that asks for nothing.
    errors : float
        The same in standard errors.
    """
    family = family_of(group)
    if family not in _COSINE:
        return 0.0, 0.0
    (a, b), (length_a, length_b) = basis, np.linalg.norm(basis, axis=1)
    cosine = float(a @ b / (length_a * length_b))
    turn_a = b / (length_a * length_b) - cosine * a / length_a**2
    turn_b = a / (length_a * length_b) - cosine * b / length_b**2
    off = [abs(cosine - _COSINE[family])]
    gradients = [np.concatenate([turn_a, turn_b])]
    if family in _EQUAL_SIDES:
        off.append(abs(float(np.log(length_b / length_a))))
        gradients.append(np.concatenate([-a / length_a**2, b / length_b**2]))
    errors = [
        each / max(float(np.sqrt(gradient @ covariance @ gradient)), 1e-300)
        for each, gradient in zip(off, gradients, strict=True)
    ]
    surer = int(np.argmax(errors))
    return off[surer], errors[surer]
