"""Defects as a table: what kind, where, how surely."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import check_free, replacing

if TYPE_CHECKING:
    import pandas as pd

MISSING, EXTRA, DISPLACED = "missing", "extra", "displaced"
BRIGHTER, DIMMER, ROTATED = "brighter", "dimmer", "rotated bond"


@dataclass(frozen=True, eq=False)
class Defects:
    """Defects of an image, or of the frames of a movie.

    Parameters
    ----------
    kind : ndarray of str, shape (n,)
        What is wrong.
    y, x : ndarray, shape (n,)
        Place in pixels.
    confidence : ndarray, shape (n,)
        Score from 0 to 1, the higher the surer; not calibrated, so no probability.
    frame : ndarray of int, shape (n,)
        Number of the frame, from 0.
    left_out : tuple of int
        Frames that were not searched.
    remarks : tuple of str
        Sentences on what was not judged, and why.
    """

    kind: NDArray[np.str_]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    confidence: NDArray[np.float64]
    frame: NDArray[np.int64]
    left_out: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()

    @classmethod
    def at(
        cls,
        kind: ArrayLike,
        y: ArrayLike,
        x: ArrayLike,
        confidence: ArrayLike | None = None,
        frame: ArrayLike | None = None,
    ) -> Defects:
        """Return defects at places, sure ones of the frame 0 where nothing else is given.

        Parameters
        ----------
        kind, y, x, confidence, frame : array_like, shape (n,)
            The columns.
        """
        y = np.asarray(y, dtype=np.float64)
        return cls(
            np.asarray(kind, dtype=str),
            y,
            np.asarray(x, dtype=np.float64),
            np.ones(len(y)) if confidence is None else np.asarray(confidence, dtype=np.float64),
            np.zeros(len(y), np.int64) if frame is None else np.asarray(frame, dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, chosen: Any) -> Defects:
        index = np.atleast_1d(np.arange(len(self))[chosen])
        columns: dict[str, Any] = {name: each[index] for name, each in self.columns().items()}
        return replace(self, **columns)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns by name, the frame first."""
        return {name: getattr(self, name) for name in ("frame", "kind", "y", "x", "confidence")}

    def to_frame(self) -> pd.DataFrame:
        """Return a table of pandas, one row a defect."""
        import pandas as pd

        return pd.DataFrame(self.columns())

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the table.

        Parameters
        ----------
        path : path
            A ``.csv``.
        overwrite : bool
            Replace a file that is there.

        Raises
        ------
        InputError
            If the ending is another one, or something is in the way.
        """
        path = Path(path)
        if path.suffix.lower() != ".csv":
            raise InputError(f"{path} must end in .csv.")
        check_free(path, overwrite=overwrite)
        columns = self.columns()
        with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(zip(*(each.tolist() for each in columns.values()), strict=True))
