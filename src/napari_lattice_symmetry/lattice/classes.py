"""The six answers, their label values and their colors: the one place for all three."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES: tuple[str, ...] = (
    "square",
    "rectangular",
    "centered rectangular",
    "hexagonal",
    "oblique",
    "noise",
)
"""Class names; the class at index ``i`` has the label value ``i + 1``."""

NOT_ANALYZED = 0
"""Label value of a window that was not classified."""

LABELS: dict[str, int] = {name: value for value, name in enumerate(CLASSES, start=1)}

# Okabe and Ito's color-blind-safe set, and a red that is told from all of these, and from any
# gray, at half opacity and by every kind of color vision: noise marks holes on gray images.
COLORS: dict[str, str] = {
    "square": "#0072B2",
    "rectangular": "#56B4E9",
    "centered rectangular": "#009E73",
    "hexagonal": "#E69F00",
    "oblique": "#CC79A7",
    "noise": "#BB2200",
}

HIGHER: dict[str, tuple[str, ...]] = {
    "square": (),
    "rectangular": ("square",),
    "centered rectangular": ("square", "hexagonal"),
    "hexagonal": (),
    "oblique": ("square", "rectangular", "centered rectangular", "hexagonal"),
}
"""The symmetries of which each lattice class is a lower case."""

AT_LEAST = ("rectangular", "centered rectangular")
"""Classes that contain some of the others, but not all."""


def at_least(probabilities: Any, name: str, axis: int = 0) -> Any:
    """Return the probability that a symmetry is that of class `name` or a higher one.

    A square lattice is also rectangular, centered and oblique: a square that the network takes
    for a rectangle is at least rectangular all the same.

    Parameters
    ----------
    probabilities : array
        NumPy or Dask, with the six classes along `axis`.
    name : str
        A lattice class; see `AT_LEAST`.
    axis : int
        Which axis the classes are on.

    Returns
    -------
    array
        Without that axis.
    """
    chosen = [CLASSES.index(each) for each in (name, *HIGHER[name])]
    return probabilities[(slice(None),) * (axis % probabilities.ndim) + (chosen,)].sum(axis=axis)


def most_probable(mean: NDArray[np.floating], axis: int = 0) -> NDArray[np.uint8]:
    """Return the label values of the most probable classes, 0 where probabilities are NaN.

    Parameters
    ----------
    mean : array
        Probabilities, with the six classes along `axis`.
    axis : int
        Which axis the classes are on.

    Returns
    -------
    numpy.ndarray, uint8
        Without that axis.
    """
    known = np.isfinite(mean).all(axis=axis)
    label = np.where(np.isfinite(mean), mean, -1).argmax(axis=axis) + 1
    return np.where(known, label, NOT_ANALYZED).astype(np.uint8)
