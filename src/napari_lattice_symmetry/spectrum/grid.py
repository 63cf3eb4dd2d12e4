"""Where the windows lie: the geometry of a map on its frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError


@dataclass(frozen=True)
class WindowGrid:
    """Square windows at regular steps over a frame.

    Parameters
    ----------
    frame_shape : (int, int)
        Frame size (Y, X) in pixels.
    window : int
        Side of a window in pixels.
    stride : int
        Step between neighboring windows in pixels.

    Raises
    ------
    InputError
        If the window does not fit into the frame, or window or stride are below 1.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> grid = nls.WindowGrid((200, 260), window=128, stride=16)
    >>> grid.shape, grid.size
    ((5, 9), 45)
    >>> grid.window_at(0, 1)  # which part of the frame a map pixel stands for
    (slice(0, 128, None), slice(16, 144, None))
    """

    frame_shape: tuple[int, int]
    window: int
    stride: int

    def __post_init__(self) -> None:
        if self.stride < 1:
            raise InputError(f"A stride of {self.stride} px does not move; it must be at least 1.")
        if self.window < 1:
            raise InputError(f"A window of {self.window} px is empty; it must be at least 1.")
        if self.window > min(self.frame_shape):
            y, x = self.frame_shape
            raise InputError(
                f"A window of {self.window} px does not fit into frames of {y} x {x} px; "
                f"choose at most {min(y, x)} px."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Number of windows (gy, gx); one that ends exactly at the edge is included."""
        y, x = ((n - self.window) // self.stride + 1 for n in self.frame_shape)
        return y, x

    @property
    def size(self) -> int:
        """Number of windows a frame."""
        return self.shape[0] * self.shape[1]

    def windows(self, frame: NDArray[Any]) -> NDArray[Any]:
        """View `frame` (Y, X) as windows (gy, gx, w, w), without copying."""
        views = np.lib.stride_tricks.sliding_window_view(frame, (self.window, self.window))
        return views[:: self.stride, :: self.stride]

    def scale(self, pixel_size: tuple[float, float]) -> tuple[float, float]:
        """Size of a map pixel along y and x."""
        y, x = pixel_size
        return y * self.stride, x * self.stride

    def translate(
        self,
        pixel_size: tuple[float, float],
        origin: tuple[float, float] = (0.0, 0.0),
    ) -> tuple[float, float]:
        """Position of the center of map pixel (0, 0): the center of the first window.

        Parameters
        ----------
        pixel_size : (float, float)
            Size of a frame pixel along y and x.
        origin : (float, float)
            Position of the center of frame pixel (0, 0).
        """
        half = (self.window - 1) / 2
        (py, px), (y, x) = pixel_size, origin
        return y + py * half, x + px * half

    def window_at(self, row: int, column: int) -> tuple[slice, slice]:
        """Return the part of the frame that map pixel (`row`, `column`) stands for."""
        y, x = row * self.stride, column * self.stride
        return slice(y, y + self.window), slice(x, x + self.window)
