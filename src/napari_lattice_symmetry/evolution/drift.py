"""The drift of a movie, frame by frame, and the movie without it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.analysis.reading import try_to_read
from napari_lattice_symmetry.analysis.steps import Progress, ShouldStop, Steps
from napari_lattice_symmetry.data.movie import Movie, is_blank, unit_name
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.evolution.registration import Registration, prepare_frame
from napari_lattice_symmetry.files import replacing
from napari_lattice_symmetry.lattice.basis import reduce_basis
from napari_lattice_symmetry.lattice.strain import MAX_DEPARTURE, median_basis, written_alike
from napari_lattice_symmetry.results import MovieResult
from napari_lattice_symmetry.results.plots import new_figure
from napari_lattice_symmetry.spectrum.period import measure_period

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Float64 = NDArray[np.float64]

_MIN_SIDE = 16  # px in which nothing smaller can be compared
_DOUBT = 0.35  # of a period between frames, from which on a shift may be that to the next cell


@dataclass(frozen=True, eq=False)
class Drift:
    """Where the frames of a movie lie, as one affine transformation a frame.

    Attributes
    ----------
    frame_indices : numpy.ndarray, shape (T,), int64
        Which frames of the movie.
    times : numpy.ndarray, shape (T,), float64
        In seconds, or frame indices where there is no frame time.
    affines : numpy.ndarray, shape (T, 3, 3), float64
        What takes a place (y, x, 1) in the first frame, in pixels, to where the same is seen in
        each; NaN for frames that cannot be read or show nothing.
    period : float or None
        Lattice period of the first frame in pixels, if there is one.
    pixel_size, unit, timed
        As in `Movie`; whether times are seconds.
    """

    frame_indices: NDArray[np.int64]
    times: Float64
    affines: Float64
    period: float | None
    pixel_size: tuple[float, float]
    unit: str
    timed: bool

    @property
    def shifts(self) -> Float64:
        """How far the middle has moved along y and x, in `unit`, shape (T, 2)."""
        return np.asarray(self.affines[:, :2, 2] * self.pixel_size)

    @property
    def remark(self) -> str:
        """Say where shifts may be wrong by a lattice vector; empty if nowhere."""
        known = np.isfinite(self.affines[:, 0, 2])
        steps = np.hypot(*np.diff(self.affines[known][:, :2, 2], axis=0).T)
        if self.period is None or not (steps > _DOUBT * self.period).any():
            return ""
        return (
            f"Frames move by up to {steps.max():.2g} px from one to the next, at a lattice period "
            f"of {self.period:.3g} px: where they show nothing but the lattice, a shift may be "
            "that to another cell."
        )


def measure_drift(
    movie: Movie,
    result: MovieResult | None = None,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Drift:
    """Measure how the frames of a movie lie on the first, by registration.

    Each frame is compared with an earlier one by the correlation of both, from where the frame
    before it lay. Where a frame shows little but a lattice, shifts are known up to a lattice
    vector: of those that fit about as well, the smallest from frame to frame is taken. With a
    result, stretch, shear and rotation are read from the lattices that were fitted to its windows,
    and undone before.

    Parameters
    ----------
    movie : Movie
        Frames that cannot be read or show nothing are skipped.
    result : MovieResult, optional
        An analysis of this movie with lattice maps. Only its frames are measured then.
    progress : callable, optional
        Called as ``progress(done, total)`` after every frame.
    should_stop : callable, optional
        Asked at every frame; once it says True, this ends.

    Returns
    -------
    Drift

    Raises
    ------
    InputError
        If the frames are too small, none shows anything, or `result` is of another movie or has
        no lattices.
    StoppedError
        If it was stopped.

    Examples
    --------
    >>> import numpy as np
    >>> import napari_lattice_symmetry as nls
    >>> image = nls.LatticeImage(lattice="hexagonal", a=12, size=144).draw()
    >>> frames = np.stack([image[8 - t : 136 - t, 8 + t : 136 + t] for t in range(3)])
    >>> drift = nls.evolution.measure_drift(nls.Movie(frames))
    >>> drift.shifts.round(0).tolist()
    [[0.0, 0.0], [1.0, -1.0], [2.0, -2.0]]
    >>> nls.evolution.correct_drift(nls.Movie(frames), drift).shape
    (3, 128, 128)
    """
    if min(movie.shape[1:]) < _MIN_SIDE:
        raise InputError(f"{movie.name}: frames of less than {_MIN_SIDE} px cannot be compared.")
    if result is None:
        indices = np.arange(len(movie))
        turns = np.broadcast_to(np.eye(2), (len(movie), 2, 2))
    else:
        indices, turns = result.frame_indices, lattice_deformations(result, movie)
    steps = Steps(len(indices), progress, should_stop)
    affines = np.full((len(indices), 3, 3), np.nan)
    registration = Registration()
    period: float | None = None
    for row, (index, turn) in enumerate(zip(indices, turns, strict=True)):
        frame, _ = try_to_read(movie, int(index))
        if frame is not None and not is_blank(frame) and np.isfinite(turn).all():
            if not registration.has_begun and (found := measure_period([frame])):
                period = float(found.length)
            shift = registration.add(_turn_back(prepare_frame(frame, period), turn))
            affines[row] = _affine(turn, shift, movie.shape[1:])
        steps.advance()
    if not registration.has_begun:
        raise InputError(f"{movie.name} has no frame that shows anything to compare.")
    return Drift(
        frame_indices=np.asarray(indices, dtype=np.int64),
        times=indices.astype(np.float64) * (movie.frame_time or 1.0),
        affines=affines,
        period=period,
        pixel_size=movie.pixel_size,
        unit=movie.unit,
        timed=movie.frame_time is not None,
    )


def lattice_deformations(result: MovieResult, movie: Movie) -> Float64:
    """Return what turned and stretched the lattice of the first frame, shape (T, 2, 2).

    It compares the median lattices of frames, for places (y, x) in pixels, of the crystal that
    most windows of the first frame show; NaN where no window shows it, or it has turned by more
    than some 10 degrees.

    Raises
    ------
    InputError
        If the result is of another movie, or has no lattices.
    """
    if result.grid.frame_shape != movie.shape[1:] or len(movie) <= result.frame_indices[-1]:
        raise InputError(f"{result.name} is no result of {movie.name}: its frames are other ones.")
    if result.a_direction is None:
        raise InputError(
            f"{result.name} has no directions of lattice vectors; analyze again with lattice maps."
        )
    size_y, size_x = result.pixel_size
    sides = []
    for length, turn in ((result.a, result.a_direction), (result.b, result.b_direction)):
        angle = np.deg2rad(np.asarray(turn, dtype=np.float64))
        vector = np.stack([np.sin(angle) / size_y, np.cos(angle) / size_x], axis=-1)
        sides.append(np.asarray(length)[..., np.newaxis] * vector)
    bases = np.stack(sides, axis=-2)  # (T, gy, gx, 2, 2), vectors (y, x) in rows
    seen = np.isfinite(bases).all(axis=(-2, -1)).any(axis=(1, 2))
    if not seen.any():
        raise InputError(f"{result.name} has no window with a lattice.")
    reference = reduce_basis(median_basis(bases[seen.argmax()]))
    change, departure = written_alike(bases, reference)
    found = np.full((len(bases), 2, 2), np.nan)
    for row, near in enumerate(departure < MAX_DEPARTURE):
        if near.any():
            basis = np.median(change[row][near] @ bases[row][near], axis=0)
            found[row] = (np.linalg.inv(reference) @ basis).T
    return found


def correct_drift(movie: Movie, drift: Drift) -> Movie:
    """Return the movie as it would be without drift, its frames read when they are asked for.

    Parameters
    ----------
    movie : Movie
        The one that was measured.
    drift : Drift
        Of some or all of its frames.

    Returns
    -------
    Movie
        float32; the frames that were measured, each of the shape of the first, with NaN where it
        saw nothing.

    Raises
    ------
    InputError
        If `drift` is that of a longer movie.
    """
    import dask.array as da
    from dask.delayed import delayed

    if len(movie) <= drift.frame_indices[-1]:
        raise InputError(f"{movie.name} has fewer frames than the movie whose drift this is.")
    shape = movie.shape[1:]
    known = np.flatnonzero(np.isfinite(drift.affines).all(axis=(1, 2)))
    correct = delayed(_correct_frame, pure=True)
    frames = [
        da.from_delayed(
            correct(movie, int(drift.frame_indices[row]), drift.affines[row]), shape, np.float32
        )
        for row in known
    ]
    steps = np.unique(np.diff(drift.frame_indices[known]))
    even = len(steps) == 1 and movie.frame_time is not None
    return replace(
        movie,
        frames=da.stack(frames),
        name=f"{movie.name} without drift",
        frame_time=float(movie.frame_time or 0) * float(steps[0]) if even else movie.frame_time,
        reopen=None,
    )


def plot_drift(drift: Drift, title: str = "", figure: Figure | None = None) -> Figure:
    """Draw how far the frames have moved along x and y over time.

    Parameters
    ----------
    drift : Drift
        What to draw.
    title : str
        Of the figure.
    figure : matplotlib.figure.Figure, optional
        An empty figure to draw on; a new one if not given.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = figure or new_figure(7, 4)
    axes = figure.add_subplot()
    down, right = drift.shifts.T
    axes.plot(drift.times, right, color="#0072B2", marker=".", markersize=4, label="x")
    axes.plot(
        drift.times, down, color="#D55E00", marker=".", markersize=4, linestyle="--", label="y"
    )
    axes.set(xlabel="Time (s)" if drift.timed else "Frame")
    axes.set_ylabel(f"Shift ({unit_name(drift.unit)})")
    axes.set_title(title, parse_math=False)
    axes.legend(frameon=False, fontsize="small")
    return figure


