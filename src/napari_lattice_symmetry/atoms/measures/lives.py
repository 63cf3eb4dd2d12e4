"""Lives of defects: when each appears, how long it stays, and how many there are in each frame.

A defect that is there may be missed in a frame. So one that is seen again within a few frames has
been there all the time; how often that happens says how probable it is to be seen, and from that
follows how many there are in frames where some were missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms.defect_table import Defects
from napari_lattice_symmetry.atoms.measures.tracks import GAP, link, measure_drift
from napari_lattice_symmetry.atoms.table import Atoms, spacing_of
from napari_lattice_symmetry.atoms.writing import write_columns
from napari_lattice_symmetry.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Float = NDArray[np.float64]
Integer = NDArray[np.int64]

MISSING = "missing"
"""Kind of the defects that are followed unless another is asked for."""

_RADIUS = 0.5  # spacings within which it is the same site


@dataclass(frozen=True, eq=False)
class DefectLives:
    """Defects of one kind, each followed from its first frame to its last.

    Parameters
    ----------
    y, x : ndarray, shape (n,)
        Mean place in pixels of the first frame, with the drift taken off.
    birth, end : ndarray of int, shape (n,)
        First and last frame in which it was seen.
    seen : ndarray of int, shape (n,)
        In how many frames it was seen.
    is_older, lives_on : ndarray of bool, shape (n,)
        Whether it may have been there before its first frame, or after its last: since no frame
        was searched there, its site was out of view, or too few frames are left to tell.
    frames : ndarray of int, shape (t,)
        Frames that were searched.
    visible : ndarray of int, shape (t,)
        How many were seen in each.
    alive : ndarray of int, shape (t,)
        How many were there: those seen, and those that were missed in between.
    kind : str
        Of which these are.
    gap : int
        In how many frames in a row one may be missed.
    number : ndarray of int, shape (m,)
        Row of each defect that was handed in; -1 of those that are of another kind.
    """

    y: Float
    x: Float
    birth: Integer
    end: Integer
    seen: Integer
    is_older: NDArray[np.bool_]
    lives_on: NDArray[np.bool_]
    frames: Integer
    visible: Integer
    alive: Integer
    kind: str
    gap: int
    number: Integer

    def __len__(self) -> int:
        return len(self.y)

    @property
    def detection(self) -> float:
        """Probability that one that is there is seen; NaN where none was followed.

        Counted between the first and the last sight of each, which are seen by definition.
        """
        between, seen = self._between()
        return seen / between if between else np.nan

    @property
    def detection_error(self) -> float:
        """Standard error of `detection`, by the rule of succession."""
        between, seen = self._between()
        share = (seen + 1) / (between + 2)
        return float(np.sqrt(share * (1 - share) / (between + 2))) if between else np.nan

    @property
    def count(self) -> Float:
        """How many there are in each frame: those seen over `detection`, shape (t,)."""
        return np.asarray(self.visible / self.detection)

    @property
    def count_error(self) -> Float:
        """Standard deviation of how many there are, shape (t,).

        That of the negative binomial law which follows from how many were seen, if any number is as
        likely beforehand, and what `detection_error` adds; so that none missed so far does not mean
        that none ever is.
        """
        between, seen = self._between()
        share = (seen + 1) / (between + 2)
        missed = np.sqrt((self.visible + 1) * (1 - share)) / share
        unknown = self.visible * self.detection_error / share**2
        return np.asarray(np.hypot(missed, unknown))

    @property
    def mean_life(self) -> float:
        """Mean life in frames, if each is as likely to end in any frame; inf if none ended.

        The frames that all of them lived through over the number of those that ended (the estimate
        of maximum likelihood for an exponential law with lives that are cut off).
        """
        birth, end = np.searchsorted(self.frames, np.stack([self.birth, self.end]))
        judged = len(self.frames) - 1 - self.gap  # from here on no end can be told
        lived = float(np.maximum(np.minimum(end, judged) - birth, 0).sum())
        ended = int((~self.lives_on).sum())
        return (lived + ended) / ended if ended else np.inf

    @property
    def mean_life_error(self) -> float:
        """Standard error of `mean_life`: its share 1 / sqrt(n) of n that ended; inf if none did."""
        ended = int((~self.lives_on).sum())
        return self.mean_life / np.sqrt(ended) if ended else np.inf

    def _between(self) -> tuple[int, int]:
        """Count frames between first and last sights, and those of them with a sight."""
        position = np.searchsorted(self.frames, np.stack([self.birth, self.end]))
        length = position[1] - position[0] + 1
        return int(np.maximum(length - 2, 0).sum()), int(np.maximum(self.seen - 2, 0).sum())

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return what is known of each by name."""
        names = ("y", "x", "birth", "end", "seen", "is_older", "lives_on")
        columns = {name: getattr(self, name) for name in names}
        return {"defect": np.arange(len(self)), "kind": np.full(len(self), self.kind)} | columns

    def counts(self) -> dict[str, NDArray[Any]]:
        """Return what is known of each frame by name."""
        births, ends = (np.searchsorted(self.frames, each) for each in (self.birth, self.end))
        n = len(self.frames)
        return {
            "frame": self.frames,
            "visible": self.visible,
            "alive": self.alive,
            "count": self.count,
            "count_error": self.count_error,
            "born": np.bincount(births[~self.is_older], minlength=n),
            "ended": np.bincount(ends[~self.lives_on], minlength=n),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a table of pandas, one row a defect."""
        import pandas as pd

        return pd.DataFrame(self.columns())

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write one row a defect.

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
        write_columns(self.columns(), Path(path), overwrite=overwrite)


def follow_defects(
    defects: Defects,
    atoms: Atoms,
    kind: str = MISSING,
    radius: float | None = None,
    gap: int = GAP,
) -> DefectLives:
    """Follow defects through a movie.

    Parameters
    ----------
    defects : Defects
        As `find_defects` gives them.
    atoms : Atoms
        In whose frames they were found; they also tell the drift.
    kind : str
        Which defects are followed.
    radius : float, optional
        How far in pixels two sights of one may lie apart, beside the drift; half a spacing if not
        given. One that hops to the next site is another one.
    gap : int
        In how many frames in a row one that is there may be missed. One that is missed in more
        counts as two.

    Returns
    -------
    DefectLives

    Raises
    ------
    InputError
        If the radius is not positive, or the gap is negative.

    Examples
    --------
    >>> y, x = np.mgrid[0:60:20, 0:60:20].reshape(2, -1)
    >>> frame = np.repeat(np.arange(4), 9)
    >>> atoms = nls.atoms.Atoms.at(np.tile(y, 4), np.tile(x, 4), frame=frame, spacing=20)
    >>> seen = nls.atoms.Defects.at(["missing"] * 3, [10] * 3, [10] * 3, frame=[0, 1, 3])
    >>> lives = nls.atoms.follow_defects(seen, atoms)
    >>> lives.visible.tolist(), lives.alive.tolist()
    ([1, 1, 0, 1], [1, 1, 1, 1])
    """
    reach = _RADIUS * spacing_of(atoms) if radius is None else radius
    if not 0 < reach < np.inf:
        raise InputError(f"A radius of {reach:g} px follows no defect; it must be positive.")
    if gap < 0:
        raise InputError(f"A gap of {gap} frames cannot be; it must be 0 or more.")
    frames = np.setdiff1d(atoms.frame, defects.left_out)
    shifts = measure_drift(atoms)
    rows = np.flatnonzero((defects.kind == kind) & np.isin(defects.frame, frames))
    some = defects[rows]
    still = np.stack([some.y, some.x], axis=1) - shifts[some.frame]
    position = np.searchsorted(frames, some.frame)  # frames that were left out are no gap
    numbers = link(still, position, reach, gap)
    number = np.full(len(defects.y), -1, np.int64)
    number[rows] = numbers
    n = int(numbers.max()) + 1 if len(numbers) else 0
    seen = np.bincount(numbers, minlength=n)
    birth, end = np.full(n, len(frames)), np.full(n, -1)
    np.minimum.at(birth, numbers, position)
    np.maximum.at(end, numbers, position)
    place = np.stack([np.bincount(numbers, column, n) for column in still.T], axis=1)
    place = place / np.maximum(seen, 1)[:, np.newaxis]
    in_view = _in_view(place, atoms, frames, shifts)
    time = np.arange(len(frames))[:, np.newaxis]
    alive = ((birth <= time) & (time <= end)).sum(axis=1)
    return DefectLives(
        place[:, 0],
        place[:, 1],
        frames[birth] if n else np.empty(0, np.int64),
        frames[end] if n else np.empty(0, np.int64),
        seen,
        ~_looked_at(in_view, birth - 1 - gap, birth - 1, len(frames)),
        ~_looked_at(in_view, end + 1, end + 1 + gap, len(frames)),
        frames,
        np.bincount(position, minlength=len(frames)),
        alive,
        kind,
        gap,
        number,
    )


def _in_view(place: Float, atoms: Atoms, frames: Integer, shifts: Float) -> NDArray[np.bool_]:
    """Return which sites lie among the atoms of which frame, shape (n, t)."""
    corners = np.array(
        [
            [each.min(axis=0), each.max(axis=0)]
            for number in frames
            for each in [atoms.positions[atoms.frame == number]]
        ]
    ).reshape(-1, 2, 2)
    seen_at = place[:, np.newaxis] + shifts[frames]
    inside = (seen_at >= corners[:, 0]) & (seen_at <= corners[:, 1])
    return np.asarray(inside.all(axis=-1))


def _looked_at(
    in_view: NDArray[np.bool_], first: Integer, last: Integer, n_frames: int
) -> NDArray[np.bool_]:
    """Return whether a site was in view in all frames from the first to the last, shape (n,)."""
    time = np.arange(n_frames)
    asked = (time >= first[:, np.newaxis]) & (time <= last[:, np.newaxis])
    are_there = (first >= 0) & (last < n_frames)
    return np.asarray(are_there & (in_view | ~asked).all(axis=1))
