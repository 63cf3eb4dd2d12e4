"""Which window suits a movie, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_lattice_symmetry.analysis.one_frame import is_blank, try_to_read
from napari_lattice_symmetry.analysis.parameters import suggest_window
from napari_lattice_symmetry.lattice import pixel_distortion
from napari_lattice_symmetry.movie import NANOMETRE
from napari_lattice_symmetry.spectrum.period import Period, measure_period

if TYPE_CHECKING:
    from napari_lattice_symmetry.movie import Movie

_MOST_FRAMES = 5


@dataclass(frozen=True)
class WindowChoice:
    """The lattice period of a movie, and the window that it suggests.

    Parameters
    ----------
    period : Period
        The period, in pixels.
    frame_shape : (int, int)
        Frame size (Y, X) in pixels.
    pixel_side : float, optional
        Side in nm of a square pixel of the same area, if that is known.
    """

    period: Period
    frame_shape: tuple[int, int]
    pixel_side: float | None = None

    @property
    def window(self) -> int:
        """Window in pixels that holds about 10 periods."""
        return suggest_window(self.period.length, self.frame_shape)

    @property
    def length(self) -> str:
        """The period in words."""
        size = (
            "" if self.pixel_side is None else f"{self.period.length * self.pixel_side:.3g} nm = "
        )
        return f"{size}{self.period.length:.1f} px"

    def reason(self, window: int) -> str:
        """Tell the period, and how many of it are in a window of this size."""
        return f"period {self.length}, {window / self.period.length:.1f} periods in {window} px"


def choose_window(movie: Movie) -> WindowChoice | None:
    """Measure the lattice period in a few frames all over a movie.

    Returns
    -------
    WindowChoice or None
        None where no frame that can be read shows a lattice.
    """
    t = np.linspace(0, len(movie) - 1, min(len(movie), _MOST_FRAMES))
    readings = (try_to_read(movie, index)[0] for index in t.round().astype(int).tolist())
    frames = [frame for frame in readings if frame is not None and not is_blank(frame)]
    period = measure_period(frames, pixel_distortion(movie.pixel_size)) if frames else None
    if period is None:
        return None
    side = math.sqrt(math.prod(movie.pixel_size)) if movie.unit == NANOMETRE else None
    _, height, width = movie.shape
    return WindowChoice(period, (height, width), side)
