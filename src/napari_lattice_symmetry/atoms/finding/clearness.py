"""Whether a frame shows columns at all: bright ones, that the network is sure of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import skew

Float = NDArray[np.float64]

_SPOT, _AROUND = 0.16, 1.5  # standard deviations in spacings of what is a column, and around it
# Measured on simulated columns of all doses, their negatives, and noise of all kinds.
_UNSURE, _UNCLEAR = 0.6, 1.3  # mean logits below which a frame is doubted that is as bright as dark
_EVEN, _DARK = 0.5, -0.2  # or even darker than bright, by the third moment


def shows_columns(frame: Float, spacing: float, clearness: float) -> bool:
    """Return whether there is anything but noise, or dark columns on a bright ground.

    Columns are bright spots on a darker ground, so that gray values are skewed; those of noise are
    not, and those of the negative are the other way.

    Parameters
    ----------
    frame : ndarray, shape (Y, X)
        Gray values without gaps.
    spacing : float
        Pixels between neighbors.
    clearness : float
        Mean logit of the marks, as `Peaks` has it.
    """
    if not clearness < _UNCLEAR:
        return True
    spots = gaussian_filter(frame, _SPOT * spacing) - gaussian_filter(frame, _AROUND * spacing)
    lean = float(skew(spots, axis=None))
    return lean >= (_EVEN if clearness < _UNSURE else _DARK)
