"""What a fit tells of growth: estimates with intervals, evidence, and what is to be doubted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.evolution.curves import Curve
from napari_lattice_symmetry.evolution.laws import GrowthLaw

Float64 = NDArray[np.float64]

MAX_CHANCE = 0.02
"""Growth that chance gives more often is not claimed."""


@dataclass(frozen=True)
class Estimate:
    """A number, its 95 % interval, and its unit.

    Attributes
    ----------
    value, low, high : float
        The estimate, and the ends of the interval.
    unit : str
        Empty for fractions and powers.
    at_bound : bool
        The interval ends at the edge of what was searched, or beyond what a fraction can be:
        then it is no interval of confidence.
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
        Akaike's information criterion with the correction for few frames (AICc); infinite if
        these are too few for the law.
    chance : float
        Share of flat curves that scatter alike in which any law gives as much evidence for
        growth as here; NaN where laws are not compared.
    rests_on : float
        Time of the frame without which chance gives as much evidence too often, and on which
        growth would rest alone: then `chance` is that without it. NaN where there is none.
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
    chance: float = float("nan")
    rests_on: float = float("nan")


def akaike_weights(fits: Sequence[GrowthFit]) -> Float64:
    """Return the share of the evidence that speaks for each of some fits to the same curve.

    Parameters
    ----------
    fits : sequence of GrowthFit
        As of `compare_laws`.

    Returns
    -------
    numpy.ndarray, shape (n,), float64
        One in sum.
    """
    aic = np.array([fit.aic for fit in fits])
    evidence = np.exp(-(aic - aic.min()) / 2)
    return np.asarray(evidence / evidence.sum())


def remark(fits: Sequence[GrowthFit], shown: GrowthFit) -> str:
    """Say what is to be doubted in one of the fits of `compare_laws`.

    Parameters
    ----------
    fits : sequence of GrowthFit
        All of them.
    shown : GrowthFit
        The one that is asked about.

    Returns
    -------
    str
        Sentences, mostly none.
    """
    if shown.chance > MAX_CHANCE:
        time = f"{shown.rests_on:.4g} {shown.curve.time_unit}"
        without = "" if np.isnan(shown.rests_on) else f"without the frame at {time}, "
        return (
            f"Nothing grows measurably: {without}{shown.chance:.0%} of flat curves that scatter "
            "alike give as much evidence for growth."
        )
    bounded = [name for name, each in shown.estimates.items() if each.at_bound and name != "C"]
    said = []
    if bounded:
        said.append(
            f"The curve does not tell {' and '.join(bounded)}: the interval ends where the search "
            "does."
        )
    if shown.estimates["C"].at_bound:
        said.append("The curve does not tell C: its interval holds what no fraction can be.")
    return " ".join(said)


def equivalent_radius(area: float) -> float:
    """Return the radius of a disc of an area.

    Parameters
    ----------
    area : float
        In the square of any unit; negative where a phase shrinks.

    Returns
    -------
    float
        In that unit, with the sign of the area.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> round(nls.evolution.equivalent_radius(-12.566), 3)
    -2.0
    """
    return float(np.copysign(np.sqrt(abs(area) / np.pi), area))
