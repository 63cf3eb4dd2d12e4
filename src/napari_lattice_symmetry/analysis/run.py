"""The loop that everything runs: frame by frame, block of windows by block of windows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry import bravais
from napari_lattice_symmetry.analysis.frame import AnalysisJob, iter_frame
from napari_lattice_symmetry.analysis.reading import Readings, look_ahead, read_frames
from napari_lattice_symmetry.analysis.steps import Progress, ShouldStop
from napari_lattice_symmetry.analysis.window_choice import window_warning
from napari_lattice_symmetry.analysis.writing import ResultStep, give_steps
from napari_lattice_symmetry.bravais.classifier import Classifier
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters, parse_parameters
from napari_lattice_symmetry.data.movie import Frames, Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.results.on_disk import check_target, open_result
from napari_lattice_symmetry.results.provenance import provenance
from napari_lattice_symmetry.results.result import FrameResult, MovieResult

if TYPE_CHECKING:
    from napari_lattice_symmetry.analysis.cluster import Scheduler

logger = logging.getLogger(__name__)


def analyze(
    movie: Movie | Frames,
    parameters: AnalysisParameters | None = None,
    *,
    output: str | Path | None = None,
    overwrite: bool = False,
    scheduler: Scheduler | None = None,
    model: Classifier | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    **settings: Any,
) -> MovieResult:
    """Name the lattice under every window of a movie.

    Parameters
    ----------
    movie : Movie or array, shape (T, Y, X) or (Y, X)
        What to analyze; NumPy or Dask, any real dtype.
    parameters : AnalysisParameters, optional
        Settings; the defaults if not given.
    output : path, optional
        Zarr folder to write every frame to as it is finished, so that memory does not grow with
        the movie. An unfinished result of the same movie, parameters and weights is continued.
    overwrite : bool
        Whether an older result in `output` is replaced rather than continued.
    scheduler, model, progress, should_stop
        As in `iter_analyze`.
    **settings
        Single fields of `AnalysisParameters`, which take precedence over `parameters`.

    Returns
    -------
    MovieResult
        With all frames done, or those finished before `should_stop` said so. A frame that
        cannot be read is skipped, logged and marked as failed. A window that holds too few
        or too many lattice periods is logged, too.

    Raises
    ------
    InputError, ModelError, AnalysisError
        As in `iter_analyze`, and as in `open_result` where there is an `output`.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> frame = nls.LatticeImage(lattice="square", a=12, size=160).draw()
    >>> result = nls.analyze(frame, window=128, stride=32, samples=20)
    >>> result.labels.shape, nls.LABELS["square"] == result.labels[0, 0, 0]
    ((1, 2, 2), np.True_)
    >>> result.fractions.round(2)
    array([[1., 0., 0., 0., 0., 0.]])
    """
    if not isinstance(movie, Movie):
        movie = Movie.from_array(movie)
    given = {} if parameters is None else parameters.model_dump()
    parameters = parse_parameters(**(given | settings))
    # Workers read the frames; here none is read for a warning.
    if scheduler is None and (warning := window_warning(movie, parameters.window)):
        logger.warning(warning)
    steps = stream(
        movie,
        parameters,
        output=output,
        overwrite=overwrite,
        scheduler=scheduler,
        model=model,
        progress=progress,
        should_stop=should_stop,
    )
    for step in steps:
        step.insert()
        if step.frame is not None and step.frame.failure:
            logger.warning(step.frame.failure)
    return step.result


@dataclass(frozen=True, eq=False)
class Step(ResultStep[MovieResult]):
    """What an analysis has come to.

    Attributes
    ----------
    result : MovieResult
        What the frame belongs in.
    frame : FrameResult or None
        The frame that was analyzed; None in the first step, which shows what is there already.
    in_result : bool
        Whether the frame is in the result.
    """


def stream(
    movie: Movie,
    parameters: AnalysisParameters | None = None,
    *,
    output: str | Path | None = None,
    overwrite: bool = False,
    scheduler: Scheduler | None = None,
    model: Classifier | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Generator[Step, None, None]:
    """Analyze a movie into a result, step by step.

    What can be told of settings and places is told by the call itself; all else is done as the
    generator goes.

    Parameters
    ----------
    movie, parameters, output, overwrite, scheduler, model, progress, should_stop
        As in `analyze`.

    Yields
    ------
    Step
        One with the result, and then one a frame. With an `output` the frames are in the result
        already, each of them written while the next is analyzed. Without, whoever takes a step
        inserts its frame, so that no array changes while it is drawn.

    Raises
    ------
    InputError, ModelError, AnalysisError
        As in `iter_analyze`, and as in `open_result` where there is an `output`.
    """
    job = AnalysisJob(movie, (parameters or AnalysisParameters()).answerable(model))
    if output is not None:
        check_target(output, movie, job.parameters, overwrite=overwrite)
    return _stream(
        job,
        output,
        overwrite=overwrite,
        scheduler=scheduler,
        model=model,
        progress=progress or _ignore,
        should_stop=should_stop or _never,
    )


def _stream(
    job: AnalysisJob,
    output: str | Path | None,
    *,
    overwrite: bool,
    scheduler: Scheduler | None,
    model: Classifier | None,
    progress: Progress,
    should_stop: ShouldStop,
) -> Generator[Step, None, None]:
    movie, parameters = job.movie, job.parameters

    def origin() -> dict[str, Any]:
        network = model or bravais.load_model(parameters.network, parameters.engine)
        return provenance(network, movie, parameters)

    with (
        nullcontext(MovieResult.empty(movie, parameters, origin() if model else {}))
        if output is None
        else open_result(
            output, movie, parameters, origin(), overwrite=overwrite, should_stop=should_stop
        )
    ) as result:
        # Lengths are those of the result, also where it was calibrated by hand and this was not.
        job.windows = replace(job.windows, pixel_size=result.pixel_size, unit=result.unit)
        yield Step(result)

        def step_of(frame: FrameResult | None) -> Step | None:
            if frame is None:
                return None
            result.provenance = result.provenance or origin()  # the network is loaded by now
            return Step(result, frame)

        frames = _analyze_frames(
            job,
            result.done.copy(),
            scheduler=scheduler,
            model=model,
            progress=progress,
            should_stop=should_stop,
        )
        steps = map(step_of, frames)
        yield from give_steps(steps, inserted=output is not None)


def iter_analyze(
    movie: Movie,
    parameters: AnalysisParameters | None = None,
    *,
    done: NDArray[np.bool_] | None = None,
    scheduler: Scheduler | None = None,
    model: Classifier | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Iterator[FrameResult]:
    """Analyze a movie frame by frame.

    Geometry is checked by the call itself; frames are read one at a time and once, and the
    network is loaded, as the iterator goes. A frame that is constant or all NaN is not analyzed
    (NaN, label 0), since one dark frame must not end a movie; neither is one that cannot be
    read, which says why in its `failure`. A run of nothing but such frames is an error, raised
    before the network is loaded.

    Parameters
    ----------
    movie : Movie
        What to analyze.
    parameters : AnalysisParameters, optional
        Settings; the defaults if not given.
    done : numpy.ndarray, shape (T,), bool, optional
        Which of the frames to analyze are finished already and left out.
    scheduler : str, distributed.Client or cluster, optional
        Address of a Dask scheduler, or what stands for one: its workers analyze the frames.
    model : Classifier, optional
        A loaded network; `parameters.network` is loaded if not given.
    progress : callable, optional
        Called as ``progress(done_windows, total_windows)`` after every block of windows; on a
        cluster, after every frame.
    should_stop : callable, optional
        Asked before every frame and block; once it says True, the iterator ends.

    Yields
    ------
    FrameResult
        One a frame, in order; on a cluster, as they are finished.

    Raises
    ------
    InputError
        If the window does not fit into the frames, no frame is in the range, or no window of
        any frame shows anything but a constant or NaN.
    ModelError
        If the network cannot be loaded.
    AnalysisError
        If the file of the movie is gone or becomes another, frames in a row cannot be read, the
        network fails, or the cluster is lost.
    """
    job = AnalysisJob(movie, (parameters or AnalysisParameters()).answerable(model))
    finished = np.zeros(len(job.indices), dtype=bool) if done is None else done.copy()
    frames = _analyze_frames(
        job,
        finished,
        scheduler=scheduler,
        model=model,
        progress=progress or _ignore,
        should_stop=should_stop or _never,
    )
    return (frame for frame in frames if frame is not None)


def _analyze_frames(
    job: AnalysisJob,
    finished: NDArray[np.bool_],
    *,
    scheduler: Scheduler | None,
    model: Classifier | None,
    progress: Progress,
    should_stop: ShouldStop,
) -> Iterator[FrameResult | None]:
    """Analyze what is not finished, here or on a cluster; None stands for a moment in between."""
    todo = np.flatnonzero(~finished).tolist()
    readings = read_frames(job, todo, should_stop)
    found_any = bool(finished.any())
    if not found_any:
        readings = look_ahead(job, readings, len(todo))
    if should_stop() or not todo:
        return
    model = model or bravais.load_model(job.parameters.network, job.parameters.engine)
    before, total = job.grid.size * int(finished.sum()), job.grid.size * len(finished)

    def advance(windows: int) -> None:
        progress(before + windows, total)

    if scheduler is None:
        results = _analyze_here(job, readings, model, advance, should_stop)
    else:
        from napari_lattice_symmetry.analysis.cluster import analyze_there

        results = analyze_there(
            job, todo, model, scheduler, advance=advance, should_stop=should_stop
        )
    n_results = 0
    for result in results:
        yield result
        if result is not None:
            found_any |= bool(np.isfinite(result.entropy).any())
            n_results += 1
    if n_results == len(todo) and not found_any:
        raise InputError(
            f"{job.movie.name}: not one window could be analyzed, since more than 5 % of each "
            "is NaN or padding; fill the gaps or choose another window size."
        )


def _analyze_here(
    job: AnalysisJob,
    readings: Readings,
    model: Classifier,
    advance: Callable[[int], None],
    should_stop: ShouldStop,
) -> Iterator[FrameResult | None]:
    n_before = 0

    def advance_within(windows: int) -> None:
        advance(n_before + windows)

    for position, (frame, failure) in readings:
        index, result = job.indices[position], None
        for result in iter_frame(
            job.windows,
            model,
            frame,
            f"{job.movie.name}, frame {index}",
            index=index,
            position=position,
            failure=failure,
            advance=advance_within,
            should_stop=should_stop,
        ):
            yield result
        if result is None:  # it was stopped
            return
        n_before += job.grid.size


def _ignore(_done: int, _total: int) -> None:
    """Be told of progress by those who do not ask for it."""


def _never() -> bool:
    return False
