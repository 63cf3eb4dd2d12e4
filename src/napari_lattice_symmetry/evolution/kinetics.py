"""How fast a phase grows: laws fitted to a curve, with intervals, and compared by AICc."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.analysis.steps import ShouldStop, Steps
from napari_lattice_symmetry.errors import AnalysisError
from napari_lattice_symmetry.evolution.curves import Curve
from napari_lattice_symmetry.evolution.growth import (
    MAX_CHANCE,
    Estimate,
    GrowthFit,
    equivalent_radius,
)
from napari_lattice_symmetry.evolution.laws import CONSTANT, EXPONENTIAL, LAWS, GrowthLaw
from napari_lattice_symmetry.evolution.solver import Solver

Float64 = NDArray[np.float64]

MIN_AFTER = 5
"""How many frames there must be after the initial interval."""

MIN_FRAMES = 7
"""How many frames there must be: fewer tell no law of growth from a constant."""

_TAIL = 2.5  # percent below and above a 95 % interval
_MIN_CHANGE = 1e-9  # a curve that changes less is the same in all frames, but for rounding
_AT_BOUND = 1e-3  # of what is searched: so close to its edge a solution is at a bound
_N_FLAT = 99  # flat curves that stand for chance
_MORE_UNKNOWN = 3  # beside the law: C, and how strongly and how long the frames scatter alike
_BEYOND = 0.05  # so far beyond 0 and 1 a level is no scatter any more


@dataclass(frozen=True, eq=False)
class _Frames:
    """The frames of a curve that are known; times are counted from the initial interval's end."""

    curve: Curve
    initial_end: float
    known: NDArray[np.bool_]
    times: Float64
    values: Float64
    initial: NDArray[np.bool_]


def fit_growth(
    curve: Curve,
    initial_end: float,
    law: GrowthLaw = EXPONENTIAL,
    *,
    should_stop: ShouldStop | None = None,
) -> GrowthFit:
    """Fit a growth law and its level C to all frames, by least squares in correlated noise.

    Frames scatter about the law alike in all frames, and frames that follow each other alike
    (AR(1) noise, see `Scatter`). The intervals come from fits to as many curves as there are
    `curve.draws` (what the thinned networks leave open), each with other noise of a correlation
    and strength that the residuals allow.

    Parameters
    ----------
    curve : Curve
        What grows, or shrinks; frames that are not known are left out.
    initial_end : float
        Where the initial interval ends, in the unit of `curve.times`: the t0 of laws that begin
        at a time, and where C is searched first.
    law : GrowthLaw
        One of `LAWS`.
    should_stop : callable, optional
        Asked before the fit, and before its intervals.

    Returns
    -------
    GrowthFit

    Raises
    ------
    AnalysisError
        If there are too few frames in the interval or after it, or the curve is the same in
        all of them, so that nothing is known of how it scatters; a `StoppedError` once
        `should_stop` says True.
    """
    return _fit(_frames(curve, initial_end), law, should_stop)


def compare_laws(
    curve: Curve, initial_end: float, *, should_stop: ShouldStop | None = None
) -> list[GrowthFit]:
    """Fit all laws, the best by AICc first; see `fit_growth`.

    The constant comes first where growth is no better supported than chance allows: where more
    than `MAX_CHANCE` of flat curves that scatter like this one give as much evidence for growth,
    with all frames or without the one that speaks most for growth. One bad frame is not
    taken for growth so; several are, and so may be a level that drifts ever farther.

    Parameters
    ----------
    curve : Curve
        As for `fit_growth`.
    initial_end : float
        As for `fit_growth`, in the unit of `curve.times`.
    should_stop : callable, optional
        As for `fit_growth`.

    Returns
    -------
    list of GrowthFit
        One of each law, with their `chance`.

    Raises
    ------
    AnalysisError
        As `fit_growth`.
    """
    frames = _frames(curve, initial_end)
    fits = sorted((_fit(frames, law, should_stop) for law in LAWS), key=lambda fit: fit.aic)
    constant = next(fit for fit in fits if fit.law is CONSTANT)
    chance = _chance(frames, constant.aic - fits[0].aic, should_stop)
    rests_on = float("nan")
    if chance <= MAX_CHANCE:
        gained = np.square(constant.residuals) - np.square(fits[0].residuals)
        most = int(np.nanargmax(gained))
        fewer = _without(frames, most)
        gain = float(_gains(fewer, fewer.values[np.newaxis], should_stop)[0])
        without = _chance(fewer, gain, should_stop)
        if without > MAX_CHANCE:
            chance, rests_on = without, float(curve.times[most])
    if chance > MAX_CHANCE:
        fits.sort(key=lambda fit: fit.law is not CONSTANT)
    return [replace(fit, chance=chance, rests_on=rests_on) for fit in fits]


