"""The analysis in a thread of its own: it touches no viewer, no layer and no widget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from napari.qt.threading import thread_worker
from superqt.utils import GeneratorWorker

from napari_lattice_symmetry.errors import AnalysisError, LatticeSymmetryError

if TYPE_CHECKING:
    from napari_lattice_symmetry.analysis import AnalysisParameters, FrameResult, MovieResult
    from napari_lattice_symmetry.movie import Movie


def analyze_frames(
    movie: Movie,
    parameters: AnalysisParameters,
    progress: Callable[[int, int], object],
    should_stop: Callable[[], bool],
) -> Iterator[tuple[MovieResult, FrameResult]]:
    """Yield each frame's maps, beside the result that they belong in.

    Whoever takes the frames inserts them, so that no array changes while it is drawn.

    Raises
    ------
    LatticeSymmetryError
        What `iter_analyze` raises; anything else that fails becomes an `AnalysisError`, since
        a generator worker would swallow a ``RuntimeError``.
    """
    from napari_lattice_symmetry import analysis, model

    try:
        result = analysis.MovieResult.empty(movie, parameters)
        for frame in analysis.iter_analyze(
            movie, parameters, progress=progress, should_stop=should_stop
        ):
            if not result.provenance:
                network = model.load_model(parameters.network)  # loaded by now, and kept
                result.provenance = analysis.provenance(network, movie, parameters)
            yield result, frame
    except LatticeSymmetryError:
        raise
    except Exception as error:
        raise AnalysisError(
            f"{movie.name}: the analysis failed ({type(error).__name__}: {error})."
        ) from error


def create_analysis_worker(
    movie: Movie, parameters: AnalysisParameters, progress: Callable[[int, int], object]
) -> GeneratorWorker:
    """Prepare a worker whose ``quit`` bites at the next block of windows.

    Parameters
    ----------
    movie, parameters
        What to analyse, and how.
    progress : callable
        Called from the worker's thread as ``progress(done_windows, total_windows)``.
    """
    n_frames = len(parameters.frame_indices(len(movie)))
    # superqt's plain worker leaves errors to us; napari's would show a traceback besides.
    make_worker = thread_worker(
        analyze_frames,
        start_thread=False,
        progress={"total": n_frames, "desc": movie.name},
        worker_class=GeneratorWorker,
        ignore_errors=True,
    )
    worker: GeneratorWorker = make_worker(
        movie, parameters, progress, should_stop=lambda: worker.abort_requested
    )
    return worker
