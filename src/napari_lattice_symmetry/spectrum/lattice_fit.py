"""What a lattice fit says: the metric with its errors, its symmetry, or why there is none."""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.data.movie import unit_name
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.lattice.basis import cell_area, lattice_parameters, symmetry_distances
from napari_lattice_symmetry.lattice.metric import metric_class, nearest_higher
from napari_lattice_symmetry.spectrum.amplitude import MAX_NAN_SHARE

Float = NDArray[np.float64]

MIN_PERIODS, MAX_PERIODS = 5, 25
"""How many lattice periods a window should hold."""

MIN_SAMPLING = 3.0
"""Pixels that a lattice period needs."""

TOLERANCE = 0.04
"""Distance from a symmetry within which a metric is named after it."""

MAX_TOLERANCE = 0.2
"""The greatest such distance that can be asked for."""

SYMMETRIES = ("square", "rectangular", "centered rectangular", "hexagonal")
"""Symmetries to which distances are measured, in this order."""


class Flag(enum.IntFlag):
    """What there is to say of a fit."""

    MISSING_PIXELS = 1
    NO_SPOTS = 2
    ONE_DIRECTION = 4
    NO_COMMON_LATTICE = 8
    FEW_PERIODS = 16
    COARSE_SAMPLING = 32
    MANY_PERIODS = 64
    TWO_LATTICES = 128
    SUPERLATTICE = 256


UNRESOLVED = (
    Flag.MISSING_PIXELS
    | Flag.NO_SPOTS
    | Flag.ONE_DIRECTION
    | Flag.NO_COMMON_LATTICE
    | Flag.FEW_PERIODS
    | Flag.COARSE_SAMPLING
)
"""Flags of windows without an answer; those with other flags have one all the same."""

SENTENCES = {
    Flag.MISSING_PIXELS: f"more than {MAX_NAN_SHARE:.0%} of the pixels are missing or padding",
    Flag.NO_SPOTS: "no two spots stand out of the noise",
    Flag.ONE_DIRECTION: "all spots lie on one line, as those of fringes do",
    Flag.NO_COMMON_LATTICE: "the spots lie on no common lattice",
    Flag.FEW_PERIODS: f"{{periods:.1f}} periods in the window, fewer than {MIN_PERIODS}",
    Flag.COARSE_SAMPLING: f"{{sampling:.1f}} px a period, fewer than {MIN_SAMPLING:g}",
    Flag.MANY_PERIODS: f"{{periods:.1f}} periods in the window, more than {MAX_PERIODS}",
    Flag.TWO_LATTICES: "a second lattice in the window",
    Flag.SUPERLATTICE: "{others} for a {size} cell, {cell}",
}
"""What each flag says."""


def words_of_cells(basis: Float, other: Float, unit: str, tolerance: float) -> dict[str, str]:
    """Describe the other cell of a superlattice, reduced like the own one, for `SENTENCES`."""
    larger = cell_area(other) > cell_area(basis)
    a, b, gamma = lattice_parameters(other)
    name = metric_class(symmetry_distances(other), tolerance)
    return {
        "others": "weak spots speak" if larger else "the strong spots alone speak",
        "size": "larger" if larger else "smaller",
        "cell": f"{name}, {a:.3g} x {b:.3g} {unit_name(unit)}, {gamma:.1f}°",
    }


