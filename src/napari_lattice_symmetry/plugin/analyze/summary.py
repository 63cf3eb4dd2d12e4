"""What an analysis will be, in words that need neither a viewer nor a widget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_lattice_symmetry.analysis import describe_choice, too_few_or_many
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters, suggest_window
from napari_lattice_symmetry.lattice import CLASSES, COLORS, describe_stretch
from napari_lattice_symmetry.plugin.runs.speed import Speed, last_speed
from napari_lattice_symmetry.spectrum import WindowGrid

if TYPE_CHECKING:
    from napari_lattice_symmetry.data.movie import Movie
    from napari_lattice_symmetry.spectrum.period import Period


@dataclass(frozen=True)
class Summary:
    """Lines about an analysis before it is run, or the one problem it has.

    `better_window` is the one that the lattice period suggests, if another one is set.
    """

    window: str = ""
    grid: str = ""
    time: str = ""
    distortion: str = ""
    problem: str = ""
    better_window: int | None = None

    @classmethod
    def of(
        cls,
        movie: Movie,
        parameters: AnalysisParameters,
        period: Period | None,
        loading: float = 0.0,
    ) -> Summary:
        """Describe an analysis of `movie`, whose lattice period may be known.

        The network may take some more seconds to load.

        Raises
        ------
        InputError
            If it cannot be run.
        """
        grid = WindowGrid(movie.shape[1:], parameters.window, parameters.stride)
        n_frames = len(parameters.frame_indices(len(movie)))
        better = (
            parameters.window
            if period is None
            else suggest_window(period.length, grid.frame_shape, period.min_window)
        )
        return cls(
            better_window=None if better == parameters.window else better,
            window=describe_window(movie, parameters.window, period),
            grid=describe_grid(grid, n_frames),
            time=describe_time(parameters, grid.size, n_frames, last_speed(), loading),
            distortion=describe_distortion(parameters),
        )


def describe_window(movie: Movie, window: int, period: Period | None) -> str:
    """Return the size of a window in nm if calibrated, and in periods if they are known."""
    size = ""
    if movie.calibrated:
        sizes = dict.fromkeys(f"{window * side:.3g}" for side in movie.pixel_size)
        size = " x ".join(sizes) + " nm, "
    if period is None:
        return f"{size}no clear period"
    text = size + describe_choice(movie, window, period)
    fault = too_few_or_many(window, period)
    return f"{text}: {fault}" if fault else text


def describe_grid(grid: WindowGrid, n_frames: int) -> str:
    """Return the number of windows a frame, and of frames."""
    y, x = grid.shape
    return f"{y} x {x} = {grid.size:,} a frame, {count_frames(n_frames)}"


def describe_time(
    parameters: AnalysisParameters,
    n_windows: int,
    n_frames: int,
    speed: Speed | None,
    loading: float = 0.0,
) -> str:
    """Return the expected time, with the seconds of loading, or say that it is not known."""
    if speed is None:
        return "not measured yet"
    time = describe_duration(loading + speed.seconds_per_window * n_windows * n_frames)
    if speed.fits(parameters):
        return f"about {time} for {count_frames(n_frames)}"
    return (
        f"roughly {time} for {count_frames(n_frames)}, going by the last run "
        f"({speed.network}, {speed.window} px, {speed.samples} samples)"
    )


def describe_distortion(parameters: AnalysisParameters) -> str:
    """Say which distortion of the image an analysis undoes; nothing if it undoes none."""
    if parameters.distortion is None:
        return ""
    stretch, direction = describe_stretch(np.array(parameters.distortion))
    return f"a stretch of {stretch:.3f} : 1 along {direction:.0f}° is undone"


def describe_duration(seconds: float) -> str:
    """Return a duration as a person would say it."""
    if seconds < 1:
        return "1 s"
    if seconds < 50:
        return f"{seconds:.0f} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def count_frames(n: int) -> str:
    """Say "1 frame" or "90 frames"."""
    return f"{n} frame" if n == 1 else f"{n} frames"


def describe_classes(shares: Iterable[float] | None = None) -> str:
    """Name the classes in their colors, with the share of each if it is known."""
    percents = [""] * len(CLASSES) if shares is None else [f" {share:.0%}" for share in shares]
    return "&nbsp; ".join(
        f'<span style="color:{COLORS[name]}">■</span>' + f" {name}{percent}".replace(" ", "&nbsp;")
        for name, percent in zip(CLASSES, percents, strict=True)
    )
