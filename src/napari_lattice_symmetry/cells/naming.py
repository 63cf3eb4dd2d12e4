"""The plane group of a window: the most probable one, what it rests on, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc, softmax

from napari_lattice_symmetry.cells.answer import (
    TOLERANCE,
    GroupRow,
    PlaneGroup,
    metric_departure,
)
from napari_lattice_symmetry.cells.factors import (
    StructureFactors,
    basis_covariance,
    noise_gathering,
    structure_factors,
    without_envelope,
)
from napari_lattice_symmetry.cells.groups import GroupFits, fit_groups, highest
from napari_lattice_symmetry.cells.lattices import Lattice, window_lattices
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.plane_groups import (
    settings,
)
from napari_lattice_symmetry.spectrum.checks import as_windows, is_real
from napari_lattice_symmetry.spectrum.lattice_fit import TOLERANCE as LATTICE_TOLERANCE

Float = NDArray[np.float64]

MIN_NODES, MIN_CLEAR_NODES = 20, 12
"""Least number of nodes above three times the noise on which a group is named.

The second where noise is little beside the amplitudes, which blur leaves few of.
"""

_BLOCK = 16  # windows whose arrays a processor holds at hand
_LITTLE_NOISE = 0.12
_EQUAL = 1e-6  # difference of evidence by rounding

# Error of amplitudes that is always allowed for: a lattice is never quite straight.
_SYSTEMATIC = 0.01
# Half-way points between nodes, a node, at which the noise is measured.
_NOISE_SPOTS = 3
# Chance below which a group does not describe an image within its noise.
_MIN_P_VALUE = 1e-3

TEMPERATURE, STRETCH = 0.88, 0.7
"""Make probabilities of evidence, ``exp(-difference**STRETCH / (2 TEMPERATURE))``.

Fitted to simulated windows with pseudosymmetry: great differences say less than they seem to.
"""


def plane_group(
    window: NDArray[Any],
    lattice: Lattice | None = None,
    tolerance: float = TOLERANCE,
    *,
    lattice_tolerance: float = LATTICE_TOLERANCE,
) -> PlaneGroup:
    """Name the plane group of one window.

    Parameters
    ----------
    window : ndarray, shape (w, w)
        Any real dtype; NaN and infinite pixels count as missing.
    lattice : LatticeFit, str or array_like of shape (2, 2), optional
        A fit in pixels, a class of lattices that a scan has distorted by at most 20 %, or a basis
        in pixels; fitted if not given.
    tolerance : float
        Error of the amplitudes, as a share of each, that is allowed for where noise explains no
        symmetry.
    lattice_tolerance : float
        How far a lattice may be from a class to allow its groups, as the `tolerance` of an
        analysis; of no use where the class is given.

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
    windows = window[np.newaxis]
    return plane_groups(windows, lattice, tolerance, lattice_tolerance=lattice_tolerance)[0]


def plane_groups(
    windows: NDArray[Any],
    lattice: Lattice | None = None,
    tolerance: float = TOLERANCE,
    distortion: NDArray[np.float64] | None = None,
    *,
    lattice_tolerance: float = LATTICE_TOLERANCE,
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
    lattice_tolerance : float
        As for `plane_group`.

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
    lattices = window_lattices(windows, lattice, distortion, lattice_tolerance)
    answers: list[PlaneGroup | None] = [None] * len(windows)
    for i in np.flatnonzero(lattices.unresolved):
        answers[i] = PlaneGroup(None, lattices.reasons[i], lattices.families[i], {})
    for family, every in lattices.by_family():
        for places in np.split(every, range(_BLOCK, len(every), _BLOCK)):
            factors = structure_factors(windows[places], lattices.basis[places])
            found = groups_of_factors(factors, family, windows.shape[-1], tolerance, distortion)
            for place, answer in zip(places, found, strict=True):
                answers[place] = answer
    return [answer for answer in answers if answer is not None]


def check_tolerance(tolerance: float) -> None:
    """Raise an `InputError` if a tolerance is no share."""
    if not (is_real(tolerance) and 0 <= tolerance <= 1):
        raise InputError(f"A tolerance of {tolerance!r} is no share; give a number from 0 to 1.")


def _chances(fits: GroupFits, freedom: Float, gathered: Float) -> Float:
    """Return the chance that noise alone breaks each group as much.

    Noise is an estimate, too, of as many spots as there are half-way between the nodes, and of
    neither kind are all independent.
    """
    gathered = gathered[:, np.newaxis]
    of_group = np.maximum(freedom, 1)
    of_noise = _NOISE_SPOTS * np.maximum(fits.count[:, np.newaxis], 1)
    chances = fdtrc(of_group / gathered, of_noise / gathered, fits.residual / of_group)
    return np.where(freedom > 0, chances, 1.0)


def groups_of_factors(
    factors: StructureFactors,
    family: str,
    size: int,
    tolerance: float = TOLERANCE,
    distortion: Float | None = None,
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
    distortion : ndarray, shape (2, 2), optional
        As for `plane_groups`.

    Returns
    -------
    list of PlaneGroup
    """
    lattices = _lattices(factors, size, distortion)
    factors = without_envelope(factors, family)
    fits = fit_groups(factors, family, _SYSTEMATIC)
    n = len(factors)
    freedom = np.maximum(fits.count[:, np.newaxis] - fits.parameters, 0)
    p_values = _chances(fits, freedom, noise_gathering(factors.values, factors.variance))
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
            lattices[i],
            family,
            size,
            tolerance=tolerance,
            within=not explained[i],
        )
        for i in range(n)
    ]


@dataclass(frozen=True, eq=False)
class _Lattice:
    """The lattice of one window before a scan distorted it, and its covariance."""

    basis: Float
    covariance: Float


def _lattices(factors: StructureFactors, size: int, distortion: Float | None) -> list[_Lattice]:
    undo = np.eye(2) if distortion is None else np.asarray(np.linalg.inv(distortion))
    change = np.kron(np.eye(2), undo)
    parts = zip(factors.values, factors.variance, factors.basis, strict=True)
    return [
        _Lattice(
            basis @ undo.T,
            change @ basis_covariance(values, variance, basis, size) @ change.T,
        )
        for values, variance, basis in parts
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
    window: _Window,
    basis: Float,
    lattice: _Lattice,
    family: str,
    size: int,
    *,
    tolerance: float,
    within: bool,
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
    change = np.kron(setting.conventional, np.eye(2))
    metric = metric_departure(
        setting.conventional @ lattice.basis, change @ lattice.covariance @ change.T, name
    )
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
        *metric,
        departures=fits.departure[i],
    )


def _most_symmetric(evidence: Float, family: str) -> int:
    """Choose the best setting; of those that no node tells apart, that of the most operations."""
    equal = np.flatnonzero(evidence <= evidence.min() + _EQUAL)
    return int(max(equal, key=lambda k: settings(family)[k].order))
