"""A column of a table that goes along with a movie: a temperature, a voltage, a dose."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError, guard

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Float64 = NDArray[np.float64]

_FRAME = {"frame", "frames", "index"}
_TIME = re.compile(r"(?:(?i:time)|t)[ _]*[(\[]?(?P<unit>[a-z]*)[)\]]?")  # T is a temperature
_SECONDS = {"": 1.0, "s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0}


class _Timed(Protocol):
    """What has frames and times: a result, or a curve."""

    @property
    def frame_indices(self) -> NDArray[np.int64]: ...

    @property
    def times(self) -> Float64: ...


@dataclass(frozen=True, eq=False)
class Column:
    """A quantity that was recorded beside a movie.

    Attributes
    ----------
    name : str
        As the table calls it, with its unit if that is there.
    by : {"frame", "time"}
        What its rows stand for.
    places : numpy.ndarray, shape (n,), float64
        Frames of the movie, from 0, or seconds since its first frame; growing.
    values : numpy.ndarray, shape (n,), float64
        What was recorded there.
    """

    name: str
    by: Literal["frame", "time"]
    places: Float64
    values: Float64

    def at(self, of: _Timed, *, timed: bool) -> Float64:
        """Return the value at every frame, linear between rows.

        Parameters
        ----------
        of : MovieResult or Curve
            Whose frames.
        timed : bool
            Whether its times are seconds.

        Returns
        -------
        numpy.ndarray, shape (T,), float64
            NaN before the first row and after the last.

        Raises
        ------
        InputError
            If the rows are times and the movie has none, or no frame lies between the rows.
        """
        if self.by == "time" and not timed:
            raise InputError(
                f"{self.name!r} is given by time, and the movie has no frame time; give the frame "
                "time, or a table with a column called frame."
            )
        asked = of.times if self.by == "time" else of.frame_indices.astype(np.float64)
        found = np.interp(asked, self.places, self.values, left=np.nan, right=np.nan)
        if len(asked) and not np.isfinite(found).any():
            unit = "s" if self.by == "time" else "frames"
            raise InputError(
                f"{self.name!r} is known from {self.places[0]:g} to {self.places[-1]:g} {unit}, "
                f"and the analyzed frames are from {asked[0]:g} to {asked[-1]:g}."
            )
        return np.asarray(found, dtype=np.float64)


def list_columns(path: str | Path) -> list[str]:
    """List the columns of a table that can be an axis: all but the frame and the time.

    Parameters
    ----------
    path : str or pathlib.Path
        As for `read_column`.

    Returns
    -------
    list of str
        At least one.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no such column.
    """
    header, _ = _read(Path(path))
    return [name for name in header if _meaning(name)[0] == "value"]


def read_column(path: str | Path, name: str | None = None) -> Column:
    r"""Read a column of a table, such as a log of the temperature.

    The first line names the columns, which are separated by commas, semicolons or tabs. A column
    that is called ``frame`` holds frames of the movie, from 0; one that is called ``time``, with
    its unit if that is not s, as in ``time (min)`` or ``time_ms``, holds the time since the first
    frame. Without either, each row is a frame. Rows without a number are left out; of several at
    the same place the mean is taken.

    Parameters
    ----------
    path : str or pathlib.Path
        The CSV file.
    name : str, optional
        Of the column; the first that is neither frame nor time if not given.

    Returns
    -------
    Column
        In order of its places.

    Raises
    ------
    InputError
        If the file cannot be read, or has no such column, or no number in it.

    Examples
    --------
    >>> from pathlib import Path
    >>> import napari_lattice_symmetry as nls
    >>> _ = Path("log.csv").write_text("time (min),temperature (K)\n0,300\n10,600\n")
    >>> column = nls.evolution.read_column("log.csv")
    >>> column.name, column.by, column.places.tolist(), column.values.tolist()
    ('temperature (K)', 'time', [0.0, 600.0], [300.0, 600.0])
    """
    path = Path(path)
    header, rows = _read(path)
    choices = [each for each in header if _meaning(each)[0] == "value"]
    chosen = choices[0] if name is None else name
    if chosen not in choices:
        raise InputError(f"{path} has no column {chosen!r}; it has {', '.join(choices)}.")
    values = _numbers(rows, header.index(chosen))
    by: Literal["frame", "time"] = "frame"
    places = np.arange(len(rows), dtype=np.float64)
    keys = {_meaning(each): at for at, each in enumerate(header) if each not in choices}
    for (kind, factor), at in sorted(keys.items()):  # a frame says more than a time
        by, places = "frame" if kind == "frame" else "time", factor * _numbers(rows, at)
        break
    known = np.isfinite(values) & np.isfinite(places)
    if not known.any():
        raise InputError(f"{path} has no number in its column {chosen!r}.")
    unique, place = np.unique(places[known], return_inverse=True)
    means = np.bincount(place, values[known]) / np.bincount(place)
    return Column(chosen, by, unique, means)


def label_axis(axes: Axes, *, timed: bool, along: Column | None = None) -> None:
    """Write what the horizontal axis of an evolution is."""
    name = ("Time (s)" if timed else "Frame") if along is None else along.name
    axes.set_xlabel(name, parse_math=False)


def _meaning(name: str) -> tuple[Literal["frame", "time", "value"], float]:
    """Tell what a column is, and what to multiply it by."""
    if name.lower() in _FRAME:
        return "frame", 1.0
    match = _TIME.fullmatch(name)
    if match and match["unit"] in _SECONDS:
        return "time", _SECONDS[match["unit"]]
    if name.lower().startswith("time"):
        raise InputError(f"The unit of {name!r} is not known; call the column time_s, in seconds.")
    return "value", 1.0


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    """Read the header and the rows, which have as many cells."""
    with guard(f"{path} cannot be read as a table", InputError):
        text = path.read_text(encoding="utf-8-sig")
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    lines = [line for line in csv.reader(text.splitlines(), delimiter=delimiter) if any(line)]
    header = [name.strip() for name in lines[0]] if lines else []
    if not any(_meaning(name)[0] == "value" for name in header if name) or len(lines) < 2:
        raise InputError(
            f"{path} is no table of a quantity; its first line has to name the columns, and rows "
            "of numbers have to follow."
        )
    if delimiter != ",":  # then a comma may be that of a decimal number
        lines = [[cell.replace(",", ".") for cell in line] for line in lines]
    width = len(header)
    return header, [[*line, *[""] * width][:width] for line in lines[1:]]


def _numbers(rows: list[list[str]], at: int) -> Float64:
    """Read the cells of a column; NaN where there is no number."""

    def number(cell: str) -> float:
        try:
            return float(cell)
        except ValueError:
            return float("nan")

    return np.array([number(row[at]) for row in rows], dtype=np.float64)
