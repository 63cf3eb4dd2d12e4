"""How fast a phase grows: laws fitted to a curve, with intervals, and weighed by AICc."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from napari_lattice_symmetry.analysis.steps import ShouldStop, Steps
from napari_lattice_symmetry.errors import AnalysisError
from napari_lattice_symmetry.evolution.laws import CONSTANT, EXPONENTIAL, LAWS, GrowthLaw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_lattice_symmetry.evolution.curves import Curve

    Float64 = NDArray[np.float64]

MIN_AFTER = 5
"""How many frames there must be after the initial interval."""

_TAIL = 2.5  # percent below and above a 95 % interval
_MIN_CHANGE = 1e-9  # a curve that changes less is the same in all frames, but for rounding
_AT_BOUND = 1e-3  # of what is searched: so close to its edge a solution is at a bound
_NOT_RULED_OUT = 0.05  # of the evidence for the best law; flat noise has less once in fifty times
_BEYOND = 0.05  # so far beyond 0 and 1 a level is no scatter any more


@dataclass(frozen=True)
class Estimate:
    """A number, its 95 % interval, and its unit.

    Where `at_bound`, the interval ends at the edge of what was searched, or beyond what a
    fraction can be: then it is no interval of confidence.
    """

    value: float
    low: float
    high: float
    unit: str = ""
    at_bound: bool = False


@dataclass(frozen=True, eq=False)
class GrowthFit:
    """A growth law fitted to a curve.

    Attributes
    ----------
    law : GrowthLaw
        What was fitted.
    curve : Curve
        What it was fitted to.
    initial_end : float
        Where the interval ends that C is the level of.
    estimates : dict of str to Estimate
        The parameters of the law, C, and what follows from them: areas, radii and, of an
        exponential, A0 as an area and the rate of growth at the last frame. Of a constant C
        alone.
    fitted, low, high : numpy.ndarray, shape (T,), float64
        The law at the times of the curve, and its 95 % band; NaN where the curve is.
    residuals : numpy.ndarray, shape (T,), float64
        Curve less law.
    aic : float
        Akaike's information criterion with the correction for few frames (AICc), over the
        frames after the initial interval; infinite if these are too few for the law.
    """

    law: GrowthLaw
    curve: Curve
    initial_end: float
    estimates: dict[str, Estimate]
    fitted: Float64
    low: Float64
    high: Float64
    residuals: Float64
    aic: float


def fit_growth(
    curve: Curve,
    initial_end: float,
    law: GrowthLaw = EXPONENTIAL,
    *,
    should_stop: ShouldStop | None = None,
) -> GrowthFit:
    """Fit a growth law: C from an initial interval, the other parameters after it.

    C is the mean of the curve in the interval, less the little that has grown by then; the other
    parameters follow by least squares. The intervals come from fits to as many curves as there
    are `curve.draws` (what the thinned networks leave open), each with the residuals dealt out
    anew (what the frames scatter, taken to be independent of each other).

    Parameters
    ----------
    curve : Curve
        What grows, or shrinks; frames that are not known are left out.
    initial_end : float
        Where the initial interval ends, in the unit of `curve.times`.
    law : GrowthLaw
        One of `LAWS`.
    should_stop : callable, optional
        Asked before every draw.

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
    known = np.isfinite(curve.values)
    times, values = curve.times[known], curve.values[known]
    initial = times <= initial_end
    n_after = int(np.count_nonzero(~initial))
    if len(times) <= MIN_AFTER:
        raise AnalysisError(
            f"A growth law needs {MIN_AFTER + 1} analyzed frames or more, and there are "
            f"{len(times)}: analyze more of the movie, or a longer one."
        )
    if not initial.any() or n_after < MIN_AFTER:
        least, most = times[0], times[-MIN_AFTER - 1]
        raise AnalysisError(
            f"C is taken until {initial_end:.4g} {curve.time_unit}, which leaves {n_after} of "
            f"{len(times)} frames for the growth: let it end between {least:.4g} and "
            f"{most:.4g} {curve.time_unit}."
        )
    if np.ptp(values) < _MIN_CHANGE:
        raise AnalysisError(
            f"The curve of {curve.name!r} is {values[0]:.4g} in all frames; there is no growth to "
            "fit."
        )
    times = times - initial_end
    solver = _Solver(law, times, initial)
    growth = values[~initial] - values[initial].mean()
    p, c, rss = min(
        (solver.solve(values, start) for start in law.guesses(times[~initial], growth)),
        key=lambda solution: solution[2],
    )
    fitted = c + law.growth(times, p)
    residuals = values - fitted

    rng = np.random.default_rng(0)
    solutions, curves = [(p, c)], []
    steps = Steps(len(curve.draws), should_stop=should_stop)
    for draw in curve.draws[:, known]:
        steps.advance()
        scattered = fitted + (draw - values) + _deal(residuals, initial, rng)
        q, d, _ = solver.solve(scattered, p)
        solutions.append((q, d))
        curves.append(d + law.growth(times, q))
    low, high = (_spread(row, known) for row in _interval(curves))
    return GrowthFit(
        law=law,
        curve=curve,
        initial_end=initial_end,
        estimates=_with_intervals(
            [_estimates(law, curve, times, initial_end, each) for each in solutions],
            _units(law, curve),
            solver.bounded(np.array([q for q, _ in solutions])),
        ),
        fitted=_spread(fitted, known),
        low=low,
        high=high,
        residuals=_spread(residuals, known),
        aic=_corrected_aic(rss, n_after, len(p) + 1),  # the scatter is estimated, too
    )


