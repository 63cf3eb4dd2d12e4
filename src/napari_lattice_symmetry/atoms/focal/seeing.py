"""Focal series as the networks see them: pixels of one size, and no background."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]

PIXEL = 0.02
"""nm: neighboring columns of a layer MX2 are some 9 such pixels apart."""

MARK = 0.04
"""Standard deviation in nm of the mark that a network is to give of a column."""

CLASSES = ("background", "Mo", "2S", "S")
"""Of the channels that networks answer with."""

_NEIGHBORHOOD = 1.2 / PIXEL  # px
_LIMIT = 8.0


def normalize(images: Float) -> Float32:
    """Give what networks see of resampled images (n, Y, X), shape (Y, X, n).

    The difference from the mean of the neighborhood, in standard deviations that all images share,
    so that it stays visible where contrast is low.

    Parameters
    ----------
    images : ndarray, shape (n, Y, X)
        With pixels of `PIXEL`.
    """
    means = np.stack([gaussian_filter(each, _NEIGHBORHOOD / 3) for each in images])
    apart = (images - means) / np.maximum(np.abs(means), 1e-9)
    deviation = float(np.sqrt(np.square(apart).mean())) or 1.0
    seen = np.clip(apart / deviation, -_LIMIT, _LIMIT).transpose(1, 2, 0)
    return np.asarray(seen, dtype=np.float32)
