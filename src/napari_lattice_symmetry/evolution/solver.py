"""Least squares for one growth law and many curves at once, in correlated noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.evolution.laws import GrowthLaw
from napari_lattice_symmetry.evolution.scatter import Scatter

Float64 = NDArray[np.float64]

_STEPS = 40
_CONVERGED = 1e-9  # of the sum of squares
_STUCK = 1e12  # of the damping
_DIFFERENCE = 1e-7  # of the range of a parameter, for its derivative
_TINY = 1e-300


class Solver:
    """Levenberg-Marquardt for one law at given times; C follows from the other parameters.

    Parameters
    ----------
    law : GrowthLaw
        What is fitted.
    times : numpy.ndarray, shape (T,), float64
        Counted from t0.
    initial : numpy.ndarray, shape (T,), bool
        Frames from whose mean the growth is guessed.
    """

    def __init__(self, law: GrowthLaw, times: Float64, initial: NDArray[np.bool_]) -> None:
        self.law, self.times, self.scatter = law, times, Scatter(times)
        self.lower, self.upper = map(np.array, law.bounds(times))
        self._initial = initial

    def search(self, values: Float64) -> tuple[Float64, Float64, Float64]:
        """Fit curves (n, T) of which nothing is known.

        Returns
        -------
        p : numpy.ndarray, shape (n, parameters)
        c, phi : numpy.ndarray, shape (n,)
        """
        growth = values - values[:, self._initial].mean(axis=1, keepdims=True)
        guesses = self.law.guesses(self.times[~self._initial], growth[:, ~self._initial].T)
        white = np.zeros(len(values))
        best, least = np.zeros((len(values), len(self.lower))), np.full(len(values), np.inf)
        for guess in guesses:
            start = np.empty_like(best)
            for column, value in zip(start.T, guess, strict=True):
                column[:] = value
            p, _ = self.solve(values, white, start)
            rss = np.square(self._misfit(values, white, p)).sum(axis=1)
            better = rss < least
            best[better], least[better] = p[better], rss[better]
        for _ in range(2):
            p, c = best, self._level(values, white, best)
            phi = self.scatter.correlation(self.residuals(values, p, c), self.design(p))
            best, c = self.solve(values, phi, p)
            white = phi
        return best, c, phi

    def solve(self, values: Float64, phi: Float64, start: Float64) -> tuple[Float64, Float64]:
        """Fit curves (n, T) in noise of known correlation (n,), from starts (n, parameters)."""
        span = self.upper - self.lower
        p = np.clip(start, self.lower + 1e-9 * span, self.upper - 1e-9 * span)
        if not p.shape[1]:
            return p, self._level(values, phi, p)
        damping = np.full(len(p), 1e-3)
        active = np.arange(len(p))
        r = self._misfit(values, phi, p)
        rss = np.square(r).sum(axis=1)
        for _ in range(_STEPS):
            here, f = p[active], phi[active]
            slopes = self._project(np.moveaxis(self._slopes(here), 2, 0), f)  # (k, n, T)
            downhill = np.einsum("knt,nt->nk", slopes, r[active])
            held = ((here <= self.lower) & (downhill < 0)) | ((here >= self.upper) & (downhill > 0))
            slopes *= ~held.T[..., np.newaxis]
            normal = np.einsum("knt,lnt->nkl", slopes, slopes)
            scale = np.einsum("nkk->nk", normal)
            scale += damping[active, np.newaxis] * scale + _TINY
            step = np.linalg.solve(normal, np.where(held, 0, downhill)[..., np.newaxis])[..., 0]
            there = np.clip(here + step, self.lower, self.upper)
            tried = self._misfit(values[active], f, there)
            squares = np.square(tried).sum(axis=1)
            better = squares < rss[active]
            gained = rss[active] - squares
            done = (better & (gained <= _CONVERGED * squares)) | (damping[active] > _STUCK)
            took = active[better]
            p[took], r[took], rss[took] = there[better], tried[better], squares[better]
            damping[active] *= np.where(better, 0.2, 5.0)
            active = active[~done]
            if not active.size:
                break
        return p, self._level(values, phi, p)

    def residuals(self, values: Float64, p: Float64, c: Float64) -> Float64:
        """Return curves less the law, (n, T)."""
        return np.asarray(values - self.law.growth(self.times, p) - c[:, np.newaxis])

    def design(self, p: Float64) -> Float64:
        """Return the derivatives by the parameters and C, shape (n, T, parameters + 1)."""
        slopes = self._slopes(p)
        return np.concatenate([slopes, np.ones((*slopes.shape[:2], 1))], axis=2)

    def _slopes(self, p: Float64) -> Float64:
        """Return the derivatives of the growth by its parameters, shape (n, T, parameters)."""
        slopes = np.empty((len(p), len(self.times), p.shape[1]))
        for k, step in enumerate(_DIFFERENCE * (self.upper - self.lower)):
            forth, back = p.copy(), p.copy()
            forth[:, k] = np.minimum(p[:, k] + step, self.upper[k])
            back[:, k] = np.maximum(p[:, k] - step, self.lower[k])
            change = self.law.growth(self.times, forth) - self.law.growth(self.times, back)
            slopes[..., k] = change / (forth - back)[:, k, np.newaxis]
        return slopes

    def _misfit(self, values: Float64, phi: Float64, p: Float64) -> Float64:
        return self._project(values - self.law.growth(self.times, p), phi)

    def _project(self, series: Float64, phi: Float64) -> Float64:
        """Whiten series (..., n, T) and take out the level that fits them best."""
        ones = self.scatter.whiten(np.ones((len(phi), len(self.times))), phi)
        white = self.scatter.whiten(series, phi)
        share = (white * ones).sum(axis=-1) / np.square(ones).sum(axis=-1)
        return np.asarray(white - share[..., np.newaxis] * ones)

    def _level(self, values: Float64, phi: Float64, p: Float64) -> Float64:
        """Return the C of each curve, (n,)."""
        ones = self.scatter.whiten(np.ones((len(phi), len(self.times))), phi)
        white = self.scatter.whiten(values - self.law.growth(self.times, p), phi)
        return np.asarray((white * ones).sum(axis=1) / np.square(ones).sum(axis=1))
