"""The plane group of a window: the most probable one, what it rests on, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, softmax

from napari_lattice_symmetry.cells.factors import (
    StructureFactors,
    structure_factors,
    without_envelope,
)
from napari_lattice_symmetry.cells.groups import GroupFits, fit_groups, highest
from napari_lattice_symmetry.cells.lattices import Lattice, window_lattices
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.plane_groups import (
    PLANE_GROUPS,
    Setting,
    settings,
    supergroups,
)
from napari_lattice_symmetry.spectrum.checks import as_windows, is_real

Float = NDArray[np.float64]

TOLERANCE = 0.2
"""Departure R by lens and scan that is allowed for where noise explains no symmetry."""

MIN_NODES, MIN_CLEAR_NODES = 20, 12
"""Least number of nodes above three times the noise on which a group is named.

The second where noise is little beside the amplitudes, which blur leaves few of.
"""

_BLOCK = 16  # windows whose arrays a processor holds at hand
_LITTLE_NOISE = 0.12
_EQUAL = 1e-6  # difference of evidence by rounding

# Error of amplitudes that is always allowed for: a lattice is never quite straight.
_SYSTEMATIC = 0.01
# Chance below which a group does not describe an image within its noise.
_MIN_P_VALUE = 1e-3

TEMPERATURE, STRETCH = 0.82, 0.7
"""Make probabilities of evidence, ``exp(-difference**STRETCH / (2 TEMPERATURE))``.

Fitted to simulated windows with pseudosymmetry: great differences say less than they seem to.
"""


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

    def at_least(self, name: str) -> float:
        """Give the probability of the group `name` or one that contains it.

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
        if self.name is None:
            return f"not resolved: {self.reason}"
        chance = "p < 1e-6" if self.p_value < 1e-6 else f"p = {self.p_value:.2g}"
        if not self.within_tolerance:
            return (
                f"{self.name}, with probability {self.table[self.name].probability:.2f} ({chance})."
            )
        if self.name == "p1":
            return f"p1: no symmetry holds within the tolerance of {self.tolerance:.0%}."
        return (
            f"{self.name} within the tolerance; "
            f"the image departs from it by {self.departure:.0%}, {chance}."
        )


def plane_group(
    window: NDArray[Any], lattice: Lattice | None = None, tolerance: float = TOLERANCE
) -> PlaneGroup:
    """Name the plane group of one window.

    Parameters
    ----------
    window : ndarray, shape (w, w)
        Any real dtype; NaN and infinite pixels count as missing.
    lattice : LatticeFit, str or array_like of shape (2, 2), optional
        A fit in pixels, a class of lattices that a scan has distorted, or a basis in pixels;
        fitted if not given.
    tolerance : float
        Error of the amplitudes, as a share of each, that is allowed for where noise explains no
        symmetry.

    Returns
    -------
    PlaneGroup

    Raises
    ------
    InputError
        If the window is not square or too small, or the lattice or tolerance is none.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> window = nls.LatticeImage(lattice="square", a=12, counts=200).draw()
    >>> nls.cells.plane_group(window).name
    'p4m'
    """
    window = as_windows(window, "(w, w)")
    return plane_groups(window[np.newaxis], lattice, tolerance)[0]


def plane_groups(
    windows: NDArray[Any],
    lattice: Lattice | None = None,
    tolerance: float = TOLERANCE,
    distortion: NDArray[np.float64] | None = None,
) -> list[PlaneGroup]:
    """Name the plane group of every window, for maps.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
        As for `plane_group`.
    lattice, tolerance
        As for `plane_group`; a `LatticeFits` of n windows is taken too.
    distortion : ndarray, shape (2, 2), optional
        What the scan did to positions, ``seen = distortion @ true``: lattices are described as
        they were before.

    Returns
    -------
    list of PlaneGroup

    Raises
    ------
    InputError
        As `plane_group`.
    """
    check_tolerance(tolerance)
    windows = as_windows(windows, "(n, w, w)")
    lattices = window_lattices(windows, lattice, distortion)
    answers: list[PlaneGroup | None] = [None] * len(windows)
    for i in np.flatnonzero(lattices.unresolved):
        answers[i] = PlaneGroup(None, lattices.reasons[i], lattices.families[i], {})
    for family, every in lattices.by_family():
        for places in np.split(every, range(_BLOCK, len(every), _BLOCK)):
            factors = structure_factors(windows[places], lattices.basis[places])
            found = groups_of_factors(factors, family, windows.shape[-1], tolerance)
            for place, answer in zip(places, found, strict=True):
                answers[place] = answer
    return [answer for answer in answers if answer is not None]


