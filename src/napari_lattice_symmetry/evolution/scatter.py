"""How frames scatter about a law: Gaussian noise that is correlated from frame to frame, AR(1).

The correlation of two frames falls with the time between them, phi to the power of their
distance in frames, so that frames may be missing. What is not known of phi and of the standard
deviation is kept: it widens all that follows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_GRID = np.append(np.arange(0, 0.9, 0.05), [0.9, 0.925, 0.95, 0.97, 0.985])
_SINGULAR = 1e-10  # of the normal matrix's trace: a parameter that does nothing is left out
_TINY = 1e-30  # a curve without any scatter has a logarithm, too


class Scatter:
    """Correlated noise at given times.

    Arrays of series have the shape (..., T), and phi that of the series without the last axis.

    Parameters
    ----------
    times : numpy.ndarray, shape (T,), float64
        In rising order.
    """

    def __init__(self, times: Float64) -> None:
        gaps = np.diff(times)
        self._gaps = gaps / np.median(gaps) if gaps.size else gaps

    def whiten(self, series: Float64, phi: Float64) -> Float64:
        """Take from each value what the one before it tells: white noise is left of AR(1)."""
        decay = self._decay(phi)
        white = series.copy()
        white[..., 1:] -= decay * series[..., :-1]
        white[..., 1:] /= np.sqrt(1 - decay**2)
        return white

    def simulate(self, phi: Float64, rng: np.random.Generator) -> Float64:
        """Draw noise of standard deviation 1, shape (..., T)."""
        decay = self._decay(phi)
        noise = rng.standard_normal((*np.shape(phi), decay.shape[-1] + 1))
        innovation = np.sqrt(1 - decay**2)
        for t in range(1, noise.shape[-1]):
            noise[..., t] = (
                decay[..., t - 1] * noise[..., t - 1] + innovation[..., t - 1] * noise[..., t]
            )
        return noise

    def log_likelihood(self, residuals: Float64) -> Float64:
        """Return the greatest log-likelihood of residuals (..., T) over phi and the deviation."""
        n = residuals.shape[-1]
        rss = np.square(self._on_grid(residuals)).sum(axis=-1)
        return np.asarray((-n / 2 * np.log(rss / n + _TINY) - self._log_scale()).max(axis=-1))

    def correlation(self, residuals: Float64, design: Float64) -> Float64:
        """Return the likeliest phi of residuals (..., T) that a law with `design` left."""
        return np.asarray(_GRID[self._log_evidence(residuals, design)[0].argmax(axis=-1)])

    def draw(
        self, residuals: Float64, design: Float64, n: int, rng: np.random.Generator
    ) -> tuple[Float64, Float64]:
        """Draw phi and noise (n, T) as likely as the residuals (T,) of a fit make them.

        Parameters
        ----------
        residuals : numpy.ndarray, shape (T,)
        design : numpy.ndarray, shape (T, k)
            Derivatives of what was fitted by its parameters: what these can take up is no
            evidence against a high phi (restricted likelihood).
        n : int
            How many.
        rng : numpy.random.Generator

        Returns
        -------
        phi : numpy.ndarray, shape (n,)
        noise : numpy.ndarray, shape (n, T)
        """
        evidence, rss = self._log_evidence(residuals, design)
        chances = np.exp(evidence - evidence.max())
        chosen = rng.choice(len(_GRID), size=n, p=chances / chances.sum())
        freedom = max(len(residuals) - design.shape[-1], 1)
        deviation = np.sqrt(rss[chosen] / rng.chisquare(freedom, n))
        return _GRID[chosen], deviation[:, np.newaxis] * self.simulate(_GRID[chosen], rng)

    def _decay(self, phi: Float64) -> Float64:
        return np.asarray(np.asarray(phi)[..., np.newaxis] ** self._gaps)

    def _on_grid(self, series: Float64) -> Float64:
        """Whiten series (..., T) with every phi of the grid, shape (..., grid, T)."""
        repeated = np.repeat(series[..., np.newaxis, :], len(_GRID), axis=-2)
        return self.whiten(repeated, np.broadcast_to(_GRID, repeated.shape[:-1]))

    def _log_scale(self) -> Float64:
        """Half the log-determinant of the correlation matrix, for every phi of the grid."""
        return np.asarray(np.log1p(-(self._decay(_GRID) ** 2)).sum(axis=-1) / 2)

    def _log_evidence(self, residuals: Float64, design: Float64) -> tuple[Float64, Float64]:
        """Return the restricted log-likelihood and sum of squares, shape (..., grid)."""
        n, k = design.shape[-2:]
        white = self._on_grid(residuals)
        columns = self._on_grid(np.moveaxis(design, -1, -2))  # (..., k, grid, T)
        columns = np.moveaxis(columns, -3, -2)
        normal = columns @ np.moveaxis(columns, -1, -2)
        trace = np.trace(normal, axis1=-2, axis2=-1)[..., np.newaxis, np.newaxis]
        normal = normal + (_SINGULAR * trace + _TINY) * np.eye(k)
        along = (columns @ white[..., np.newaxis])[..., 0]
        taken = (along * np.linalg.solve(normal, along[..., np.newaxis])[..., 0]).sum(axis=-1)
        rss = np.maximum(np.square(white).sum(axis=-1) - taken, _TINY)
        evidence = -(n - k) / 2 * np.log(rss) - self._log_scale()
        return evidence - np.linalg.slogdet(normal)[1] / 2, rss
