"""The loop that everything runs: frame by frame, block of windows by block of windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lattice_symmetry.analysis.origin import provenance
from napari_lattice_symmetry.analysis.parameters import AnalysisParameters, parse_parameters
from napari_lattice_symmetry.analysis.result import FrameResult, MovieResult
from napari_lattice_symmetry.errors import AnalysisError, InputError, LatticeSymmetryError
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.movie import Movie
from napari_lattice_symmetry.spectrum import WindowGrid

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    from napari_lattice_symmetry.model.classifier import Classification, Classifier
    from napari_lattice_symmetry.movie import Frames

    Progress: TypeAlias = Callable[[int, int], object]
    ShouldStop: TypeAlias = Callable[[], bool]


def analyze(
    movie: Movie | Frames,
    parameters: AnalysisParameters | None = None,
    *,
    model: Classifier | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    **settings: Any,
) -> MovieResult:
    """Name the lattice under every window of a movie.

    Parameters
    ----------
    movie : Movie or array, shape (T, Y, X) or (Y, X)
        What to analyse; NumPy or Dask, any real dtype.
    parameters : AnalysisParameters, optional
        Settings; the defaults if not given.
    model, progress, should_stop
        As in `iter_analyze`.
    **settings
        Single fields of `AnalysisParameters`, which take precedence over `parameters`.

    Returns
    -------
    MovieResult
        With all frames done, or those finished before `should_stop` said so.

    Raises
    ------
    InputError, ModelError, AnalysisError
        As in `iter_analyze`.

    Examples
    --------
    >>> result = analyze(frames, window=128, stride=16, samples=100)  # doctest: +SKIP
    >>> result.fractions  # doctest: +SKIP
    """
    if not isinstance(movie, Movie):
        movie = Movie.from_array(movie)
    given = {} if parameters is None else parameters.model_dump()
    parameters = parse_parameters(**(given | settings))
    result = MovieResult.empty(movie, parameters)  # tells bad geometry before a network loads
    model = model or _load(parameters.network)
    result.provenance = provenance(model, movie, parameters)
    for frame in iter_analyze(
        movie, parameters, model=model, progress=progress, should_stop=should_stop
    ):
        result.insert(frame)
    return result


def iter_analyze(
    movie: Movie,
    parameters: AnalysisParameters | None = None,
    *,
    model: Classifier | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Iterator[FrameResult]:
    """Analyse a movie frame by frame.

    Geometry is checked by the call itself; frames are read one at a time, and the network is
    loaded, as the iterator goes. A frame that is constant or all NaN is not analysed (NaN,
    label 0), since one dark frame must not end a movie; a run of nothing but such frames is an
    error, raised before the network is loaded. Of all frames, only the first that can be
    analysed is read twice.

    Parameters
    ----------
    movie : Movie
        What to analyse.
    parameters : AnalysisParameters, optional
        Settings; the defaults if not given.
    model : Classifier, optional
        A loaded network; `parameters.network` is loaded if not given.
    progress : callable, optional
        Called as ``progress(done_windows, total_windows)`` after every block of windows.
    should_stop : callable, optional
        Asked before every frame and block; once it says True, the iterator ends.

    Yields
    ------
    FrameResult
        One a frame, in order.

    Raises
    ------
    InputError
        If the window does not fit into the frames, no frame is in the range, or no window of
        any frame shows anything but a constant or NaN.
    ModelError
        If the network cannot be loaded.
    AnalysisError
        If a frame cannot be read, or the network fails on it.
    """
    parameters = parameters or AnalysisParameters()
    grid = WindowGrid(movie.shape[1:], parameters.window, parameters.stride)
    indices = parameters.frame_indices(len(movie))
    return _analyze_frames(
        movie,
        parameters,
        grid,
        indices,
        model=model,
        progress=progress or (lambda done, total: None),
        should_stop=should_stop or (lambda: False),
    )


def _analyze_frames(
    movie: Movie,
    parameters: AnalysisParameters,
    grid: WindowGrid,
    indices: range,
    *,
    model: Classifier | None,
    progress: Progress,
    should_stop: ShouldStop,
) -> Iterator[FrameResult]:
    n_blank = _count_leading_blank(movie, indices, should_stop)
    if should_stop():
        return
    model = model or _load(parameters.network)
    total = grid.size * len(indices)
    found_any = False
    for position, index in enumerate(indices):
        if should_stop():
            return
        maps = _FrameMaps(grid)
        frame = read_frame(movie, index) if position >= n_blank else None
        if frame is not None and not _is_blank(frame):
            for block in _classify(model, frame, grid, parameters, f"{movie.name}, frame {index}"):
                maps.add(block)
                progress(position * grid.size + maps.filled, total)
                if should_stop() and maps.filled < grid.size:
                    return
        else:
            progress((position + 1) * grid.size, total)
        found_any |= maps.analysed > 0
        yield maps.result(index, position)
    if not found_any:
        raise InputError(
            f"{movie.name}: not one window could be analysed, since more than 5 % of each is NaN; "
            "fill the gaps or choose another window size."
        )


class _FrameMaps:
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

    def result(self, index: int, position: int) -> FrameResult:
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
        )


def _classify(
    model: Classifier,
    frame: NDArray[Any],
    grid: WindowGrid,
    parameters: AnalysisParameters,
    what: str,
) -> Iterator[Classification]:
    """Classify a frame in blocks; a failure of the engine becomes one sentence."""
    try:
        yield from model.classify_blocks(
            grid.windows(frame), samples=parameters.samples, seed=parameters.seed
        )
    except (RuntimeError, MemoryError) as error:
        raise AnalysisError(f"{what}: the network failed ({_first_line(error)}).") from error


def _count_leading_blank(movie: Movie, indices: range, should_stop: ShouldStop) -> int:
    """Count the frames before the first that shows something, lest a network runs on nothing."""
    for position, index in enumerate(indices):
        if should_stop() or not _is_blank(read_frame(movie, index)):
            return position
    raise InputError(
        f"{movie.name}: every frame to analyse ({indices[0]} to {indices[-1]}) is constant or NaN; "
        "choose frames that show an image."
    )


def _is_blank(frame: NDArray[Any]) -> bool:
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
    except LatticeSymmetryError:
        raise
    except Exception as error:
        raise AnalysisError(
            f"{movie.source or movie.name}: frame {index} cannot be read ({_first_line(error)})."
        ) from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _load(network: str) -> Classifier:
    from napari_lattice_symmetry.model import load_model  # costs nothing until it is needed

    return load_model(network)
