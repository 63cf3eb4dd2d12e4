"""What an averaged cell leaves of the frames whose windows it was averaged over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.analysis.cell_windows import AveragedCell
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.files import check_free, replacing

RESIDUAL = "residual.tif"
"""How the name of a file of what is left ends."""


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


def write_residuals(
    averaged: AveragedCell, movie: Movie, path: Path, *, overwrite: bool = False
) -> None:
    """Write what the mean cell leaves as a TIFF that lies on the frames of the movie.

    Parameters
    ----------
    averaged : AveragedCell
        What was found.
    movie : Movie
        Where.
    path : path
        Pages have the shape of the frames, from the first that has windows to the last; there is
        NaN where no window was averaged.
    overwrite : bool
        Replace a file that is there.

    Raises
    ------
    InputError
        If something is in the way.
    """
    import tifffile

    check_free(path, overwrite=overwrite)
    residuals = Residuals(averaged)
    (top, left), (rows, columns) = residuals.corner, residuals.shape

    def pages() -> Iterator[NDArray[np.float32]]:
        for frame in residuals.frames:
            page = np.full(movie.shape[1:], np.nan, dtype=np.float32)
            page[top : top + rows, left : left + columns] = residuals.of_frame(frame)
            yield page

    size_y, size_x = movie.pixel_size
    with replacing(path) as partial:
        tifffile.imwrite(
            partial,
            pages(),
            shape=(len(residuals.frames), *movie.shape[1:]),
            dtype=np.float32,
            imagej=True,
            resolution=(1 / size_x, 1 / size_y),
            metadata={"axes": "TYX", "unit": movie.unit},
        )
