"""Gaussians fitted to columns in the pixels of the frame, all of them at once.

Each column has a height, a place and a width, and is fitted within a round window. What neighbors
add there is taken off, of their last fit; columns whose windows overlap take turns, so that
overlapping columns are fitted jointly (block Gauss-Seidel). The background is smooth over a few
spacings, and common to all of them: left free for each, it would grow against the width.

Steps are those of Fisher scoring: pixels weigh by the reciprocal of their variance, for which a
straight line over the expected gray value is fitted to the residuals. So counting noise has its
due whatever gain and offset the detector has, and standard errors are the square roots of the
inverse Fisher information.
Sources: Ober, Ram and Ward, Biophys. J. 86, 1185 (2004), for the bound; Mortensen et al., Nat.
Methods 7, 377 (2010), for what unweighted least squares lose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from napari_lattice_symmetry.atoms.bound import disc

Float = NDArray[np.float64]
Integer = NDArray[np.intp]

_WINDOW = 0.65  # radius, in spacings
_MIN_RADIUS = 2.5
_WIDTHS = (0.07, 0.5)  # least and greatest standard deviation, in spacings
_START = 0.2
_MIN_SIGMA = 0.45
_STEPS, _UNWEIGHTED = 16, 5
_SPREAD = 0.25  # how much widths differ from column to column, about
_FARTHEST = 0.35  # spacings that a column may move
_BLOCK_PIXELS = 2**20
_REACH = 4.0  # standard deviations to which a column is drawn
_LAGS = 2
_HEIGHT, _Y, _X, _SIGMA = range(4)
_FINE = 20  # pixels between neighbors; where there are more, some are averaged
_SMOOTH = 1.5  # spacings over which the background is smooth
_SQUARES = 4  # a spacing, on which that is computed


@dataclass(frozen=True, eq=False)
class Refined:
    """Fitted columns.

    Parameters
    ----------
    y, x, y_error, x_error : ndarray, shape (n,)
        Place in pixels with standard errors; as it was given, and NaN, where the fit failed.
    intensity, intensity_error : ndarray, shape (n,)
        Height above the background.
    sigma, sigma_error : ndarray, shape (n,)
        Standard deviation in pixels.
    background : ndarray, shape (n,)
        Gray value around the column.
    succeeded : ndarray of bool, shape (n,)
        Whether it has a height, and has stayed where it was found.
    highest : ndarray, shape (n,)
        Two standard errors above the fitted height, also where the fit failed.
    """

    y: Float
    x: Float
    y_error: Float
    x_error: Float
    intensity: Float
    intensity_error: Float
    sigma: Float
    sigma_error: Float
    background: Float
    succeeded: NDArray[np.bool_]
    highest: Float


def refine(frame: Float, y: Float, x: Float, spacing: float) -> Refined:
    """Fit Gaussians to columns.

    Parameters
    ----------
    frame : ndarray, shape (Y, X)
        Gray values without gaps.
    y, x : ndarray, shape (n,)
        Where columns were found, in pixels.
    spacing : float
        Distance of neighbors in pixels.

    Returns
    -------
    Refined
    """
    if not len(y):
        none: Any = {title: np.empty(0) for title in REFINED}
        return Refined(**(none | {"succeeded": np.empty(0, bool)}))
    gray = np.asarray(frame, dtype=np.float64)
    factor = max(1, int(spacing // _FINE))
    if factor == 1:
        return _refined(gray, np.stack([y, x]), spacing)
    middle = (factor - 1) / 2
    places = (np.stack([y, x]) - middle) / factor
    found = _refined(_binned(gray, factor), places, spacing / factor)
    # A pixel that is so many wide blurs a column, and lowers it.
    wide = found.sigma * factor
    sigma = np.sqrt(np.maximum(wide**2 - (factor**2 - 1) / 12, 0.1 * wide**2))
    rise = (wide / sigma) ** 2
    return replace(
        found,
        y=found.y * factor + middle,
        x=found.x * factor + middle,
        y_error=found.y_error * factor,
        x_error=found.x_error * factor,
        intensity=found.intensity * rise,
        intensity_error=found.intensity_error * rise,
        highest=found.highest * np.where(np.isfinite(rise), rise, 1),
        sigma=sigma,
        sigma_error=found.sigma_error * factor,
    )


def _refined(frame: Float, places: Float, spacing: float) -> Refined:
    fit = _Fit(frame, places, spacing)
    for step in range(_STEPS):
        if step == _UNWEIGHTED:
            fit.measure_noise()
        fit.step()
    fit.measure_noise()
    return fit.result()


def _binned(frame: Float, factor: int) -> Float:
    """Average squares of pixels; rows and columns that fill none are left out."""
    height, width = (n // factor for n in frame.shape)
    blocks = frame[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return np.asarray(blocks.mean(axis=(1, 3)))


class _Fit:
    """Columns in the course of their fit."""

    def __init__(self, frame: Float, places: Float, spacing: float) -> None:
        self.frame, self.spacing, self.start = frame, spacing, places
        self.offsets = disc(max(_WINDOW * spacing, _MIN_RADIUS))
        self.limits = max(_WIDTHS[0] * spacing, _MIN_SIGMA), max(_WIDTHS[1] * spacing, 1.0)
        self.noise = (float(frame.var()) or 1.0, 0.0)  # of the variance, at 0 and a gray value
        n = places.shape[1]
        self.values = np.empty((n, 4))
        self.values[:, [_Y, _X]] = places.T
        self.values[:, _SIGMA] = max(_START * spacing, _MIN_SIGMA)
        self.turns = _turns(places.T, 2 * max(_WINDOW * spacing, _MIN_RADIUS))
        self.covered = np.zeros(frame.size, bool)
        lowest = np.empty(n)
        nearest = np.argsort(np.square(self.offsets).sum(axis=1))[:5]
        for rows, index, inside in self._windows(np.arange(n)):
            self.covered[index[inside]] = True
            gray = np.where(inside, self.frame.ravel()[index], np.nan)
            lowest[rows] = np.nanquantile(gray, 0.15, axis=1)
            close = np.where(inside, gray, lowest[rows, np.newaxis])[:, nearest]
            self.values[rows, _HEIGHT] = close.mean(axis=1)
        self.values[:, _HEIGHT] = np.maximum(self.values[:, _HEIGHT] - lowest, 0)
        self.places = np.ravel_multi_index(
            tuple(np.rint(places).astype(np.intp).clip(0, np.array(frame.shape)[:, None] - 1)),
            frame.shape,
        )
        self.ground = self._smoothed(self.places, lowest)

    def _smoothed(self, index: Integer, values: Float) -> Float:
        """Average values at some pixels over the neighborhood of every one, as a flat image."""
        # What is so smooth is computed on squares of pixels, and interpolated.
        square = max(1, int(self.spacing // _SQUARES))
        shape = tuple(-(-n // square) for n in self.frame.shape)
        i, j = (each // square for each in np.divmod(index, self.frame.shape[1]))
        images = (
            np.bincount(i * shape[1] + j, weights, minlength=shape[0] * shape[1]).reshape(shape)
            for weights in (values, None)
        )
        scale = _SMOOTH * self.spacing / square
        total, count = (gaussian_filter(1.0 * image, scale, mode="constant") for image in images)
        mean = np.where(count > 1e-12, total / np.maximum(count, 1e-12), values.mean())
        return _enlarged(mean, square, self.frame.shape).ravel()

    def _windows(self, chosen: Integer) -> Iterator[tuple[Integer, Integer, NDArray[np.bool_]]]:
        """List pixels (m, p) of the windows of some columns at a time, and which are inside."""
        height, width = self.frame.shape
        part = max(1, _BLOCK_PIXELS // len(self.offsets))
        for first in range(0, len(chosen), part):
            rows = chosen[first : first + part]
            centers = np.rint(self.start[:, rows]).astype(np.intp)
            i, j = (centers[axis, :, None] + self.offsets[:, axis] for axis in (0, 1))
            inside = (i >= 0) & (i < height) & (j >= 0) & (j < width)
            yield rows, np.where(inside, i * width + j, 0), inside

    def _profiles(self, rows: Integer, index: Integer) -> tuple[Float, Float, Float]:
        """Return unit peaks and distances along y and x, at the pixels of windows."""
        i, j = np.divmod(index, self.frame.shape[1])
        _, y, x, sigma = self.values[rows].T[..., np.newaxis]
        dy, dx = i - y, j - x
        return np.exp(-0.5 * (dy**2 + dx**2) / sigma**2), dy, dx

    def draw(self, chosen: Integer) -> Float:
        """Draw some columns, without background, as a flat image."""
        height, width = self.frame.shape
        image = np.zeros(height * width)
        reach = int(np.ceil(_REACH * np.median(self.values[:, _SIGMA])))
        offsets = np.arange(-reach, reach + 1)
        part = max(1, _BLOCK_PIXELS // len(offsets) ** 2)
        for first in range(0, len(chosen), part):
            peak, y, x, sigma = self.values[chosen[first : first + part]].T[..., np.newaxis]
            i, j = (np.rint(each).astype(np.intp) + offsets for each in (y, x))
            along_y = peak * np.exp(-0.5 * np.square((i - y) / sigma)) * ((i >= 0) & (i < height))
            along_x = np.exp(-0.5 * np.square((j - x) / sigma)) * ((j >= 0) & (j < width))
            index = (
                np.clip(i, 0, height - 1)[:, :, None] * width + np.clip(j, 0, width - 1)[:, None]
            )
            values = along_y[:, :, None] * along_x[:, None]
            image += np.bincount(index.ravel(), values.ravel(), minlength=height * width)
        return image

    @property
    def everything(self) -> Integer:
        """Numbers of all columns."""
        return np.arange(len(self.values))

    def step(self) -> None:
        """Move all parameters once."""
        residual = self.frame.ravel() - self.draw(self.everything) - self.ground
        for turn in self.turns:
            residual += self.draw(turn)
            self._move(turn, residual)
            residual -= self.draw(turn)
        pixels = np.flatnonzero(self.covered)
        self.ground = self.ground + self._smoothed(pixels, residual[pixels])

    def _move(self, turn: Integer, others: Float) -> None:
        """Move columns whose windows are apart, given the image (flat) without them."""
        for rows, index, inside in self._windows(turn):
            jacobian, weight = self._derivatives(rows, index, inside)
            off = others[index] - self.values[rows, _HEIGHT, np.newaxis] * jacobian[..., _HEIGHT]
            weighted = (jacobian * weight[..., np.newaxis]).swapaxes(1, 2)
            information = weighted @ jacobian
            gradient = (weighted @ off[..., np.newaxis])[..., 0]
            self._expect_width(information, gradient, self.values[rows])
            move = _solve(information, gradient)
            limit = 0.1 * self.spacing
            move[:, _Y : _SIGMA + 1] = np.clip(move[:, _Y : _SIGMA + 1], -limit, limit)
            self.values[rows] += move
        height, sigma = self.values[turn, _HEIGHT], self.values[turn, _SIGMA]
        self.values[turn, _HEIGHT] = np.maximum(height, 0)
        self.values[turn, _SIGMA] = np.clip(sigma, *self.limits)

    def _derivatives(
        self, rows: Integer, index: Integer, inside: NDArray[np.bool_]
    ) -> tuple[Float, Float]:
        """Return derivatives (m, p, 4) of the gray values, and the weights (m, p) of pixels."""
        shape, dy, dx = self._profiles(rows, index)
        height, _, _, sigma = self.values[rows].T[..., np.newaxis]
        height = np.maximum(height, 1e-12)
        peak = height * shape
        jacobian = np.stack(
            [
                shape,
                peak * dy / sigma**2,
                peak * dx / sigma**2,
                peak * (dy**2 + dx**2) / sigma**3,
            ],
            axis=-1,
        )
        return jacobian, inside / self._variance(peak + self.ground[index])

    def _variance(self, gray: Float) -> Float:
        constant, slope = self.noise
        return np.asarray(np.maximum(constant + slope * gray, self._least))

    @property
    def _least(self) -> float:
        constant, slope = self.noise
        typical = constant + slope * float(np.median(self.ground[self.places]))
        return max(0.05 * typical, 1e-12)

    def _expect_width(self, information: Float, gradient: Float, values: Float) -> None:
        """Let widths be alike, which alone settles those of columns that noise hides."""
        usual = float(np.median(self.values[:, _SIGMA]))
        weight = 1 / (_SPREAD * usual) ** 2
        information[:, _SIGMA, _SIGMA] += weight
        gradient[:, _SIGMA] += weight * (usual - values[:, _SIGMA])

    def measure_noise(self) -> None:
        """Fit a straight line to the variance of the residuals over the expected gray values."""
        model = (self.draw(self.everything) + self.ground)[self.covered]
        gray, square = model, np.square(self.frame.ravel()[self.covered] - model)
        share = len(self.offsets) / max(len(self.offsets) - 4, 1)
        bins = np.array_split(np.argsort(gray), min(20, max(2, len(gray) // 200)))
        x = np.array([gray[each].mean() for each in bins])
        variance = np.array([square[each].mean() for each in bins]) * share
        spread = np.maximum(variance, 1e-3 * variance.mean() + 1e-12)
        slope, constant = np.polyfit(x, variance, 1, w=1 / spread)
        self.noise = (constant, slope) if slope > 0 else (float(variance.mean()), 0.0)

    def _correlation(self) -> float:
        """Measure how much more than that of a pixel the noise of an area varies."""
        off = self.frame.ravel() - self.draw(self.everything) - self.ground
        off, inside = off.reshape(self.frame.shape), self.covered.reshape(self.frame.shape)
        off = np.where(inside, off - off[inside].mean(), 0)
        total, variance = 0.0, float(np.square(off[inside]).mean()) or 1.0
        height, width = off.shape
        for i in range(-_LAGS, _LAGS + 1):
            for j in range(-_LAGS, _LAGS + 1):
                one = np.s_[max(i, 0) : height + min(i, 0), max(j, 0) : width + min(j, 0)]
                other = np.s_[max(-i, 0) : height + min(-i, 0), max(-j, 0) : width + min(-j, 0)]
                n = int((inside[one] & inside[other]).sum())
                correlation = float((off[one] * off[other]).sum()) / max(n, 1) / variance
                total += correlation if abs(correlation) > 3 / max(n, 1) ** 0.5 else 0
        return max(total, 1.0)

    def result(self) -> Refined:
        """Return the fitted columns with their errors."""
        n = len(self.values)
        errors = np.full((n, 4), np.nan)
        for rows, index, inside in self._windows(self.everything):
            jacobian, weight = self._derivatives(rows, index, inside)
            information = (jacobian * weight[..., np.newaxis]).swapaxes(1, 2) @ jacobian
            self._expect_width(information, np.zeros((len(index), 4)), self.values[rows])
            covariance = np.linalg.pinv(_scaled(information)[0], hermitian=True)
            scale = _scaled(information)[1]
            variance = np.diagonal(covariance, axis1=1, axis2=2) * scale**2
            errors[rows] = np.sqrt(np.maximum(variance, 0))
        errors *= np.sqrt(self._correlation())
        moved = np.hypot(*(self.values[:, [_Y, _X]].T - self.start))
        height = self.values[:, _HEIGHT]
        succeeded = (moved < _FARTHEST * self.spacing) & (height > 0)
        succeeded &= (errors[:, [_Y, _X]] < _FARTHEST * self.spacing).all(axis=1)
        succeeded &= np.isfinite(self.values).all(axis=1)
        fitted = self.values[:, [_Y, _X]]
        succeeded &= ((fitted >= 0) & (fitted <= np.array(self.frame.shape) - 1)).all(axis=1)
        highest = height + 2 * np.nan_to_num(errors[:, _HEIGHT])
        place = np.where(succeeded[:, np.newaxis], self.values[:, [_Y, _X]], self.start.T)
        errors[~succeeded] = np.nan
        values = np.where(succeeded[:, np.newaxis], self.values, np.nan)
        return Refined(
            place[:, 0],
            place[:, 1],
            errors[:, _Y],
            errors[:, _X],
            values[:, _HEIGHT],
            errors[:, _HEIGHT],
            values[:, _SIGMA],
            errors[:, _SIGMA],
            np.where(succeeded, self.ground[self.places], np.nan),
            succeeded,
            highest,
        )


def _enlarged(image: Float, factor: int, shape: tuple[int, ...]) -> Float:
    """Interpolate an image whose pixels are squares of some of another to that (Y, X)."""
    for axis in (0, 1):
        at = (np.arange(shape[axis]) + 0.5) / factor - 0.5
        low = np.clip(np.floor(at).astype(np.intp), 0, max(image.shape[axis] - 2, 0))
        high = np.minimum(low + 1, image.shape[axis] - 1)
        share = np.expand_dims(at - low, 1 - axis)  # beyond the outer centers it is extrapolated
        image = image.take(low, axis) * (1 - share) + image.take(high, axis) * share
    return image


def _turns(places: Float, reach: float) -> list[Integer]:
    """Sort points (n, 2) into groups in which none is within reach of another."""
    pairs = KDTree(places).query_pairs(reach, output_type="ndarray")
    near: list[list[int]] = [[] for _ in places]
    for i, j in pairs.tolist():
        near[j].append(i)
        near[i].append(j)
    group = np.full(len(places), -1)
    for i, others in enumerate(near):
        taken = {int(group[j]) for j in others}
        group[i] = next(g for g in range(len(taken) + 1) if g not in taken)
    return [np.flatnonzero(group == g) for g in range(group.max() + 1)]


def _scaled(information: Float) -> tuple[Float, Float]:
    """Bring parameters to like units; returns the matrices and what each was divided by."""
    diagonal = np.diagonal(information, axis1=1, axis2=2)
    scale = 1 / np.sqrt(np.maximum(diagonal, 1e-300))
    return information * scale[:, :, None] * scale[:, None], scale


def _solve(information: Float, gradient: Float) -> Float:
    """Solve for steps (m, 4), a little damped."""
    matrix, scale = _scaled(information)
    matrix[:, range(4), range(4)] += 1e-3
    return np.asarray(np.linalg.solve(matrix, (gradient * scale)[..., np.newaxis])[..., 0] * scale)


REFINED = tuple(each.name for each in fields(Refined))
"""Names of what a fit gives."""
