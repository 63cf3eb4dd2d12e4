"""The analysis in a thread of its own: it touches no viewer, no layer and no widget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.qt.threading import thread_worker
from superqt.utils import GeneratorWorker

from napari_lattice_symmetry.errors import guard

if TYPE_CHECKING:
    from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
    from napari_lattice_symmetry.data.movie import Movie
    from napari_lattice_symmetry.results import FrameResult, MovieResult


def analyze_frames(
    movie: Movie,
    parameters: AnalysisParameters,
    progress: Callable[[int, int], object],
    should_stop: Callable[[], bool],
    *,
    output: Path | None = None,
    scheduler: str | None = None,
) -> Iterator[tuple[MovieResult, FrameResult | None]]:
    """Yield each frame's maps, beside the result that they belong in.

    With an `output` the frames are in the result already, and one that is continued comes first,
    without a frame. Without, whoever takes the frames inserts them, so that no array changes
    while it is drawn.

    Raises
    ------
    LatticeSymmetryError
        What `iter_analyze` raises; anything else that fails becomes an `AnalysisError`, since
        a generator worker would swallow a ``RuntimeError``.
    """
    from napari_lattice_symmetry import analysis, bravais, results

    analyze = partial(
        analysis.iter_analyze,
        movie,
        parameters,
        scheduler=scheduler,
        progress=progress,
        should_stop=should_stop,
    )

    def origin() -> dict[str, Any]:
        return results.provenance(bravais.load_model(parameters.network), movie, parameters)

    with guard(f"{movie.name}: the analysis failed"):
        if output is None:
            result = results.MovieResult.empty(movie, parameters)
            for frame in analyze():
                result.provenance = result.provenance or origin()  # the network is loaded by now
                yield result, frame
            return
        results.check_target(output, movie, parameters)
        with results.open_result(output, movie, parameters, origin()) as stored:
            if stored.done.any():
                yield stored, None
            for frame in analyze(done=stored.done):
                stored.insert(frame)
                yield stored, frame


class ClosingWorker(GeneratorWorker):
    """Lets go of the file as soon as it has stopped."""

    def work(self) -> Any:
        """Run the generator to its end, or until told to stop."""
        try:
            return super().work()
        finally:
            self._gen.close()


def create_analysis_worker(
    movie: Movie,
    parameters: AnalysisParameters,
    progress: Callable[[int, int], object],
    *,
    output: Path | None = None,
    scheduler: str | None = None,
) -> GeneratorWorker:
    """Prepare a worker whose ``quit`` bites at the next block of windows.

    Parameters
    ----------
    movie, parameters
        What to analyze, and how.
    progress : callable
        Called from the worker's thread as ``progress(done_windows, total_windows)``.
    output, scheduler
        As in `analysis.analyze`.
    """
    n_frames = len(parameters.frame_indices(len(movie)))
    # superqt's plain worker leaves errors to us; napari's would show a traceback besides.
    make_worker = thread_worker(
        analyze_frames,
        start_thread=False,
        progress={"total": n_frames, "desc": movie.name},
        worker_class=ClosingWorker,
        ignore_errors=True,
    )
    worker: GeneratorWorker = make_worker(
        movie,
        parameters,
        progress,
        should_stop=lambda: worker.abort_requested,
        output=output,
        scheduler=scheduler,
    )
    return worker
