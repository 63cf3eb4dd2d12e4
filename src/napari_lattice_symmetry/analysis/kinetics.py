"""How fast a phase grows: laws fitted to a curve, with intervals, and weighed by AIC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from napari_lattice_symmetry.analysis.growth_laws import EXPONENTIAL, LAWS, GrowthLaw
from napari_lattice_symmetry.analysis.steps import ShouldStop, Steps
from napari_lattice_symmetry.errors import AnalysisError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_lattice_symmetry.analysis.evolution import Curve

    Float64 = NDArray[np.float64]

FEWEST_AFTER = 5
"""How many frames there must be after the initial interval."""

_TAIL = 2.5  # percent below and above a 95 % interval


@dataclass(frozen=True)
class Estimate:
    """A number, its 95 % interval, and its unit."""

    value: float
    low: float
    high: float
    unit: str = ""


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
        exponential, A0 as an area and the rate of growth at the last frame.
    fitted, low, high : numpy.ndarray, shape (T,), float64
        The law at the times of the curve, and its 95 % band; NaN where the curve is.
    residuals : numpy.ndarray, shape (T,), float64
        Curve less law.
    aic : float
        Akaike's information criterion, over the frames after the initial interval.
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
        If there are too few frames in the interval or after it; a `StoppedError` once
        `should_stop` says True.
    """
    known = np.isfinite(curve.values)
    times, values = curve.times[known], curve.values[known]
    initial = times <= initial_end
    n_after = np.count_nonzero(~initial)
    if not initial.any() or n_after < FEWEST_AFTER:
        raise AnalysisError(
            f"The initial interval ends at {initial_end:.4g} {curve.time_unit}; it must hold a "
            f"frame and leave {FEWEST_AFTER} after it, of the {len(times)} that are analysed."
        )
    solver = _Solver(law, times, initial)
    growth = values[~initial] - values[initial].mean()
    p, c, rss = min(
        (solver.solve(values, start) for start in law.guesses(times[~initial], growth)),
        key=lambda solution: solution[2],
    )
    fitted = c + law.growth(times, p)
    residuals = values - fitted

    rng = np.random.default_rng(0)
    estimates, curves = [_estimates(law, curve, times, p, c)], []
    steps = Steps(len(curve.draws), should_stop=should_stop)
    for draw in curve.draws[:, known]:
        steps.advance()
        scattered = fitted + (draw - values) + _deal(residuals, initial, rng)
        q, d, _ = solver.solve(scattered, p)
        estimates.append(_estimates(law, curve, times, q, d))
        curves.append(d + law.growth(times, q))
    low, high = (_spread(row, known) for row in _interval(curves))
    return GrowthFit(
        law=law,
        curve=curve,
        initial_end=initial_end,
        estimates=_with_intervals(estimates, _units(law, curve)),
        fitted=_spread(fitted, known),
        low=low,
        high=high,
        residuals=_spread(residuals, known),
        aic=n_after * float(np.log(max(rss / n_after, 1e-30))) + 2 * len(p),
    )


def compare_laws(
    curve: Curve, initial_end: float, *, should_stop: ShouldStop | None = None
) -> list[GrowthFit]:
    """Fit all laws, the best by AIC first; see `fit_growth`."""
    fits = [fit_growth(curve, initial_end, law, should_stop=should_stop) for law in LAWS]
    return sorted(fits, key=lambda fit: fit.aic)


def akaike_weights(fits: Sequence[GrowthFit]) -> Float64:
    """Give the share of the evidence that speaks for each of some fits to the same curve."""
    aic = np.array([fit.aic for fit in fits])
    evidence = np.exp(-(aic - aic.min()) / 2)
    return np.asarray(evidence / evidence.sum())


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
        inside = np.clip(start, lower + 1e-9, upper - 1e-9)
        solution = least_squares(misfit, inside, bounds=self.bounds, x_scale="jac")
        c = (values - self.law.growth(self.times, solution.x))[self.initial].mean()
        return solution.x, float(c), 2 * float(solution.cost)


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
    if law is EXPONENTIAL:
        units |= {"A0, area": area, "A0, radius": length, "rate at the end": f"{area}/{time}"}
    return units | {"grown by the end": area, "its radius": length}


def _estimates(law: GrowthLaw, curve: Curve, times: Float64, p: Float64, c: float) -> list[float]:
    """Give the values that `_units` names."""
    values = [float(each) for each in law.report(times, p)]
    grown = curve.area * float(law.growth(times, p)[-1])
    of_exponential: list[float] = []
    if law is EXPONENTIAL:
        a0, rho = values
        of_exponential = [curve.area * a0, equivalent_radius(curve.area * a0), rho * grown]
    return [*values, c, *of_exponential, grown, equivalent_radius(grown)]


def _with_intervals(rows: list[list[float]], units: dict[str, str]) -> dict[str, Estimate]:
    """Make estimates of values, of which the first row is the best and the others are drawn."""
    best, drawn = rows[0], rows[1:]
    low, high = _interval(drawn)
    numbers = zip(best, low.tolist(), high.tolist(), strict=True)
    return {
        name: Estimate(*each, unit)
        for (name, unit), each in zip(units.items(), numbers, strict=True)
    }


def _interval(drawn: list[list[float]] | list[Float64]) -> Float64:
    """Give the ends of the 95 % intervals, shape (2, ...)."""
    return np.asarray(np.percentile(drawn, [_TAIL, 100 - _TAIL], axis=0))


def _spread(values: Float64, known: NDArray[np.bool_]) -> Float64:
    """Put values of the known frames among all frames."""
    spread = np.full(len(known), np.nan)
    spread[known] = values
    return spread
