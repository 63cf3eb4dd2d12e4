"""What there is to know of a map: its axes, unit and colors, and how it is kept and shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import unit_name
from napari_lattice_symmetry.lattice import CLASSES, NOT_ANALYZED
from napari_lattice_symmetry.spectrum import WindowGrid

_LENGTHS = {"time": 1, "class": len(CLASSES)}


def _always(parameters: AnalysisParameters) -> bool:
    return True


@dataclass(frozen=True, kw_only=True, eq=False)
class MapSpec:
    """What there is to know of a map.

    Attributes
    ----------
    name : str
        Of the array, in a result and on the disk.
    about : str
        What it holds, in a sentence for the documentation.
    title : str
        Of the map in exports; of a map for each class, ``{part}`` stands for the class.
    short : str
        Of its layer; ``{part}`` as in `title`, and ``{unit}`` stands for the unit.
    axes : tuple of str
        In a movie's result; of a frame, without "time".
    dtype : type
        Of the values.
    kind : {"class", "flag", "probability", "number", "turn"}
        How it is drawn: labels that are classes, labels with other meanings, from black to the
        color of the class, numbers, or angles that begin anew after a turn.
    unit : str
        "length" for nm or px.
    colors : str
        Colormap of numbers.
    limits : (float, float), optional
        Range of the colormap; that of the values if there is none.
    values : mapping of int to (str, str)
        Name and color of each label value.
    nothing : str
        What 0 means, where that is an answer.
    present : callable
        Whether an analysis with these parameters makes it.
    opens : bool
        Whether a run shows it, and a result is opened with it; others are layers when asked for.
    reported : bool
        Whether a report shows it of the frames that it shows.
    """

    name: str
    about: str
    title: str
    short: str
    axes: tuple[str, ...] = ("time", "y", "x")
    dtype: type[np.generic] = np.float32
    kind: Literal["class", "flag", "probability", "number", "turn"] = "number"
    unit: str = ""
    colors: str = "viridis"
    limits: tuple[float, float] | None = None
    values: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    nothing: str = ""
    present: Callable[[AnalysisParameters], bool] = _always
    opens: bool = False
    reported: bool = False

    @property
    def on_grid(self) -> bool:
        """Whether there is a value for every window, not one for a frame."""
        return "y" in self.axes

    @property
    def is_labels(self) -> bool:
        """Whether its values are names, not numbers."""
        return bool(self.values)

    @property
    def parts(self) -> tuple[str | None, ...]:
        """The classes, where there is a map for each; None for the only one."""
        return CLASSES if "class" in self.axes else (None,)

    @property
    def titles(self) -> list[str]:
        """Title of each part."""
        return [self.title.format(part=part) for part in self.parts]

    @property
    def fill_value(self) -> float:
        """What it holds where nothing was analyzed."""
        return float("nan") if issubclass(self.dtype, np.floating) else NOT_ANALYZED

    @property
    def max_value(self) -> int | None:
        """The largest value there can be of labels; None of numbers."""
        return max(self.values, default=None)

    @property
    def time_axis(self) -> int:
        """Which axis is the time."""
        return self.axes.index("time")

    def at(self, time: int | slice) -> tuple[int | slice, ...]:
        """Index the frame or frames `time`."""
        return (slice(None),) * self.time_axis + (time,)

    def shape(self, n_frames: int, grid: WindowGrid) -> tuple[int, ...]:
        """Return the shape for a number of frames."""
        y, x = grid.shape
        lengths = {**_LENGTHS, "time": n_frames, "y": y, "x": x}
        return tuple(lengths[axis] for axis in self.axes)

    def empty(self, n_frames: int, grid: WindowGrid) -> NDArray[Any]:
        """Make the array of frames of which none is analyzed."""
        return np.full(self.shape(n_frames, grid), self.fill_value, self.dtype)

    def unit_in(self, length: str) -> str:
        """Return the unit where lengths are in `length`, the unit of a movie."""
        return unit_name(length) if self.unit == "length" else self.unit