def _frames(curve: Curve, initial_end: float) -> _Frames:
    """Choose the frames that are known, and check that they can be fitted."""
    known = np.isfinite(curve.values)
    times, values = curve.times[known], curve.values[known]
    initial = times <= initial_end
    n_after = int(np.count_nonzero(~initial))
    if len(times) < MIN_FRAMES:
        raise AnalysisError(
            f"A growth law needs {MIN_FRAMES} analyzed frames or more, and there are "
            f"{len(times)}: analyze more of the movie, or a longer one."
        )
    if not initial.any() or n_after < MIN_AFTER:
        least, most = times[0], times[-MIN_AFTER - 1]
        raise AnalysisError(
            f"The initial interval ends at {initial_end:.4g} {curve.time_unit}, which leaves "
            f"{n_after} of {len(times)} frames for the growth: let it end between {least:.4g} "
            f"and {most:.4g} {curve.time_unit}."
        )
    if np.ptp(values) < _MIN_CHANGE:
        raise AnalysisError(
            f"The curve of {curve.name!r} is {values[0]:.4g} in all frames; there is no growth to "
            "fit."
        )
    return _Frames(curve, initial_end, known, times - initial_end, values, initial)


def _fit(frames: _Frames, law: GrowthLaw, should_stop: ShouldStop | None) -> GrowthFit:
    """Fit a law, then the curves that stand for what is not known."""
    steps = Steps(2, should_stop=should_stop)
    steps.advance()
    curve, known, values = frames.curve, frames.known, frames.values
    solver = Solver(law, frames.times, frames.initial)
    p, c, _ = solver.search(values[np.newaxis])
    residuals = solver.residuals(values, p, c)
    fitted = values - residuals[0]

    steps.advance()
    draws = curve.draws[:, known]
    phi, noise = solver.scatter.draw(
        residuals[0], solver.design(p)[0], len(draws), np.random.default_rng(0)
    )
    q, d = solver.solve(fitted + (draws - values) + noise, phi, np.repeat(p, len(draws), axis=0))
    low, high = (_spread(row, known) for row in _interval(law.growth(frames.times, q) + d[:, None]))
    solutions = zip([*p, *q], [*c, *d], strict=True)
    return GrowthFit(
        law=law,
        curve=curve,
        initial_end=frames.initial_end,
        estimates=_with_intervals(
            [_estimates(law, curve, frames.times, frames.initial_end, each) for each in solutions],
            _units(law, curve),
            _bounded(solver, np.concatenate([p, q])),
        ),
        fitted=_spread(fitted, known),
        low=low,
        high=high,
        residuals=_spread(residuals[0], known),
        aic=float(_corrected_aic(solver, residuals)[0]),
    )


def _without(frames: _Frames, index: int) -> _Frames:
    """Leave out one of the frames of the curve."""
    left = np.flatnonzero(frames.known) != index
    known = frames.known.copy()
    known[index] = False
    initial = frames.initial[left]
    initial[0] = True  # where the only one was left out
    return replace(
        frames,
        known=known,
        times=frames.times[left],
        values=frames.values[left],
        initial=initial,
    )


def _gains(frames: _Frames, curves: Float64, should_stop: ShouldStop | None) -> Float64:
    """Return how much AICc curves (n, T) gain, at best, by a law of growth over a constant."""
    steps = Steps(len(LAWS), should_stop=should_stop)
    aic = []
    for law in LAWS:
        steps.advance()
        solver = Solver(law, frames.times, frames.initial)
        p, c, _ = solver.search(curves)
        aic.append(_corrected_aic(solver, solver.residuals(curves, p, c)))
    return np.asarray(aic[LAWS.index(CONSTANT)] - np.min(aic, axis=0))


