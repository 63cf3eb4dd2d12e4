"""What an averaged cell leaves of the frames whose windows it was averaged over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.analysis.cell_windows import AveragedCell


@dataclass(frozen=True, eq=False)
class Residuals:
    """The smallest part of a movie that holds all averaged windows, less the mean cell.

    Parameters
    ----------
    averaged : AveragedCell
        What was found.
    """

    averaged: AveragedCell

    @property
    def frames(self) -> range:
        """From the first frame with windows to the last."""
        frames = self.averaged.places[:, 0]
        return range(int(frames.min()), int(frames.max()) + 1)

    @property
    def corner(self) -> tuple[int, int]:
        """Row and column of the first pixel."""
        y, x = self.averaged.places[:, 1:].min(axis=0).tolist()
        return y, x

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        y, x = (np.ptp(self.averaged.places[:, 1:], axis=0) + self._side).tolist()
        return y, x

    @property
    def _side(self) -> int:
        return int(self.averaged.cell.windows.shape[-1])

    def of_frame(self, frame: int) -> NDArray[np.float32]:
        """Take the mean cell off the windows of a frame; their mean where they overlap.

        There is NaN where no window was averaged.
        """
        total, count = np.zeros(self.shape), np.zeros(self.shape)
        for i in np.flatnonzero(self.averaged.places[:, 0] == frame).tolist():
            y, x = (self.averaged.places[i, 1:] - self.corner).tolist()
            inside = slice(y, y + self._side), slice(x, x + self._side)
            total[inside] += self.averaged.cell.residual(i)
            count[inside] += 1
        total[count == 0] = np.nan
        return np.asarray(total / np.maximum(count, 1), dtype=np.float32)

    def of_all_frames(self) -> Any:
        """View those of all frames as a Dask array, which computes what is looked at."""
        import dask.array as da
        from dask.delayed import delayed

        leave = delayed(self.of_frame, pure=False)
        return da.stack(
            [da.from_delayed(leave(frame), self.shape, np.float32) for frame in self.frames]
        )
