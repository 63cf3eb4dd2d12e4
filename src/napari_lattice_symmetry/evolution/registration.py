"""How far one frame has moved from another: the correlation of both."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_AS_GOOD = 0.9  # of the best correlation: so much have shifts by cells of a lattice, too
_MAX_SHIFT = 0.25  # of a frame, after which another frame is what others are compared with
_MAX_FRAMES = 20  # and after so many, since by then the crystal may be another one


class Registration:
    """Tells how far frames, one after the other, have moved from the first."""

    def __init__(self) -> None:
        self._anchor: Float64 | None = None
        self._at = np.zeros(2)  # of the anchor
        self._last = np.zeros(2)
        self._age = 0

    @property
    def has_begun(self) -> bool:
        """Whether there was a frame yet."""
        return self._anchor is not None

    def add(self, frame: Float64) -> Float64:
        """Return the shift (y, x) of the next frame in pixels."""
        if self._anchor is None:
            self._anchor = frame
            return self._last
        self._last = self._at + _shift_between(self._anchor, frame, self._last - self._at)
        self._age += 1
        moved = np.abs(self._last - self._at) > _MAX_SHIFT * np.array(frame.shape)
        if moved.any() or self._age == _MAX_FRAMES:
            self._anchor, self._at, self._age = frame, self._last, 0
        return self._last


def _shift_between(first: Float64, second: Float64, expected: Float64) -> Float64:
    """Find the shift of a frame against another: of those that fit as well, the one expected."""
    whole = np.round(expected).astype(int)
    there = tuple(slice(max(s, 0), n + min(s, 0)) for s, n in zip(whole, first.shape, strict=True))
    here = tuple(slice(max(-s, 0), n - max(s, 0)) for s, n in zip(whole, first.shape, strict=True))
    return np.asarray(whole + _best_shift(first[here], second[there]))


def _best_shift(first: Float64, second: Float64) -> Float64:
    """Find the maximum of the correlation that is nearest to no shift, to a fraction of a pixel."""
    from skimage.feature import peak_local_max

    correlation = _correlation(first, second)
    peaks = peak_local_max(correlation, min_distance=1, threshold_rel=_AS_GOOD)
    if not len(peaks):
        return np.zeros(2)
    middle = np.array(correlation.shape) // 2
    peak = peaks[np.hypot(*(peaks - middle).T).argmin()]
    return np.asarray(peak - middle + _top(correlation, peak), dtype=np.float64)


def _correlation(first: Float64, second: Float64) -> Float64:
    """Correlate two frames at all shifts up to a quarter of a frame, no shift in the middle.

    It is that of the pixels which both show: else a crystal that is left at the side of a hole
    would seem to fit better where more of it lies in the other frame.
    """
    from scipy.fft import irfft2, next_fast_len, rfft2

    reach = [n // 4 for n in first.shape]
    shape = tuple(
        next_fast_len(n + far, real=True) for n, far in zip(first.shape, reach, strict=True)
    )
    place = tuple(
        slice(n // 2 - far, n // 2 + far + 1) for n, far in zip(shape, reach, strict=True)
    )

    def correlate(one: Any, other: Any) -> Float64:
        return np.asarray(np.fft.fftshift(irfft2(one.conj() * other, shape))[place])

    ones = rfft2(np.ones_like(first), shape)
    energy = correlate(rfft2(first**2, shape), ones) * correlate(ones, rfft2(second**2, shape))
    product = correlate(rfft2(first, shape), rfft2(second, shape))
    return np.asarray(product / np.sqrt(np.maximum(energy, 1e-9 * energy.max() + 1e-300)))


def _top(values: Float64, peak: NDArray[np.int64]) -> Float64:
    """Return how far from a pixel the top of the paraboloid through its neighbors is."""
    y, x = peak
    near = values[y - 1 : y + 2, x - 1 : x + 2]
    if near.shape != (3, 3):
        return np.zeros(2)
    dy, dx = np.mgrid[-1:2, -1:2].reshape(2, -1).astype(np.float64)
    terms = np.stack([np.ones(9), dy, dx, dy**2, dy * dx, dx**2], axis=1)
    _, y1, x1, yy, yx, xx = np.linalg.lstsq(terms, near.ravel(), rcond=None)[0]
    curvature = np.array([[2 * yy, yx], [yx, 2 * xx]])
    if np.linalg.det(curvature) <= 0:
        return np.zeros(2)
    return np.clip(-np.linalg.solve(curvature, [y1, x1]), -1, 1)


def prepare_frame(frame: NDArray[Any], period: float | None) -> Float64:
    """Return a frame about its mean, with nothing where pixels are missing.

    Where there is a lattice, what varies more slowly than that is taken out: a hole that grows is
    not one that moves.
    """
    from scipy.ndimage import gaussian_filter

    known = np.isfinite(frame)
    values = np.where(known, frame, 0).astype(np.float64)
    values = np.where(known, values - values.sum() / known.sum(), 0)
    return (
        values if period is None else np.where(known, values - gaussian_filter(values, period), 0)
    )
