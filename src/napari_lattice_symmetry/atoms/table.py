"""Atoms as a table: where they are, how surely and how exactly, in pixels of their frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_lattice_symmetry.atoms.finding.scaling import SPACINGS
from napari_lattice_symmetry.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Float = NDArray[np.float64]

ATOM = "atom"
"""Label of what no class was given to."""

VECTORS = ("displacement", "polarization")
"""Further columns that are lengths of vectors; with _y and _x, their components."""

GRAIN = "grain"
"""The column that says of which grain an atom is; 0 of none."""

_ENOUGH = 12  # atoms whose neighbors are held against the spacing
_ALIKE = 0.3  # spread between quartiles of distances that are one, as a share of it

_PLAIN = ("pixel_size", "spacing", "name", "more", "unclear")


@dataclass(frozen=True, eq=False)
class Atoms:
    """Atoms, or columns of atoms, of an image or of the frames of a movie.

    All lengths are pixels of the frame, whose first pixel is centered at 0. What is not known is
    NaN. ``atoms[mask]`` has some of them, ``len(atoms)`` is their number.

    Parameters
    ----------
    y, x : ndarray, shape (n,)
        Place, refined where that succeeded, with fractions of a pixel.
    confidence : ndarray, shape (n,)
        Probability that there is an atom.
    label : ndarray of str, shape (n,)
        Class; "atom" where none was told.
    frame : ndarray of int, shape (n,)
        Number of the frame, from 0.
    y_error, x_error : ndarray, shape (n,)
        Standard errors of the place.
    raw_y, raw_x : ndarray, shape (n,)
        Place before it was refined.
    intensity, intensity_error : ndarray, shape (n,)
        Height of the fitted peak above its surroundings, in gray values, with standard error.
    sigma : ndarray, shape (n,)
        Standard deviation of the fitted peak.
    neighbor : ndarray, shape (n,)
        Distance of the nearest other atom in the frame.
    pixel_size : (float, float), optional
        Along y and x in nm, where it is known.
    spacing : float, optional
        Distance between neighbors that the search went by.
    name : str
        Of the movie.
    more : mapping of str to ndarray, shape (n,)
        Further columns.
    unclear : tuple of int
        Frames in which the finder saw no clear columns.

    Raises
    ------
    InputError
        If columns are not of one length.
    """

    y: Float
    x: Float
    confidence: Float
    label: NDArray[np.str_]
    frame: NDArray[np.int64]
    y_error: Float
    x_error: Float
    raw_y: Float
    raw_x: Float
    intensity: Float
    intensity_error: Float
    sigma: Float
    neighbor: Float
    pixel_size: tuple[float, float] | None = None
    spacing: float | None = None
    name: str = "atoms"
    more: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    unclear: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for title, column in self.columns().items():
            if column.shape != (len(self.y),):
                raise InputError(
                    f"{self.name}: the column {title!r} has the shape {column.shape}; "
                    f"it should have a value for each of {len(self.y)} atoms."
                )

    @classmethod
    def at(cls, y: ArrayLike, x: ArrayLike, **known: Any) -> Atoms:
        """Return atoms at places, with NaN for all that is not given.

        Parameters
        ----------
        y, x : array_like, shape (n,)
            In pixels.
        **known
            Other fields.
        """
        y, x = (np.atleast_1d(np.asarray(each, dtype=np.float64)) for each in (y, x))
        n = len(y)
        values: dict[str, Any] = {
            "confidence": np.ones(n),
            "label": np.full(n, ATOM),
            "frame": np.zeros(n, np.int64),
            "raw_y": y,
            "raw_x": x,
        }
        for each in fields(cls):
            if each.name not in (*values, *_PLAIN, "y", "x"):
                values[each.name] = np.full(n, np.nan)
        for title, column in known.items():
            values[title] = column if title in _PLAIN else np.asarray(column)
        if "neighbor" not in known:
            values["neighbor"] = nearest_neighbors(y, x, values["frame"])
        return cls(y=y, x=x, **values)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, chosen: Any) -> Atoms:
        index = np.atleast_1d(np.arange(len(self))[chosen])
        return self._with({title: column[index] for title, column in self.columns().items()})

    @property
    def errors(self) -> Float:
        """Standard errors along y and x, shape (n, 2)."""
        return np.stack([self.y_error, self.x_error], axis=1)

    @property
    def positions(self) -> Float:
        """Places (y, x), shape (n, 2)."""
        return np.stack([self.y, self.x], axis=1)

    @property
    def calibrated(self) -> bool:
        """Whether the pixel size is known."""
        return self.pixel_size is not None

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on what speaks against what was found; none if nothing does."""
        return tuple(_doubts(self))

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return all columns by name, the frame first and further ones last."""
        first = {"frame": self.frame}
        own = [each.name for each in fields(self) if each.name not in _PLAIN]
        return first | {title: getattr(self, title) for title in own} | dict(self.more)

    def with_columns(self, **columns: NDArray[Any]) -> Atoms:
        """Return the same atoms with further columns, shape (n,) each, or with others instead."""
        return self._with(self.columns() | columns)

    def _with(self, columns: dict[str, NDArray[Any]]) -> Atoms:
        """Return atoms of other columns, those that are not own ones as further ones."""
        own = {each.name for each in fields(self)}
        values: dict[str, Any] = {k: v for k, v in columns.items() if k in own}
        return replace(self, **values, more={k: v for k, v in columns.items() if k not in own})

    def to_frame(self) -> pd.DataFrame:
        """Return a table of pandas, one row an atom.

        Returns
        -------
        pandas.DataFrame
            The columns of `Atoms`, in pixels; where the pixel size is known also ``y_nm``,
            ``x_nm``, their errors, ``neighbor_nm``, and displacements and polarization if there
            are any.

        Raises
        ------
        InputError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            raise InputError(
                "A table of pandas needs pandas, which is not installed; install it by "
                'pip install pandas, or save a file by atoms.save("atoms.csv").'
            ) from error
        return pd.DataFrame(self.table())

    def table(self) -> dict[str, NDArray[Any]]:
        """Return the columns of `to_frame` by name."""
        columns = self.columns()
        if self.pixel_size is None:
            return columns
        height, width = self.pixel_size
        lengths = {
            "y_nm": self.y * height,
            "x_nm": self.x * width,
            "y_error_nm": self.y_error * height,
            "x_error_nm": self.x_error * width,
            "neighbor_nm": nearest_neighbors(self.y * height, self.x * width, self.frame),
        }
        for name in VECTORS:
            if name in self.more:
                y, x = self.more[f"{name}_y"] * height, self.more[f"{name}_x"] * width
                lengths |= {f"{name}_y_nm": y, f"{name}_x_nm": x, f"{name}_nm": np.hypot(y, x)}
        return columns | lengths

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the table, in the format that the ending of the name says.

        Parameters
        ----------
        path : path
            ``.csv``, ``.parquet`` (with all digits), ``.xyz``, or ``.extxyz``: extended XYZ, which
            keeps all columns. Both of XYZ are in nanometers, x to the right and y down, with one
            block a frame.
        overwrite : bool
            Replace a file that is there.

        Raises
        ------
        InputError
            If the ending is another one, something is in the way, or the pixel size that lengths
            need is not known.
        """
        from napari_lattice_symmetry.atoms.writing import write_atoms

        write_atoms(self, Path(path), overwrite=overwrite)


def join(tables: Sequence[Atoms]) -> Atoms:
    """Join the tables of several frames; name, spacing and pixel size are those of the first.

    Parameters
    ----------
    tables : sequence of Atoms
        At least one, all with the same further columns.

    Returns
    -------
    Atoms
        In the order of the tables.
    """
    first = tables[0]
    columns = [each.columns() for each in tables]
    joined = {title: np.concatenate([each[title] for each in columns]) for title in columns[0]}
    unclear = sorted({number for each in tables for number in each.unclear})
    return replace(first.with_columns(**joined), unclear=tuple(unclear))


def _doubts(atoms: Atoms) -> Iterator[str]:
    if atoms.unclear:
        listed = list_frames(atoms.unclear)
        yield (
            f"No clear columns in {listed}: what was found there may be noise, or lie between dark "
            "atoms on a bright ground, of which the negative has to be given."
        )
    if atoms.spacing is not None and not len(atoms):
        yield f"No atom was found; the spacing of {atoms.spacing:.3g} px may be too large."
    known = atoms.neighbor[np.isfinite(atoms.neighbor)]
    if atoms.spacing is None or len(known) < _ENOUGH:
        return
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75)).tolist()
    times = middle / atoms.spacing
    # Single atoms are any distance apart, and none of them is the spacing.
    if times < SPACINGS[0] or (times > SPACINGS[1] and high - low < _ALIKE * middle):
        yield (
            f"Atoms were found {middle:.3g} px apart, {times:.2g} times the spacing of "
            f"{atoms.spacing:.3g} px; it should be {SPACINGS[0]:g} to {SPACINGS[1]:g} times: "
            f"find them with a spacing of {middle:.3g} px."
        )


def nearest_neighbors(y: Float, x: Float, frame: NDArray[np.int64]) -> Float:
    """Measure how far the nearest other atom of the frame is, shape (n,); NaN of lone ones."""
    from scipy.spatial import KDTree

    distances = np.full(len(y), np.nan)
    for number in np.unique(frame):
        rows = np.flatnonzero((frame == number) & np.isfinite(y) & np.isfinite(x))
        if len(rows) > 1:
            points = np.stack([y[rows], x[rows]], axis=1)
            nearest, _ = KDTree(points).query(points, k=2)
            distances[rows] = np.asarray(nearest)[:, 1]
    return distances


def spacing_of(atoms: Atoms) -> float:
    """Return the distance of neighbors in pixels: that of the search, else the median.

    Raises
    ------
    InputError
        If neither is known.
    """
    if atoms.spacing is not None:
        return atoms.spacing
    nearest = nearest_neighbors(atoms.y, atoms.x, atoms.frame)
    if not np.isfinite(nearest).any():
        raise InputError(
            f"{atoms.name} has no two atoms in a frame, and no spacing; give the spacing in pixels."
        )
    return float(np.nanmedian(nearest))


def list_frames(frames: Sequence[int]) -> str:
    """Say "frame 3", or "frames 3, 5 and 9 more"."""
    if len(frames) == 1:
        return f"frame {frames[0]}"
    listed = ", ".join(map(str, frames[:4]))
    more = len(frames) - 4
    return f"frames {listed}" + (f" and {more} more" if more > 0 else "")
