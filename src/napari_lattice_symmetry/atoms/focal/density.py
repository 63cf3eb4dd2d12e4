"""How many vacancies an area holds, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from napari_lattice_symmetry.atoms.table import Atoms
from napari_lattice_symmetry.errors import InputError

Float = NDArray[np.float64]

LEVEL = 0.95
"""Probability that an interval holds what would be found in an endless area, if not told."""


@dataclass(frozen=True, eq=False)
class VacancyDensity:
    """Vacancies an area, of each series.

    Parameters
    ----------
    count : ndarray of int, shape (t,)
        Columns that are named a vacancy.
    expected : ndarray, shape (t,)
        Sum of their confidences: how many of them are right, on average.
    density, low, high : ndarray, shape (t,)
        Count over area in 1/nm2, and the ends of its interval.
    area : float
        That is seen, in nm2; holes and what lies beyond an edge are part of it.
    level : float
        Of the interval.
    """

    count: NDArray[np.int64]
    expected: Float
    density: Float
    low: Float
    high: Float
    area: float
    level: float

    def describe(self, series: int = 0) -> str:
        """Say the density of one series with its interval."""
        value, low, high = (each[series] for each in (self.density, self.low, self.high))
        return f"{value:.3g} vacancies/nm² ({low:.3g} to {high:.3g}, {self.level:.0%})"


def vacancies(atoms: Atoms) -> Atoms:
    """Return the columns that lack a chalcogen, as a table of their own.

    Parameters
    ----------
    atoms : Atoms
        Of `find_columns`.

    Returns
    -------
    Atoms
        Such as all with the label S.

    Raises
    ------
    InputError
        If the atoms are no named columns.
    """
    single = list(atoms.more)[-1].removeprefix("p ") if atoms.more else ""
    if f"p {single}" not in atoms.more:
        raise InputError(
            f"{atoms.name}: these atoms are no named columns; find them by nls.atoms.find_columns."
        )
    return atoms[atoms.label == single]


def vacancy_density(
    atoms: Atoms, shape: Sequence[int], *, series: int | None = None, level: float = LEVEL
) -> VacancyDensity:
    """Return how many vacancies an area holds, of each series.

    Vacancies that do not know of each other are counts of a Poisson process, whose exact interval
    (F. Garwood, Biometrika 28, 437 (1936)) of n counts in an area A is that of

    ``low = P^-1(n, (1 - level) / 2) / A, high = P^-1(n + 1, (1 + level) / 2) / A``

    with the inverse P^-1 of the regularized incomplete gamma function. It holds what chance does to
    the count; names that are wrong and vacancies that were missed are not in it: compare ``count``
    with ``expected``.

    Parameters
    ----------
    atoms : Atoms
        Of `find_columns`.
    shape : (int, int)
        Y and X of an image in pixels.
    series : int, optional
        How many there are; up to the last with a column if not given.
    level : float
        Of the interval.

    Returns
    -------
    VacancyDensity

    Raises
    ------
    InputError
        If the atoms are no named columns, or their pixel size is not known.

    Examples
    --------
    >>> shares = {"p Mo": np.zeros(4), "p 2S": np.zeros(4), "p S": np.ones(4)}
    >>> known = {"label": np.full(4, "S"), "pixel_size": (0.02, 0.02), "more": shares}
    >>> found = nls.atoms.Atoms.at([5, 9, 12, 40], [3, 30, 8, 17], **known)
    >>> nls.atoms.vacancy_density(found, (50, 50)).describe()
    '4 vacancies/nm² (1.09 to 10.2, 95%)'
    """
    if atoms.pixel_size is None:
        raise InputError(f"{atoms.name}: a density needs the pixel size, which is not known.")
    if not 0 < level < 1:
        raise InputError(f"A level of {level:g} is none of an interval; give one between 0 and 1.")
    there = vacancies(atoms)
    n = int(atoms.frame.max(initial=0)) + 1 if series is None else series
    count = np.bincount(there.frame, minlength=n)
    confident = np.bincount(there.frame, there.confidence, minlength=n)
    expected = np.asarray(confident, np.float64)
    area = float(np.prod(shape[-2:]) * np.prod(atoms.pixel_size))
    least = np.asarray(gammaincinv(np.maximum(count, 1), (1 - level) / 2), np.float64)
    high = np.asarray(gammaincinv(count + 1, (1 + level) / 2) / area, np.float64)
    low = np.where(count > 0, least, 0.0) / area
    numbers = np.asarray(count, np.int64)
    return VacancyDensity(numbers, expected, count / area, low, high, area, level)