def check_tolerance(tolerance: float) -> None:
    """Raise an `InputError` if a tolerance is no share."""
    if not (is_real(tolerance) and 0 <= tolerance <= 1):
        raise InputError(f"A tolerance of {tolerance!r} is no share; give a number from 0 to 1.")


def groups_of_factors(
    factors: StructureFactors, family: str, size: int, tolerance: float = TOLERANCE
) -> list[PlaneGroup]:
    """Name the plane groups of structure factors.

    Parameters
    ----------
    factors : StructureFactors
        On the basis that `family_basis` gives.
    family : str
        Class of the lattice.
    size : int
        Side of the windows in pixels.
    tolerance : float
        As for `plane_group`.

    Returns
    -------
    list of PlaneGroup
    """
    factors = without_envelope(factors, family)
    fits = fit_groups(factors, family, _SYSTEMATIC)
    n = len(factors)
    freedom = np.maximum(fits.count[:, np.newaxis] - fits.parameters, 0)
    p_values = np.where(freedom > 0, chdtrc(np.maximum(freedom, 1), fits.residual), 1.0)
    order = np.array([setting.order for setting in settings(family)])
    # A group that noise does not explain gives way to one that it does.
    held = p_values >= _MIN_P_VALUE
    evidence, odds = (np.where(held, each, np.inf) for each in (fits.evidence, fits.odds))
    chosen = evidence.argmin(axis=1)
    explained = held[np.arange(n), chosen] & (order[chosen] > 1)

    departure = fits.departure.copy()
    least = np.where(fits.noise > _LITTLE_NOISE, MIN_NODES, MIN_CLEAR_NODES)
    places = np.flatnonzero(~explained & (fits.significant >= least))
    if len(places):
        tolerant = fit_groups(factors.of(places), family, max(tolerance, _SYSTEMATIC))
        # A structure comes near to a group of two operations more easily by chance.
        greatest = np.where(order == 1, 1.0, np.where(order == 2, tolerance / 2, tolerance))
        near = np.minimum(tolerant.departure, fits.departure[places]) <= greatest
        left = highest(near, family)
        evidence[places] = np.where(left, tolerant.evidence, np.inf)
        odds[places] = np.where(left, tolerant.odds, np.inf)
    return [
        _answer(
            _Window(
                fits, i, int(least[i]), evidence[i], odds[i], departure[i], p_values[i], freedom[i]
            ),
            factors.basis[i],
            family,
            size,
            tolerance,
            within=not explained[i],
        )
        for i in range(n)
    ]


@dataclass(frozen=True, eq=False)
class _Window:
    """What is known of the settings of one window."""

    fits: GroupFits
    index: int
    least: int
    evidence: Float
    odds: Float
    departure: Float
    p_value: Float
    freedom: Float


def _answer(
    window: _Window, basis: Float, family: str, size: int, tolerance: float, *, within: bool
) -> PlaneGroup:
    fits, i = window.fits, window.index
    nodes = int(fits.significant[i])
    if nodes < window.least:
        reason = f"{nodes} spots stand out of the noise, fewer than {window.least}"
        return PlaneGroup(None, reason, family, {}, nodes=nodes)
    listed = settings(family)
    behind = window.odds - window.odds.min()
    weights = softmax(-0.5 * behind**STRETCH / TEMPERATURE)
    table = {}
    best: dict[str, int] = {}
    for k, setting in enumerate(listed):
        if setting.group not in best or window.evidence[k] < window.evidence[best[setting.group]]:
            best[setting.group] = k
    for group, k in best.items():
        same = [each.group == group for each in listed]
        freedom = max(window.freedom[k], 1)
        table[group] = GroupRow(
            probability=float(weights[same].sum()),
            p_value=float(window.p_value[k]),
            departure=float(window.departure[k]),
            phase_residual=float(fits.phase[i, k]),
            chi_square=float(fits.residual[i, k] / freedom),
        )
    setting = listed[_most_symmetric(window.evidence, family)]
    name = setting.group
    center = (size - 1) / 2
    return PlaneGroup(
        name,
        "",
        family,
        table,
        within,
        tolerance,
        nodes,
        setting.conventional @ basis,
        fits.origin[i, best[name]] @ basis + center,
        setting,
    )


def _most_symmetric(evidence: Float, family: str) -> int:
    """Choose the best setting; of those that no node tells apart, that of the most operations."""
    equal = np.flatnonzero(evidence <= evidence.min() + _EQUAL)
    return int(max(equal, key=lambda k: settings(family)[k].order))