def compare_laws(
    curve: Curve, initial_end: float, *, should_stop: ShouldStop | None = None
) -> list[GrowthFit]:
    """Fit all laws, the best by AICc first; see `fit_growth`."""
    fits = [fit_growth(curve, initial_end, law, should_stop=should_stop) for law in LAWS]
    return sorted(fits, key=lambda fit: fit.aic)


def akaike_weights(fits: Sequence[GrowthFit]) -> Float64:
    """Give the share of the evidence that speaks for each of some fits to the same curve."""
    aic = np.array([fit.aic for fit in fits])
    evidence = np.exp(-(aic - aic.min()) / 2)
    return np.asarray(evidence / evidence.sum())


def remark(fits: Sequence[GrowthFit], shown: GrowthFit) -> str:
    """Say in a sentence what is to be doubted in one of the fits of all laws; mostly nothing."""
    constant = [fit.law for fit in fits].index(CONSTANT)
    weights = akaike_weights(fits)
    if weights[constant] > _NOT_RULED_OUT * weights.max():
        return (
            "Nothing grows measurably: the evidence does not rule out a constant "
            f"({weights[constant]:.0%})."
        )
    bounded = [name for name, estimate in shown.estimates.items() if estimate.at_bound]
    if bounded:
        return (
            f"The curve does not tell {' and '.join(bounded)}: the interval ends where the search "
            "does."
        )
    return ""


def equivalent_radius(area: float) -> float:
    """Give the radius of a disc of this area; negative, as the area, where a phase shrinks."""
    return float(np.copysign(np.sqrt(abs(area) / np.pi), area))


class _Solver:
    """Least squares for one law at given times."""

    def __init__(self, law: GrowthLaw, times: Float64, initial: NDArray[np.bool_]) -> None:
        self.law, self.times, self.initial = law, times, initial
        lower, upper = law.bounds(times)
        self.bounds = np.array(lower), np.array(upper)

    def solve(self, values: Float64, start: Float64 | list[float]) -> tuple[Float64, float, float]:
        """Find the parameters, C, and the sum of squares after the initial interval."""

        def misfit(p: Float64) -> Float64:
            above = values - self.law.growth(self.times, p)
            return np.asarray((above - above[self.initial].mean())[~self.initial])

        lower, upper = self.bounds
        p = np.clip(start, lower + 1e-9, upper - 1e-9)
        if p.size:
            p = least_squares(misfit, p, bounds=self.bounds, x_scale="jac").x
        c = (values - self.law.growth(self.times, p))[self.initial].mean()
        return p, float(c), float(np.square(misfit(p)).sum())

    def bounded(self, solutions: Float64) -> set[str]:
        """Name the parameters of which more solutions lie at a bound than an interval leaves out.

        Parameters
        ----------
        solutions : numpy.ndarray, shape (n, parameters)
        """
        lower, upper = self.bounds
        margin = _AT_BOUND * (upper - lower)
        at_bound = (solutions <= lower + margin) | (solutions >= upper - margin)
        shares = at_bound.mean(axis=0)
        is_bounded = at_bound[0] | (shares > _TAIL / 100)
        return {name for name, bounded in zip(self.law.units, is_bounded, strict=True) if bounded}


def _corrected_aic(rss: float, n: int, k: int) -> float:
    """Give Akaike's criterion for least squares, corrected for few values."""
    if n <= k + 1:
        return np.inf
    return n * float(np.log(max(rss / n, 1e-30))) + 2 * k + 2 * k * (k + 1) / (n - k - 1)


def _deal(residuals: Float64, initial: NDArray[np.bool_], rng: np.random.Generator) -> Float64:
    """Deal residuals out anew, within the initial interval and after it."""
    dealt = np.empty_like(residuals)
    for part in (initial, ~initial):
        dealt[part] = rng.choice(residuals[part] - residuals[part].mean(), size=part.sum())
    return dealt


def _units(law: GrowthLaw, curve: Curve) -> dict[str, str]:
    """Name all that is estimated, with the unit of each."""
    time, area, length = curve.time_unit, curve.area_unit, curve.length_unit
    units = {name: unit.format(t=time) for name, unit in law.units.items()} | {"C": ""}
    if law is CONSTANT:
        return units
    if law is EXPONENTIAL:
        units |= {"A0, area": area, "A0, radius": length, "rate at the end": f"{area}/{time}"}
    return units | {"grown by the end": area, "its radius": length}


def _estimates(
    law: GrowthLaw, curve: Curve, times: Float64, t0: float, solution: tuple[Float64, float]
) -> list[float]:
    """Give the values that `_units` names."""
    p, c = solution
    values = [float(each) for each in law.report(times, p, t0)]
    if law is CONSTANT:
        return [c]
    grown = curve.area * float(law.growth(times, p)[-1])
    of_exponential: list[float] = []
    if law is EXPONENTIAL:
        a0, rho = values
        of_exponential = [curve.area * a0, equivalent_radius(curve.area * a0), rho * grown]
    return [*values, c, *of_exponential, grown, equivalent_radius(grown)]


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


def _interval(drawn: list[list[float]] | list[Float64]) -> Float64:
    """Give the ends of the 95 % intervals, shape (2, ...)."""
    return np.asarray(np.percentile(drawn, [_TAIL, 100 - _TAIL], axis=0))


def _spread(values: Float64, known: NDArray[np.bool_]) -> Float64:
    """Put values of the known frames among all frames."""
    spread = np.full(len(known), np.nan)
    spread[known] = values
    return spread
