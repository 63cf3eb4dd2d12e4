"""Arrays that lie in files: opened when a part is read, and colors as gray values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.data.movie import Frames

_LUMINANCE = (0.2126, 0.7152, 0.0722)
_COLORS = (("R", "G", "B"), ("R", "G", "B", "A"))


class ArrayLike(Protocol):
    """What the libraries' arrays in files have in common."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of every axis."""

    @property
    def dtype(self) -> Any:
        """Type of a value."""

    def __getitem__(self, index: Any, /) -> Any:
        """Read a part."""


@dataclass(frozen=True)
class Lazy:
    """An array that is opened only when a part of it is asked for."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], NDArray[Any]]

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Read a part."""
        part: NDArray[Any] = self.read()[index]
        return part


class Colors:
    """Records of R, G, B and perhaps A as an array with one more axis."""

    def __init__(self, records: ArrayLike) -> None:
        self._records, names = records, records.dtype.names
        self.shape = (*records.shape, len(names))
        self.dtype = np.result_type(*(records.dtype[name] for name in names))

    @staticmethod
    def are_in(array: ArrayLike) -> bool:
        """Return whether an array is of such records."""
        return np.dtype(array.dtype).names in _COLORS

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Read a part; `index` is an ellipsis, or has one entry an axis."""
        *inner, color = (..., slice(None)) if index is ... else index
        records = np.asarray(self._records[tuple(inner)])
        names = records.dtype.names or ()
        return np.stack([records[name] for name in names], axis=-1)[..., color]


def gray(colors: Frames) -> Frames:
    """Return the luminance of gray or RGB values (..., S), without alpha."""
    if colors.shape[-1] < len(_LUMINANCE):
        return colors[..., 0]
    weights = np.asarray(_LUMINANCE, np.result_type(colors.dtype, np.float32))
    luminance: Frames = colors[..., : len(_LUMINANCE)].astype(weights.dtype) @ weights
    return luminance
