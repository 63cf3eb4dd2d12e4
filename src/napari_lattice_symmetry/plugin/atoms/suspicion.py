"""Which atoms to look at first: the least sure, the nearest pairs, the rims of the largest gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay, KDTree, QhullError

from napari_lattice_symmetry.atoms import Atoms

Integer = NDArray[np.intp]

MAX_LISTED = 1000
"""How many are listed at most."""

_SAME_GAP = 0.5  # radii within which two centers are of one gap


@dataclass(frozen=True)
class Suspect:
    """What may be wrong.

    Parameters
    ----------
    frame : int
        Number of its frame.
    y, x : float
        Where to look, in pixels.
    rows : tuple of int
        Of the atoms that it is about.
    text : str
        What is suspicious.
    """

    frame: int
    y: float
    x: float
    rows: tuple[int, ...]
    text: str

    @property
    def key(self) -> tuple[int, float, float]:
        """What stays the same while other atoms come and go."""
        return self.frame, round(self.y, 1), round(self.x, 1)


def list_suspects(atoms: Atoms, reason: str) -> list[Suspect]:
    """List what is suspicious, the most suspicious first.

    Parameters
    ----------
    atoms : Atoms
        Of all frames.
    reason : str
        A key of `REASONS`.

    Returns
    -------
    list of Suspect
        At most `MAX_LISTED`.
    """
    return REASONS[reason](atoms)[:MAX_LISTED]


def _least_sure(atoms: Atoms) -> list[Suspect]:
    known = np.where(np.isfinite(atoms.confidence), atoms.confidence, -1)
    order = np.argsort(known, kind="stable")[:MAX_LISTED]
    return [_of_row(atoms, row, _say_confidence(atoms.confidence[row])) for row in order.tolist()]


def _say_confidence(confidence: float) -> str:
    return "confidence not known" if np.isnan(confidence) else f"confidence {confidence:.2f}"


def _nearest_pairs(atoms: Atoms) -> list[Suspect]:
    pairs: list[tuple[float, Suspect]] = []
    for rows, points in _frames(atoms):
        if len(rows) < 2:
            continue
        nearest = map(np.asarray, KDTree(points).query(points, k=2))
        distances, others = (each[:, 1] for each in nearest)
        couples = np.sort(np.stack([np.arange(len(rows)), others], axis=1), axis=1)
        couples, first = np.unique(couples, axis=0, return_index=True)
        for couple, distance in zip(couples, distances[first].tolist(), strict=True):
            y, x = points[couple].mean(axis=0).tolist()
            frame = int(atoms.frame[rows[0]])
            both = tuple(rows[couple].tolist())
            pairs.append((distance, Suspect(frame, y, x, both, f"{distance:.3g} px apart")))
    return [suspect for _, suspect in sorted(pairs, key=lambda each: each[0])]


def _largest_gaps(atoms: Atoms) -> list[Suspect]:
    gaps: list[tuple[float, Suspect]] = []
    for rows, points in _frames(atoms):
        gaps += _gaps_of_frame(int(atoms.frame[rows[0]]), rows, points)
    return [suspect for _, suspect in sorted(gaps, key=lambda each: -each[0])]


def _gaps_of_frame(
    frame: int, rows: Integer, points: NDArray[np.float64]
) -> list[tuple[float, Suspect]]:
    """List the largest empty circles, whose centers lie among the atoms."""
    try:
        mesh = Delaunay(points)
    except (QhullError, ValueError):  # fewer than three atoms, or all in a line
        return []
    center, radius = _circles(points[mesh.simplices])
    inside = np.flatnonzero(np.isfinite(radius) & (mesh.find_simplex(center) >= 0))
    gaps: list[tuple[float, Suspect]] = []
    taken = np.empty((0, 2))
    for i in inside[np.argsort(-radius[inside])][:MAX_LISTED].tolist():
        if len(taken) and (np.linalg.norm(taken - center[i], axis=1) < _SAME_GAP * radius[i]).any():
            continue
        taken = np.concatenate([taken, center[i : i + 1]])
        rim = tuple(sorted(rows[mesh.simplices[i]].tolist()))
        y, x = center[i].tolist()
        size = float(radius[i])
        gaps.append((size, Suspect(frame, y, x, rim, f"no atom within {size:.3g} px")))
    return gaps


def _circles(corners: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centers (n, 2) and radii (n,) of the circles through the corners (n, 3, 2)."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    sides = 2 * np.stack([b - a, c - a], axis=1)
    squares = np.stack([(b**2 - a**2).sum(axis=1), (c**2 - a**2).sum(axis=1)], axis=1)
    flat = np.abs(np.linalg.det(sides)) < 1e-9
    sides[flat] = np.eye(2)
    center = np.linalg.solve(sides, squares[..., np.newaxis])[..., 0]
    return center, np.where(flat, np.nan, np.linalg.norm(center - a, axis=1))


def _frames(atoms: Atoms) -> Iterator[tuple[Integer, NDArray[np.float64]]]:
    """Give rows and places (n, 2) of the atoms of each frame."""
    for number in np.unique(atoms.frame):
        rows = np.flatnonzero(atoms.frame == number)
        yield rows, atoms.positions[rows]


def _of_row(atoms: Atoms, row: int, text: str) -> Suspect:
    return Suspect(int(atoms.frame[row]), float(atoms.y[row]), float(atoms.x[row]), (row,), text)


REASONS: dict[str, Callable[[Atoms], list[Suspect]]] = {
    "lowest confidence": _least_sure,
    "shortest pair": _nearest_pairs,
    "largest gap": _largest_gaps,
}
"""What makes an atom suspicious, by name."""
