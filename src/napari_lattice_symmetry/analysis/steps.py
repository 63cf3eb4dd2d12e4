"""Long computations in steps, between which they tell how far they are and may be stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from napari_lattice_symmetry.errors import AnalysisError

Progress: TypeAlias = Callable[[int, int], object]
ShouldStop: TypeAlias = Callable[[], bool]


class StoppedError(AnalysisError):
    """Whoever asked for a computation does not want it any more."""


class Steps:
    """Counts the steps of a computation.

    Parameters
    ----------
    total : int
        Number of steps.
    progress : callable, optional
        Called as ``progress(done, total)`` after every step.
    should_stop : callable, optional
        Asked at every step; once it says True, the computation ends.
    """

    def __init__(
        self, total: int, progress: Progress | None = None, should_stop: ShouldStop | None = None
    ) -> None:
        self.total, self.done = total, 0
        self._progress = progress or (lambda done, total: None)
        self._should_stop = should_stop or (lambda: False)

    def advance(self, steps: int = 1) -> None:
        """Note that some steps are done.

        Raises
        ------
        StoppedError
            If the computation is to end.
        """
        if self._should_stop():
            raise StoppedError("This was cancelled.")
        self.done += steps
        self._progress(self.done, self.total)
