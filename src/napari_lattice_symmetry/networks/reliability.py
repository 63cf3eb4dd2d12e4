"""How honest probabilities are. Nothing here needs Keras."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def calibration_error(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = 15
) -> float:
    """Return the expected calibration error over bins of equal width (Guo et al., ICML 2017).

    Parameters
    ----------
    confidence : ndarray, shape (n,)
        Probability of each answer, 0 to 1.
    right : ndarray of bool, shape (n,)
        Which answers are right.
    bins : int
        How many there are.
    """
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.bincount(place, confidence - right, bins)
    return float(np.abs(gap).sum() / len(confidence))
