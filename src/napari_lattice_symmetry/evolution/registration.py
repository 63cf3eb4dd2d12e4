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
    weight = np.outer(*(np.hanning(side.stop - side.start) for side in here))
    return np.asarray(whole + _best_shift(first[here] * weight, second[there] * weight))


def _best_shift(first: Float64, second: Float64) -> Float64:
    """Find the maximum of the correlation that is nearest to no shift, to a fraction of a pixel."""
    from scipy.fft import irfft2, next_fast_len, rfft2
    from skimage.feature import peak_local_max

    shape = tuple(next_fast_len(n, real=True) for n in first.shape)
    spectrum = rfft2(first, shape).conj() * rfft2(second, shape)
    correlation = np.fft.fftshift(irfft2(spectrum, shape))
    peaks = peak_local_max(correlation, min_distance=1, threshold_rel=_AS_GOOD)
    if not len(peaks):
        return np.zeros(2)
    middle = np.array(shape) // 2
    peak = peaks[np.hypot(*(peaks - middle).T).argmin()]
    return np.asarray(peak - middle + _top(correlation, peak), dtype=np.float64)


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


def prepare_frame(frame: NDArray[Any]) -> Float64:
    """Return a frame about its mean, with nothing where pixels are missing."""
    known = np.isfinite(frame)
    values = np.where(known, frame, 0).astype(np.float64)
    return np.where(known, values - values.sum() / known.sum(), 0)
