"""Images and labels on one calibrated grid: what is handed to other programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_lattice_symmetry.data.movie import NANOMETER, PIXEL, Frames
from napari_lattice_symmetry.errors import InputError


@dataclass(frozen=True, eq=False)
class LayerStack:
    """Images and labels (T, Y, X) of one shape.

    Parameters
    ----------
    name : str
        Of all together.
    images, labels : mapping of str to array
        By their names; arrays of shape (T, Y, X), NumPy or Dask, of which at least one is there.
    scale, translate : (float, float, float)
        Step and position of the first element along t, y and x: in seconds if `timed`, in `unit`.
    unit : {"nm", "pixel"}
        Of y and x.
    timed : bool
        Whether t is in seconds; it counts frames otherwise.
    values : mapping of str to mapping of int to (str, str)
        What the values in labels of this name mean: a name, and a color as in "#E69F00".
    colors : mapping of str to str
        Colors of images, where they have one.
    metadata : mapping
        More about all, in values that JSON knows.

    Raises
    ------
    InputError
        If there is nothing in it, or the shapes are not one and of three axes.
    """

    name: str
    images: Mapping[str, Frames] = field(default_factory=dict)
    labels: Mapping[str, Frames] = field(default_factory=dict)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    translate: tuple[float, float, float] = (0.0, 0.0, 0.0)
    unit: str = PIXEL
    timed: bool = False
    values: Mapping[str, Mapping[int, tuple[str, str]]] = field(default_factory=dict)
    colors: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shapes = {tuple(map(int, array.shape)) for array in self._arrays}
        if len(shapes) != 1 or len(next(iter(shapes))) != 3:
            told = ", ".join(map(str, sorted(shapes))) or "none"
            raise InputError(
                f"{self.name}: images and labels of one shape (T, Y, X) can be written together, "
                f"and these have: {told}."
            )

    @property
    def _arrays(self) -> list[Frames]:
        return [*self.images.values(), *self.labels.values()]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, Y, X)."""
        t, y, x = self._arrays[0].shape
        return int(t), int(y), int(x)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type that holds the values of all images."""
        return np.result_type(*(image.dtype for image in self.images.values()))

    @property
    def calibrated(self) -> bool:
        """Whether y and x are lengths."""
        return self.unit == NANOMETER