def _chance(frames: _Frames, gain: float, should_stop: ShouldStop | None) -> float:
    """Return how often a flat curve that scatters alike gains as much AICc by a law of growth."""
    if not gain > 0:
        return 1.0
    solver = Solver(CONSTANT, frames.times, frames.initial)
    p, c, _ = solver.search(frames.values[np.newaxis])
    _, flat = solver.scatter.draw(
        solver.residuals(frames.values, p, c)[0],
        solver.design(p)[0],
        _N_FLAT,
        np.random.default_rng(1),
    )
    gains = _gains(frames, flat, should_stop)
    return float((1 + np.count_nonzero(gains >= gain)) / (1 + _N_FLAT))


def _bounded(solver: Solver, solutions: Float64) -> set[str]:
    """Name the parameters of which more solutions lie at a bound than an interval leaves out.

    Parameters
    ----------
    solver : Solver
        What found them.
    solutions : numpy.ndarray, shape (n, parameters)
        The best one first.
    """
    lower, upper = solver.lower, solver.upper
    margin = _AT_BOUND * (upper - lower)
    at_bound = (solutions <= lower + margin) | (solutions >= upper - margin)
    is_bounded = at_bound[0] | (at_bound.mean(axis=0) > _TAIL / 100)
    return {name for name, bounded in zip(solver.law.units, is_bounded, strict=True) if bounded}


def _corrected_aic(solver: Solver, residuals: Float64) -> Float64:
    """Return Akaike's criterion for residuals (n, T), corrected for few values."""
    n, k = residuals.shape[1], len(solver.lower) + _MORE_UNKNOWN
    if n <= k + 1:
        return np.full(len(residuals), np.inf)
    penalty = 2 * k + 2 * k * (k + 1) / (n - k - 1)
    return np.asarray(penalty - 2 * solver.scatter.log_likelihood(residuals))


def _units(law: GrowthLaw, curve: Curve) -> dict[str, str]:
    """Name all that is estimated, with the unit of each."""
    time, area, length = curve.time_unit, curve.area_unit, curve.length_unit
    units = {name: unit.format(t=time) for name, unit in law.units.items()} | {"C": ""}
    if law is CONSTANT:
        return units
    if law is EXPONENTIAL:
        units |= {"A0, area": area, "A0, radius": length, "final rate": f"{area}/{time}"}
    return units | {"area grown": area, "its radius": length}


def _estimates(
    law: GrowthLaw, curve: Curve, times: Float64, t0: float, solution: tuple[Float64, Float64]
) -> list[float]:
    """Return the values that `_units` names."""
    p, c = solution
    values = [float(each) for each in law.report(times, p, t0)]
    if law is CONSTANT:
        return [float(c)]
    grown = curve.area * float(law.growth(times, p)[-1])
    of_exponential: list[float] = []
    if law is EXPONENTIAL:
        a0, rho = values
        of_exponential = [curve.area * a0, equivalent_radius(curve.area * a0), rho * grown]
    return [*values, float(c), *of_exponential, grown, equivalent_radius(grown)]


def _with_intervals(
    rows: list[list[float]], units: dict[str, str], bounded: set[str]
) -> dict[str, Estimate]:
    """Make estimates of values, of which the first row is the best and the others are drawn."""
    best, drawn = rows[0], rows[1:]
    low, high = _interval(drawn)
    numbers = zip(best, low.tolist(), high.tolist(), strict=True)
    estimates = {
        name: Estimate(*each, unit, name in bounded)
        for (name, unit), each in zip(units.items(), numbers, strict=True)
    }
    c = estimates["C"]
    is_fraction = c.low >= -_BEYOND and c.high <= 1 + _BEYOND
    return estimates | {"C": replace(c, at_bound=not is_fraction)}


def _interval(drawn: list[list[float]] | Float64) -> Float64:
    """Return the ends of the 95 % intervals, shape (2, ...)."""
    return np.asarray(np.percentile(drawn, [_TAIL, 100 - _TAIL], axis=0))


def _spread(values: Float64, known: NDArray[np.bool_]) -> Float64:
    """Put values of the known frames among all frames."""
    spread = np.full(len(known), np.nan)
    spread[known] = values
    return spread