@dataclass(frozen=True, eq=False)
class LatticeFit:
    """The lattice fitted to one window.

    Parameters
    ----------
    a, b, gamma : float
        Reduced cell: a <= b in `unit`, gamma of 60 to 90 degrees. NaN if not resolved, as all
        that follows from them.
    orientation : float
        Direction of a in degrees from x towards y, from 0 up to the least turn that brings the
        lattice back onto itself (90 for square, 60 for hexagonal, else 180). For a centered
        rectangle the direction of the shorter side of the conventional cell.
    a_error, b_error, gamma_error, orientation_error : float
        Standard errors.
    basis : ndarray, shape (2, 2)
        Reduced lattice vectors (x, y) in rows, in `unit`.
    other_basis : ndarray, shape (2, 2)
        With the flag ``SUPERLATTICE`` reduced vectors of the other cell: the larger one if weak
        spots lie between those that were fitted, the smaller one if nearly all of the power is in
        the spots of that; else NaN.
    covariance : ndarray, shape (4, 4)
        Of the errors of the basis, in the order ax, ay, bx, by, in the square of `unit`.
    label : int
        Label value of the highest symmetry within `tolerance` of the metric; 0 if not resolved.
    distances : ndarray, shape (4,)
        Distance to each of `SYMMETRIES` in percent, as `symmetry_distances` measures it.
    quality : float
        Share of the strength of all spots that the lattice explains, 0 to 1.
    peaks : int
        Number of spots on the lattice, a spot and its mirror image counted once.
    clearest, off_line, score : float
        What speaks for it: the weight of the clearest spot, that of all spots on the lattice but
        not on one line with that spot, and the logarithm of the odds against chance.
    periods : float
        How often the shortest lattice vector fits into the side of the window.
    sampling : float
        Pixels a shortest lattice vector.
    flags : int
        `Flag` values, added.
    unit : {"nm", "pixel"}
        Unit of all lengths.
    tolerance : float
        Distance within which a symmetry is named, as a fraction.
    """

    a: float
    b: float
    gamma: float
    orientation: float
    a_error: float
    b_error: float
    gamma_error: float
    orientation_error: float
    basis: Float
    other_basis: Float
    covariance: Float
    label: int
    distances: Float
    quality: float
    peaks: int
    clearest: float
    off_line: float
    score: float
    periods: float
    sampling: float
    flags: int
    unit: str
    tolerance: float

    @property
    def resolved(self) -> bool:
        """Whether there is an answer."""
        return not self.flags & UNRESOLVED

    @property
    def lattice(self) -> str | None:
        """Name of the class of the metric; None if not resolved."""
        return CLASSES[self.label - 1] if self.resolved else None

    @property
    def remarks(self) -> str:
        """What the flags say: why there is no answer, or what to mind; empty if nothing."""
        said = [
            sentence.format(periods=self.periods, sampling=self.sampling, **self._other_cell())
            for flag, sentence in SENTENCES.items()
            if self.flags & flag
        ]
        text = "; ".join(said)
        return text if self.resolved else f"not resolved: {text}"

    def _other_cell(self) -> dict[str, str]:
        """Describe the other cell, for `SENTENCES`."""
        if not self.flags & Flag.SUPERLATTICE:
            return {}
        return words_of_cells(self.basis, self.other_basis, self.unit, self.tolerance)

    @property
    def nearest_higher(self) -> tuple[str, float] | None:
        """Nearest symmetry above that of the class and the distortion from it in percent.

        None for a square or hexagonal lattice, and if not resolved.
        """
        if self.lattice is None:
            return None
        distances = dict(zip(SYMMETRIES, self.distances.tolist(), strict=True))
        name = nearest_higher(self.lattice, distances)
        return None if name is None else (name, distances[name])


@dataclass(frozen=True, eq=False)
class LatticeFits:
    """The lattices fitted to many windows: every field of `LatticeFit` as an array.

    The shape of an array is that of the windows, without their two axes, before that of the
    field. ``fits[index]`` is one `LatticeFit`.
    """

    a: Float
    b: Float
    gamma: Float
    orientation: Float
    a_error: Float
    b_error: Float
    gamma_error: Float
    orientation_error: Float
    basis: Float
    other_basis: Float
    covariance: Float
    label: NDArray[np.uint8]
    distances: Float
    quality: Float
    peaks: NDArray[np.intp]
    clearest: Float
    off_line: Float
    score: Float
    periods: Float
    sampling: Float
    flags: NDArray[np.int64]
    unit: str
    tolerance: float

    @property
    def resolved(self) -> NDArray[np.bool_]:
        """Where there is an answer."""
        return np.asarray((self.flags & UNRESOLVED) == 0)

    def __getitem__(self, index: Any) -> LatticeFit:
        values = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value = value[index]
                value = value.item() if value.ndim == 0 else value
            values[field.name] = value
        return LatticeFit(**values)
