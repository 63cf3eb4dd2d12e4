"""Which windows of a movie a unit cell is averaged over, and the average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.analysis.reading import read_frame
from napari_lattice_symmetry.analysis.steps import Progress, ShouldStop, Steps
from napari_lattice_symmetry.cells import PixelSize, UnitCell, average_cell, pixel_size_of
from napari_lattice_symmetry.cells.parameters import AS_MEASURED, PERIODS, CellParameters
from napari_lattice_symmetry.cells.strain import Cell
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import CLASSES, LABELS
from napari_lattice_symmetry.results.result import MovieResult
from napari_lattice_symmetry.settings import parse_settings
from napari_lattice_symmetry.spectrum import WindowGrid, fit_lattices
from napari_lattice_symmetry.spectrum.checks import MIN_WINDOW
from napari_lattice_symmetry.spectrum.period import dominant_period, spread_windows

Places = NDArray[np.intp]

MAX_WINDOWS = 400
"""How many windows are averaged at most; of more, so many are taken all over."""

MAX_FITTED = 64
"""How many windows a pixel size is fitted to at most."""

# What lies in a region when most of its pixels do: outlines are drawn by hand.
_INSIDE = 0.9
_DEFAULT_SIDE = 128


@dataclass(frozen=True, eq=False)
class AveragedCell:
    """An averaged cell, and where it was found.

    Parameters
    ----------
    cell : UnitCell
        The average.
    places : ndarray of int, shape (n, 3)
        Frame, row and column of the first pixel of the windows in it.
    tried : int
        Number of windows that were looked at.
    found : int
        Number of windows that there were.
    """

    cell: UnitCell
    places: Places
    tried: int
    found: int

    @property
    def sampled(self) -> str:
        """Which part of the windows was looked at, in words; empty if all were."""
        return _sampled(self.tried, self.found)


def window_side(frame: NDArray[Any]) -> int:
    """Choose the side of windows that hold ten cells, along the longer side, of what a frame shows.

    The strongest period may be a part of the cell: lattices are fitted to windows all over it.
    """
    period = dominant_period(frame)
    side = _DEFAULT_SIDE if period is None else round(PERIODS * period)
    for length in (2 * side, side):
        fits = fit_lattices(spread_windows(frame, min(length, *frame.shape)))
        if fits.resolved.any():
            longest = np.median(fits.b[fits.resolved])
            side = max(side, round(PERIODS * float(longest)))
            break
    return int(min(max(side, MIN_WINDOW), *frame.shape))


def places_of_frames(
    shape: tuple[int, int],
    frames: Sequence[int],
    side: int,
    inside: NDArray[np.bool_] | None = None,
) -> Places:
    """List windows side by side: frame, row and column of their first pixels.

    Parameters
    ----------
    shape : (int, int)
        Of a frame.
    frames : sequence of int
        Which frames.
    side : int
        Of the windows in pixels.
    inside : ndarray of bool, shape (Y, X), optional
        Pixels of a region, in which windows lie.

    Returns
    -------
    ndarray of int, shape (n, 3)

    Raises
    ------
    InputError
        If there is none.
    """
    grid = WindowGrid(shape, side, side)
    y, x = (side * each for each in np.indices(grid.shape))
    if inside is not None:
        rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
        if len(rows):  # begin where the region does
            y, x = (
                np.minimum(each + first, length - side)
                for each, first, length in zip((y, x), (rows[0], columns[0]), shape, strict=True)
            )
        total = np.pad(inside.astype(np.int64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        count = total[y + side, x + side] - total[y, x + side] - total[y + side, x] + total[y, x]
        kept = count >= _INSIDE * side**2
        if not kept.any():
            raise InputError(
                f"No window of {side} px lies in the region; draw it larger, or choose smaller "
                "windows."
            )
        y, x = y[kept], x[kept]
    corners = np.unique(np.stack([y.ravel(), x.ravel()], axis=1), axis=0)
    return places_apart(np.repeat(frames, len(corners)), np.tile(corners, (len(frames), 1)), side)


def places_of_class(result: MovieResult, name: str, frames: Sequence[int] | None = None) -> Places:
    """List windows of a class in a result that do not overlap, as `places_of_frames` does.

    Windows of a result overlap where its stride is less than their side: they share noise, and
    an average of all of them would be thought better than it is.

    Parameters
    ----------
    result : MovieResult
        Of the movie.
    name : str
        One of `CLASSES`.
    frames : sequence of int, optional
        Which frames; all of the result if not given.

    Returns
    -------
    ndarray of int, shape (n, 3)
        Frame, row and column of the first pixel of each, which has the side `result.grid.window`.

    Raises
    ------
    InputError
        If there is no such class, none in these frames, or they were not analyzed.
    """
    if name not in LABELS:
        raise InputError(f"{name!r} is no class; choose one of {list(CLASSES)}.")
    side, stride = result.grid.window, result.grid.stride
    frames = result.frame_indices.tolist() if frames is None else frames
    chosen = frames_in(result, frames)
    found = [np.argwhere(np.asarray(result.labels[i]) == LABELS[name]) for i in chosen]
    count = [len(each) for each in found]
    if not sum(count):
        raise InputError(f"No window of the class {name} was found in {_words(frames)}.")
    return places_apart(
        np.repeat(result.frame_indices[chosen], count), stride * np.concatenate(found), side
    )


def frames_in(result: MovieResult, frames: Sequence[int] | None) -> list[int]:
    """Return where these frames are in a result, all if not given.

    Raises
    ------
    InputError
        If none of them was analyzed.
    """
    analyzed = result.frame_indices.tolist()
    if frames is None:
        return list(range(len(analyzed)))
    chosen = [i for i, frame in enumerate(analyzed) if frame in {*frames}]
    if not chosen:
        raise InputError(
            f"{result.name} has nothing of {_words(frames)}; analyze that too, or choose another."
        )
    return chosen


def _words(frames: Sequence[int]) -> str:
    return f"frame {frames[0]}" if len(frames) == 1 else f"frames {frames[0]} to {frames[-1]}"


def places_apart(frames: NDArray[Any], corners: NDArray[Any], side: int) -> Places:
    """Leave out windows (y, x) of `frames` that overlap one before: they share its noise."""
    kept: dict[int, list[tuple[int, int]]] = {}
    for frame, (y, x) in zip(frames.tolist(), corners.tolist(), strict=True):
        here = kept.setdefault(frame, [])
        if all(abs(y - b) >= side or abs(x - c) >= side for b, c in here):
            here.append((y, x))
    return np.array([(frame, *each) for frame, here in kept.items() for each in here], np.intp)


def subsample(places: Places, at_most: int | None = None) -> Places:
    """Take at most so many windows, `MAX_WINDOWS` if not given, all over those that there are."""
    at_most = MAX_WINDOWS if at_most is None else at_most
    if len(places) <= at_most:
        return places
    return places[np.linspace(0, len(places) - 1, at_most).round().astype(np.intp)]


def _sampled(taken: int, found: int) -> str:
    return "" if taken == found else f"{taken:,} of {found:,} windows, spread over all"


def _checked(movie: Movie, places: Any, side: int) -> Places:
    """Return the places of windows, at least one, that lie in a movie."""
    try:
        given = np.asarray(places)
        checked = given.astype(np.intp)
    except (TypeError, ValueError):
        given = checked = np.empty(0, np.intp)
    if checked.ndim != 2 or checked.shape[1] != 3 or not len(checked) or (checked != given).any():
        raise InputError("Places are frame, row and column of the first pixel of windows, (n, 3).")
    last = np.array(movie.shape) - [1, side, side]
    if (checked < 0).any() or (checked > last).any():
        n, height, width = movie.shape
        raise InputError(
            f"Windows of {side} px at these places leave the movie of {n} frames, "
            f"{width} x {height} px."
        )
    return checked


def cut_windows(
    movie: Movie, places: Places, side: int, steps: Steps | None = None
) -> tuple[NDArray[Any], Places]:
    """Read windows (n, side, side) of a movie, frame by frame, and give where they lie.

    Raises
    ------
    AnalysisError
        If a frame cannot be read.
    """
    windows = []
    for index in np.unique(places[:, 0]).tolist():
        frame = read_frame(movie, index)
        here = places[places[:, 0] == index, 1:].tolist()
        windows += [np.array(frame[y : y + side, x : x + side]) for y, x in here]
        if steps is not None:
            steps.advance(len(here))
    order = np.argsort(places[:, 0], kind="stable")
    return np.stack(windows), places[order]


def average_windows(
    movie: Movie,
    places: Places,
    side: int,
    parameters: CellParameters | None = None,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    **settings: Any,
) -> AveragedCell:
    """Average the unit cell over windows of a movie that do not overlap.

    Parameters
    ----------
    movie : Movie
        With its pixel size, where that is known.
    places : ndarray of int, shape (n, 3)
        Frame, row and column of the first pixel of each, from `places_of_class` or
        `places_of_frames`. Of more than 400 so many are taken, spread over all.
    side : int
        Of the windows in pixels.
    parameters : CellParameters, optional
        Class of the lattice and tolerance.
    progress, should_stop : callable, optional
        Called as ``progress(done, total)``, and asked whether to stop, now and then.
    **settings
        Single fields of `parameters`, which take precedence: `lattice` and `tolerance`.

    Returns
    -------
    AveragedCell

    Raises
    ------
    InputError
        If no window has a lattice, with the reason, a window leaves the movie, or a setting is
        out of its range.
    AnalysisError
        If a frame cannot be read, or someone stopped it.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> movie = nls.Movie.from_array(nls.LatticeImage(lattice="square", a=12, size=256).draw())
    >>> places = nls.places_of_frames(movie.shape[1:], [0], 128)
    >>> averaged = nls.average_windows(movie, places, 128)
    >>> averaged.tried, averaged.cell.group.name
    (4, 'p4m')
    """
    given = {} if parameters is None else parameters.model_dump()
    parameters = parse_settings(CellParameters, **(given | settings))
    places = _checked(movie, places, side)
    found, places = len(places), subsample(places)
    n = len(places)
    steps = Steps(3 * n, progress, should_stop)  # they are read, fitted and transformed
    windows, places = cut_windows(movie, places, side, steps)
    lattice = None if parameters.lattice == AS_MEASURED else parameters.lattice
    size = movie.pixel_size if movie.calibrated else None
    cell = average_cell(
        windows,
        lattice,
        size,
        parameters.tolerance,
        progress=lambda done, _total: steps.advance(n + done - steps.done),
    )
    return AveragedCell(cell, places[cell.places], n, found)


def average_pixel_size(
    movie: Movie,
    places: Places,
    side: int,
    known: str | Cell,
    *,
    square: bool = False,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> PixelSize:
    """Find the pixel size from a known lattice in windows of a movie.

    Parameters
    ----------
    movie, places, side
        As for `average_windows`; of more than 64 windows so many are taken, spread over all.
    known, square
        As for `pixel_size_of`.
    progress, should_stop
        As for `average_windows`.

    Returns
    -------
    PixelSize
        Mean over the windows, with weights by their errors; its own error is not less than what
        the scatter of the windows says. The misfit is the median, and another cell is told where
        most of the windows show one.

    Raises
    ------
    InputError
        If no window shows the lattice, with the reason of the last, or a window leaves the movie.
    AnalysisError
        If a frame cannot be read, or someone stopped it.
    """
    places = _checked(movie, places, side)
    n_all, places = len(places), subsample(places, MAX_FITTED)
    steps = Steps(2 * len(places), progress, should_stop)  # they are read and fitted
    fits = fit_lattices(cut_windows(movie, places, side, steps)[0])
    found: list[PixelSize] = []
    for i in range(fits.a.size):
        steps.advance()
        try:
            found.append(pixel_size_of(fits[i], known, square=square))
        except InputError as error:
            refusal = error
    if not found:
        raise refusal
    sizes = np.array([(each.y, each.x) for each in found])
    errors = np.array([(each.y_error, each.x_error) for each in found])
    weight = 1 / np.square(errors)
    mean = (weight * sizes).sum(axis=0) / weight.sum(axis=0)
    scatter = np.sqrt((weight * np.square(sizes - mean)).sum(axis=0) / weight.sum(axis=0))
    least = scatter / np.sqrt(max(len(found) - 1, 1))
    y_error, x_error = np.maximum(1 / np.sqrt(weight.sum(axis=0)), least).tolist()
    y, x = mean.tolist()
    misfit = float(np.median([each.misfit for each in found]))
    told = [each.superlattice for each in found if each.superlattice]
    superlattice = told[len(told) // 2] if 2 * len(told) > len(found) else ""
    sampled = _sampled(len(places), n_all)
    return PixelSize(y, x, y_error, x_error, misfit, superlattice, sampled)