def write_drift(drift: Drift, path: str | Path) -> None:
    """Write a drift as CSV, a row a frame: the shift, and the affine transformation in pixels.

    Parameters
    ----------
    drift : Drift
        What to write.
    path : str or pathlib.Path
        Where to; a file that is there is replaced.

    Raises
    ------
    InputError
        If `path` cannot be written.
    """
    unit = unit_name(drift.unit)
    names = [f"affine_{row}{column}" for row in "yx" for column in ("y", "x", "0")]
    header = ["frame", "time_s", f"x_{unit}", f"y_{unit}", *names]
    with (
        replacing(Path(path)) as partial,
        partial.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(header)
        for index, time, shift, affine in zip(
            drift.frame_indices, drift.times, drift.shifts, drift.affines, strict=True
        ):
            numbers = [*shift[::-1], *affine[:2].ravel()]
            seconds = f"{time:.6g}" if drift.timed else ""
            writer.writerow([index, seconds, *_cells(numbers)])


def _turn_back(frame: Float64, turn: Float64) -> Float64:
    """Undo what turned and stretched a frame about its middle."""
    from scipy.ndimage import affine_transform

    if np.array_equal(turn, np.eye(2)):
        return frame
    middle = (np.array(frame.shape) - 1) / 2
    turned = affine_transform(frame, turn, offset=middle - turn @ middle, order=1)
    return np.asarray(turned, dtype=np.float64)


def _affine(turn: Float64, shift: Float64, shape: Sequence[int]) -> Float64:
    """Compose the affine of a frame that was turned back before it was compared."""
    middle = (np.array(shape) - 1) / 2
    affine = np.eye(3)
    affine[:2, :2] = turn
    affine[:2, 2] = turn @ (shift - middle) + middle
    return affine


def _correct_frame(movie: Movie, index: int, affine: Float64) -> NDArray[np.float32]:
    from scipy.ndimage import affine_transform

    frame = movie.frame(index).astype(np.float32)
    corrected = affine_transform(
        frame, affine[:2, :2], offset=affine[:2, 2], order=1, cval=np.nan, output=np.float32
    )
    return np.asarray(corrected)


def _cells(numbers: Sequence[float]) -> list[str]:
    return ["" if np.isnan(number) else f"{number:.6g}" for number in numbers]
