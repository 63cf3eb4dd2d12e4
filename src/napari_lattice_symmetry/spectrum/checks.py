"""What is asked of windows and of pixel sizes, wherever they come in."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError

MIN_WINDOW = 32
"""Side in pixels below which a spectrum is too coarse to fit."""


def as_windows(windows: Any, axes: str = "(..., w, w)") -> NDArray[Any]:
    """Return windows as an array of at least three axes.

    Parameters
    ----------
    windows : array_like, shape (..., w, w)
        Of any real dtype.
    axes : {"(..., w, w)", "(n, w, w)", "(w, w)"}
        How many axes there are to be.

    Raises
    ------
    InputError
        If they are not real, of other axes, not square or too small.
    """
    array = as_real(windows)
    if array.ndim < 3 if axes.startswith("(.") else array.ndim != axes.count(",") + 1:
        what = "is not one window (w, w)" if axes == "(w, w)" else f"holds no windows {axes}"
        raise InputError(f"An array of shape {array.shape} {what}.")
    height, size = array.shape[-2:]
    if height != size:
        raise InputError(f"Windows must be square, not {height} x {size} px.")
    if size < MIN_WINDOW:
        raise InputError(f"A window of {size} px is too small; {MIN_WINDOW} px are needed.")
    return array


def as_real(images: Any) -> NDArray[Any]:
    """Return images as an array of real numbers.

    Raises
    ------
    InputError
        If they are not of one shape, or not real.
    """
    try:
        array = np.asarray(images)
    except ValueError as error:
        raise InputError("The windows are not all of one shape.") from error
    if array.dtype.kind not in "buif":
        raise InputError(f"Windows hold real numbers, not {array.dtype}.")
    return array


def is_real(value: Any) -> bool:
    """Tell a real number from anything else."""
    return isinstance(value, numbers.Real)


def is_whole(value: Any) -> bool:
    """Tell a whole number from anything else."""
    return isinstance(value, numbers.Integral)


def pixel_sizes(given: float | tuple[float, float] | None) -> tuple[float, float]:
    """Return the size of a pixel along y and along x; 1 if it is not given.

    Raises
    ------
    InputError
        If it is not one positive and finite number, or two.
    """
    try:
        size = np.asarray(1.0 if given is None else given, dtype=np.float64)
    except (TypeError, ValueError):
        size = np.empty(0)
    if size.shape not in ((), (1,), (2,)):
        raise InputError(f"{given!r} is no pixel size: give one number, or two, along y and x.")
    y, x = np.broadcast_to(size, 2).tolist()
    if not (np.isfinite([y, x]).all() and min(y, x) > 0):
        raise InputError(f"A pixel size of {given} is not positive and finite.")
    return y, x
