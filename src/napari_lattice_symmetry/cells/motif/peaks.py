"""All peaks of a cell at once: Gaussians in the symmetry of its plane group.

Of each peak by itself the tails of its neighbors move the maximum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from napari_lattice_symmetry.cells.factors import rotated_nodes
from napari_lattice_symmetry.cells.transform import HALF, NODES
from napari_lattice_symmetry.lattice.basis import cell_area
from napari_lattice_symmetry.lattice.plane_groups import Site, standard_operations

if TYPE_CHECKING:
    from napari_lattice_symmetry.cells.unit_cell import UnitCell

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

_GRID = 48  # points along a side, on which noise is told from place to place
_WORTH = 4.0  # what a width of its own has to take off the sum of squares, in units of it
_WIDTHS = np.geomspace(0.02, 0.4, 25)  # to begin with, as shares of the side of a primitive cell
_MIN_HEIGHT = 0.05  # height to begin with, as a share of the highest
_WIDER = 3.0  # times the width at first, beyond which it is none
_PRECISION = 1e-10


@dataclass(frozen=True, eq=False)
class Start:
    """A peak that symmetry repeats, before the fit.

    Parameters
    ----------
    site : Site
        Its Wyckoff position.
    place : ndarray, shape (2,)
        Fractions of the conventional cell, on `site`.
    height : float
        Above the lowest point.
    number : float
        How many there are in a primitive cell.
    """

    site: Site
    place: Float
    height: float
    number: float

    @property
    def free(self) -> Float:
        """Directions (2, k) that the position leaves free."""
        return np.asarray(self.site.matrix[:, self.site.matrix.any(axis=0)])


@dataclass(frozen=True, eq=False)
class Peaks:
    """Peaks of n orbits that were fitted.

    Parameters
    ----------
    places : ndarray, shape (n, 2)
        Fractions of the conventional cell.
    covariance : ndarray, shape (n, 2, 2)
        Of these; 0 along what symmetry fixes.
    heights, height_errors : ndarray, shape (n,)
        Above an even background.
    widths : ndarray, shape (n,)
        Standard deviations, in the unit of the cell.
    chi_square : float
        Sum of squares over the number of numbers to spare: about 1 where peaks explain the cell.
    left : ndarray, shape (289,), complex128
        Structure factors at `NODES` that they do not explain.
    """

    places: Float
    covariance: Float
    heights: Float
    height_errors: Float
    widths: Float
    chi_square: float
    left: Complex


def fit_peaks(cell: UnitCell, starts: Sequence[Start], *, own_widths: bool = False) -> Peaks | None:
    """Fit Gaussian peaks that obey the plane group to the structure factors of a cell.

    Errors follow from the noise where the peaks are, and are widened by what no peaks explain.

    Parameters
    ----------
    cell : UnitCell
        An averaged cell.
    starts : sequence of Start
        One peak of each orbit.
    own_widths : bool
        Fit a width of each orbit if that explains much more than one of all.

    Returns
    -------
    Peaks or None
        None if there are more unknowns than structure factors, or a peak gets lost: it moves by
        more than its width, say.
    """
    if not starts:
        return None
    model = _Model(cell, starts)
    answer = model.fit(1)
    if own_widths and answer is not None and len(starts) > 1:
        by_orbit = model.fit(len(starts))
        if by_orbit is not None and model.is_worth_it(answer, by_orbit):
            answer = by_orbit
    return None if answer is None else model.peaks(answer)


class _Model:
    """Structure factors of peaks, lengths in units of the square root of a primitive cell."""

    def __init__(self, cell: UnitCell, starts: Sequence[Start]) -> None:
        self._cell, self._starts = cell, starts
        self._rotations, self._shifts = standard_operations(cell.setting.group)
        moved = [rotated_nodes(each) for each in cell.setting.rotations]
        targets = np.array([target[:-1] for target, _ in moved])
        whole = np.append(cell.significant, False)[targets].all(axis=0)
        variance = np.append(cell.variance, 0)[targets].mean(axis=0)
        at = np.arange(len(NODES)) >= HALF.start
        self._chosen = whole & at
        self._deviation = np.sqrt(variance[self._chosen])
        self._seen = cell.symmetric[self._chosen]
        self._nodes = NODES[self._chosen] @ cell.setting.conventional.T
        # The mean over what symmetry makes alike, as if no scan had sheared the cell.
        self._side = float(np.sqrt(cell_area(cell.primitive)))
        away = np.array([nodes @ np.linalg.inv(cell.primitive).T for _, nodes in moved])
        self._square = np.square(self._side * away).sum(axis=-1).mean(axis=0)[self._chosen]
        fixed = np.array([(nodes == NODES).all(axis=1) & whole for _, nodes in moved])
        signs = np.cos(2 * np.pi * NODES @ cell.setting.translations.T).T
        self._known = float((fixed * signs).sum()) / len(moved)  # real numbers that were measured
        self._places = np.array([each.place for each in starts])
        self._heights = np.array([each.height for each in starts])
        ends = np.cumsum([each.free.shape[1] for each in starts])
        self._free = [
            slice(end - each.free.shape[1], end) for each, end in zip(starts, ends, strict=True)
        ]
        self._coordinates = int(ends[-1])
        self._width, self._heights = self._begin()

    def _begin(self) -> tuple[float, Float]:
        """Choose the width with which the places at first explain most, and the heights by it."""
        n, m = len(self._starts), self._coordinates
        answers = []
        for self._width in _WIDTHS:
            each = self._real(self._parts(np.zeros(m + n + 1))[0])
            ratios, *_ = np.linalg.lstsq(each, self._real(self._seen))
            answers.append((float(np.square(each @ ratios - self._real(self._seen)).sum()), ratios))
        best = int(np.argmin([squares for squares, _ in answers]))
        ratios = answers[best][1]
        heights = self._heights * np.maximum(ratios, _MIN_HEIGHT * np.abs(ratios).max())
        return float(_WIDTHS[best]), heights

    def fit(self, widths: int) -> _Answer | None:
        """Fit with so many widths; None if that fails."""
        n, m = len(self._starts), self._coordinates
        spare = self._known - (m + n + widths)
        if spare < 1 or 2 * len(self._seen) < m + n + widths:
            return None

        def off(values: Float) -> Float:
            return self._real(self._factors(values) - self._seen)

        def slope(values: Float) -> Float:
            return self._real(self._jacobian(values))

        # Places as they differ from the first ones, heights and widths as logarithms of ratios.
        found = least_squares(
            off,
            np.zeros(m + n + widths),
            slope,
            method="lm",
            x_scale="jac",
            xtol=_PRECISION,
            ftol=_PRECISION,
        )
        answer = _Answer(found.x, 2 * float(found.cost), spare)
        return answer if found.success and self._is_sound(answer) else None

    def _is_sound(self, answer: _Answer) -> bool:
        places, _, widths = self._read(answer.values)
        moved = np.linalg.norm((places - self._places) @ self._cell.basis, axis=1) / self._side
        ratios = np.log(widths / self._width)
        return bool((moved < self._width).all() and (np.abs(ratios) < np.log(_WIDER)).all())

    @staticmethod
    def is_worth_it(one: _Answer, more: _Answer) -> bool:
        """Return whether widths of their own explain more than as many numbers would by chance."""
        gain = one.squares - more.squares
        return gain > _WORTH * (one.spare - more.spare) * max(1.0, more.squares / more.spare)

    def _read(self, values: Float) -> tuple[Float, Float, Float]:
        """Return places (n, 2), heights (n,) and widths (n,)."""
        n, m = len(self._starts), self._coordinates
        steps = [each.free @ values[at] for each, at in zip(self._starts, self._free, strict=True)]
        heights = self._heights * np.exp(values[m : m + n])
        widths = self._width * np.exp(values[m + n :])
        return self._places + steps, heights, np.broadcast_to(widths, n)

    def _real(self, factors: Complex) -> Float:
        """Write factors (nodes, ...) as real numbers in units of the noise."""
        scaled = np.sqrt(2) * (factors.T / self._deviation).T
        return np.concatenate([scaled.real, scaled.imag])

    def _parts(self, values: Float) -> tuple[Complex, Complex, Float]:
        """Structure factors (nodes, n) of each orbit; how places move them; widths."""
        places, heights, widths = self._read(values)
        numbers = np.array([each.number for each in self._starts])
        square = np.square(widths) * self._square[:, np.newaxis]
        weight = 2 * np.pi * numbers * heights * np.square(widths) * np.exp(-2 * np.pi**2 * square)
        images = np.einsum("gij,nj->gni", self._rotations, places) + self._shifts[:, np.newaxis]
        waves = np.exp(-2j * np.pi * np.einsum("ki,gni->gkn", self._nodes, images))
        turned = np.einsum("ki,gij->gkj", self._nodes, self._rotations)
        slopes = -2j * np.pi * np.einsum("gkn,gkj->knj", waves, turned) / len(waves)
        return weight * waves.mean(axis=0), weight[..., np.newaxis] * slopes, square

    def _factors(self, values: Float) -> Complex:
        return np.asarray(self._parts(values)[0].sum(axis=1))

    def _jacobian(self, values: Float) -> Complex:
        each, slopes, square = self._parts(values)
        by_place = [slopes[:, k] @ start.free for k, start in enumerate(self._starts)]
        by_width = each * (2 - 4 * np.pi**2 * square)
        if len(values) == self._coordinates + len(self._starts) + 1:
            by_width = by_width.sum(axis=1, keepdims=True)
        return np.concatenate([*by_place, each, by_width], axis=1)

    def peaks(self, answer: _Answer) -> Peaks:
        """Give places and heights with their errors."""
        places, heights, widths = self._read(answer.values)
        covariance = self._covariance(answer)
        n, m = len(self._starts), self._coordinates
        of_places = [
            each.free @ covariance[at, at] @ each.free.T
            for each, at in zip(self._starts, self._free, strict=True)
        ]
        errors = np.sqrt(np.diagonal(covariance)[m : m + n])
        left = np.zeros(len(NODES), dtype=np.complex128)
        left[self._chosen] = self._seen - self._factors(answer.values)
        left += left[::-1].conj()
        chi_square = answer.squares / answer.spare
        return Peaks(
            places % 1,
            np.array(of_places),
            heights,
            heights * errors,
            widths * self._side,
            chi_square,
            left,
        )

    def _covariance(self, answer: _Answer) -> Float:
        """Carry the noise, where it is, through the fit; wider if that is not all that is left."""
        jacobian = self._jacobian(answer.values)
        real = self._real(jacobian)
        inverse = np.linalg.pinv(real.T @ real)
        steps = np.arange(_GRID) / _GRID
        grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
        grid = grid @ np.linalg.inv(self._cell.setting.conventional)  # of a primitive cell
        waves = np.exp(2j * np.pi * grid @ self._nodes.T)
        pictures = 2 * (waves @ (jacobian / self._deviation[:, np.newaxis])).real
        noise = self._cell.noise_at(grid)[:, np.newaxis]
        covariance = inverse @ (pictures.T @ (noise * pictures) / len(grid)) @ inverse
        return np.asarray(covariance * max(1.0, answer.squares / answer.spare))


@dataclass(frozen=True, eq=False)
class _Answer:
    """What was fitted, the sum of squares that is left, and by how many numbers."""

    values: Float
    squares: float
    spare: float
