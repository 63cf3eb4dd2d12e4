"""One frame: how it is read, and its maps while blocks of windows come in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.analysis.result import FrameResult
from napari_lattice_symmetry.errors import AnalysisError
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.spectrum import WindowGrid

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    from napari_lattice_symmetry.analysis.parameters import AnalysisParameters
    from napari_lattice_symmetry.model.classifier import Classification, Classifier
    from napari_lattice_symmetry.movie import Movie

    Reading: TypeAlias = tuple[NDArray[Any] | None, str]

MOST_FAILURES = 5
"""How many frames in a row may fail to be read before a run ends."""


class FrameMaps:
    """The maps of a frame while its blocks come in, reduced so that memory stays the maps'."""

    def __init__(self, grid: WindowGrid) -> None:
        self.shape = grid.shape
        self.mean = np.full((len(CLASSES), grid.size), np.nan, dtype=np.float32)
        self.std = np.full_like(self.mean, np.nan)
        self.entropy = np.full(grid.size, np.nan, dtype=np.float32)
        self.mutual_information = np.full_like(self.entropy, np.nan)
        self.thinned_totals: NDArray[np.float64] = np.zeros((1, len(CLASSES)))
        self.filled = 0
        self.analysed = 0

    def add(self, block: Classification) -> None:
        """Take the next windows, in C order."""
        here = slice(self.filled, self.filled + len(block.entropy))
        self.mean[:, here] = block.mean.T
        self.std[:, here] = block.std.T
        self.entropy[here] = block.entropy
        self.mutual_information[here] = block.mutual_information
        self.thinned_totals = self.thinned_totals + block.thinned_totals
        self.filled = here.stop
        self.analysed += int(np.isfinite(block.entropy).sum())

    def result(self, index: int, position: int, failure: str = "") -> FrameResult:
        """Give the finished maps."""
        thinned = self.thinned_totals / (self.analysed or np.nan)
        return FrameResult(
            index=index,
            position=position,
            mean=self.mean.reshape(-1, *self.shape),
            std=self.std.reshape(-1, *self.shape),
            entropy=self.entropy.reshape(self.shape),
            mutual_information=self.mutual_information.reshape(self.shape),
            fractions=thinned.mean(axis=0),
            fractions_std=thinned.std(axis=0),
            failure=failure,
        )


class Job:
    """What is to be analysed, and how.

    Raises
    ------
    InputError
        If the window does not fit into the frames, or no frame is in the range.
    """

    def __init__(self, movie: Movie, parameters: AnalysisParameters) -> None:
        self.movie, self.parameters = movie, parameters
        self.grid = WindowGrid(movie.shape[1:], parameters.window, parameters.stride)
        self.indices = parameters.frame_indices(len(movie))


def classify_frame(
    model: Classifier,
    frame: NDArray[Any] | None,
    grid: WindowGrid,
    parameters: AnalysisParameters,
    what: str,
) -> Iterator[Classification]:
    """Classify a frame in blocks of windows; none if it is blank or could not be read.

    Raises
    ------
    AnalysisError
        If the engine fails; the sentence begins with `what`.
    """
    if frame is None or is_blank(frame):
        return
    try:
        yield from model.classify_blocks(
            grid.windows(frame), samples=parameters.samples, seed=parameters.seed
        )
    except (RuntimeError, MemoryError) as error:
        raise AnalysisError(f"{what}: the network failed ({first_line(error)}).") from error


def is_blank(frame: NDArray[Any]) -> bool:
    """Tell whether a frame is constant, NaN or both."""
    finite = frame[np.isfinite(frame)]
    return finite.size == 0 or bool(finite.min() == finite.max())


def read_frame(movie: Movie, index: int) -> NDArray[Any]:
    """Read a frame of a movie, shape (Y, X).

    Raises
    ------
    AnalysisError
        If that fails, for whatever reason a lazy reader has.
    """
    try:
        return movie.frame(index)
    except Exception as error:
        raise AnalysisError(
            f"{movie.source or movie.name}: frame {index} cannot be read ({first_line(error)})."
        ) from error


def try_to_read(movie: Movie, index: int) -> Reading:
    """Read a frame; give it, or None and why it cannot be read."""
    try:
        return read_frame(movie, index), ""
    except AnalysisError as error:
        return None, str(error)


class Patience:
    """Lets frames fail now and then, but not one after the other, nor without their file."""

    def __init__(self, movie: Movie) -> None:
        path = Path(movie.source or "")
        self._source = path if movie.source and path.exists() else None
        self._name = movie.source or movie.name
        self._in_a_row = 0

    def note(self, failure: str) -> None:
        """Take note of a frame: why it could not be read, or an empty text.

        Raises
        ------
        AnalysisError
            If the file is gone, or too many frames in a row have failed.
        """
        self._in_a_row = self._in_a_row + 1 if failure else 0
        if failure and self._source and not self._source.exists():
            raise AnalysisError(f"{self._source} is gone; put it back and continue.")
        if self._in_a_row == MOST_FAILURES:
            raise AnalysisError(
                f"{self._name}: {MOST_FAILURES} frames in a row cannot be read; the last: {failure}"
            )


def first_line(error: BaseException) -> str:
    """Give the first line of what an exception says, without a full stop."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
