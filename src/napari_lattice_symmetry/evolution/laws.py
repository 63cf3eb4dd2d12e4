"""Laws by which a phase grows on top of a constant level C.

Times are counted from the end of the initial interval, t0: only there do they mean the same to
a law as to whoever looks at the curve, wherever in its file the movie begins. The A0 of an
exponential is the growth at the first frame, t1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class GrowthLaw:
    """A law of growth.

    Attributes
    ----------
    name : str
        What it is called.
    formula : str
        How it is written, with C.
    units : dict of str to str
        Its parameters beside C, and the unit of each, in which {t} stands for that of time.
    growth : callable
        ``growth(times, p)``: the growth at these times, shape (..., T), with the parameters
        (..., k) as they are fitted. Times are counted from t0 here and below.
    guesses : callable
        ``guesses(times, growth)``: starts for the fit, from growth (T,) that is known roughly; of
        many curves (T, n) every start is a list of numbers and of arrays (n,).
    bounds : callable
        ``bounds(times)``: the least and the greatest values of the parameters.
    report : callable
        ``report(times, p, t0)``: the parameters as they are written, from those that are fitted.
    """

    name: str
    formula: str
    units: dict[str, str]
    growth: Callable[[Float64, Float64], Float64]
    guesses: Callable[[Float64, Float64], list[list[Any]]]
    bounds: Callable[[Float64], tuple[list[float], list[float]]]
    report: Callable[[Float64, Float64, float], Float64] = lambda times, p, t0: p


def _columns(p: Float64) -> Float64:
    """Return the parameters (..., k) one by one, each with an axis for the times."""
    return np.moveaxis(p, -1, 0)[..., np.newaxis]


def _exponential(times: Float64, p: Float64) -> Float64:
    last, rho = _columns(p)  # the growth by the last frame is known far better than A0
    return np.asarray(last * np.exp(rho * (times - times[-1])))


def _logistic(times: Float64, p: Float64) -> Float64:
    plateau, rho, half = _columns(p)
    return np.asarray(plateau / (1 + np.exp(np.clip(-rho * (times - half), -700, 700))))


def _avrami(times: Float64, p: Float64) -> Float64:
    plateau, tau, n = _columns(p)
    return np.asarray(-plateau * np.expm1(-((np.maximum(times, 0) / tau) ** n)))


EXPONENTIAL = GrowthLaw(
    name="exponential",
    formula="A0 exp(rho (t - t1)) + C",
    units={"A0": "", "rho": "1/{t}"},
    growth=_exponential,
    guesses=lambda t, y: [[y[-1], k / np.ptp(t)] for k in (1.0, 4.0, 10.0)],
    bounds=lambda t: ([-1.0, 0.0], [1.0, 100 / np.ptp(t)]),
    # At the first frame, t1: at the time 0 of a movie that begins late there is nothing to see.
    report=lambda t, p, t0: np.array([p[0] * np.exp(-p[1] * (t[-1] - t[0])), p[1]]),
)
LOGISTIC = GrowthLaw(
    name="logistic",
    formula="K / (1 + exp(-rho (t - t_half))) + C",
    units={"K": "", "rho": "1/{t}", "t_half": "{t}"},
    growth=_logistic,
    guesses=lambda t, y: [
        [k * y[-1], 8 / np.ptp(t), t[0] + place * np.ptp(t)] for k, place in ((1, 0.5), (2, 1.0))
    ],
    bounds=lambda t: ([-1.0, 0.0, t[0] - np.ptp(t)], [1.0, 100 / np.ptp(t), t[-1] + np.ptp(t)]),
    report=lambda t, p, t0: p + np.array([0, 0, t0]),
)
AVRAMI = GrowthLaw(
    name="Avrami (JMAK)",
    formula="K (1 - exp(-((t - t0) / tau)^n)) + C",
    units={"K": "", "tau": "{t}", "n": ""},
    growth=_avrami,
    guesses=lambda t, y: [
        [k * y[-1], place * t[-1], n] for k, place in ((1, 0.7), (2, 1.0)) for n in (2.0, 8.0)
    ],
    bounds=lambda t: ([-1.0, 1e-3 * t[-1], 0.2], [1.0, 5 * t[-1], 30.0]),
)
CONSTANT = GrowthLaw(
    name="constant",
    formula="C",
    units={},
    growth=lambda times, p: np.zeros((*p.shape[:-1], len(times))),
    guesses=lambda t, y: [[]],
    bounds=lambda t: ([], []),
)
LAWS = (EXPONENTIAL, LOGISTIC, AVRAMI, CONSTANT)
