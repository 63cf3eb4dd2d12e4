"""Atoms that were found against those that are there: each belongs to one at most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from napari_lattice_symmetry.atoms.reading import read_atoms
from napari_lattice_symmetry.atoms.table import ATOM, Atoms, nearest_neighbors
from napari_lattice_symmetry.data.movie import NANOMETER
from napari_lattice_symmetry.errors import InputError

Float = NDArray[np.float64]
Integer = NDArray[np.int64]

_Points: TypeAlias = tuple[Float, Integer]  # places and frames

_OTHER_UNITS, _OF_FEW = 8, 20
"""How many times wider found atoms may spread than the truth before units are doubted, if there
are enough of both, and if not; angstrom are 10 times as many as nanometers."""

_ENOUGH = 12

_NOT_CLASSIFIED = (
    "Classes were not compared, as the atoms that were found have none; classify them first."
)


@dataclass(frozen=True)
class ClassScore:
    """How well the atoms of one class were found and named.

    Parameters
    ----------
    precision, recall, f1 : float
        Of the class; NaN where it has no atoms.
    found, true : int
        How many there are.
    """

    precision: float
    recall: float
    f1: float
    found: int
    true: int


@dataclass(frozen=True, eq=False)
class Score:
    """What a comparison with a truth says.

    Parameters
    ----------
    precision, recall, f1 : float
        Share of the found atoms that are there, of those that are there that were found, and
        their harmonic mean; NaN where there are none.
    error : float
        Root mean square of the distances of the pairs, in `unit`.
    bias : (float, float)
        Mean of found minus true along y and x, in `unit`.
    radius : float
        Within which a pair was allowed, in `unit`.
    unit : {"nm", "px"}
        Of lengths.
    pairs : ndarray of int, shape (m, 2)
        Rows of the found atom and of the true one.
    extra, missed : ndarray of int, shape (k,)
        Rows of found atoms that are not there, and of true ones that were not found.
    classes : dict of str to ClassScore
        Each label of the truth; none where the truth has labels and what was found was not
        classified.
    remarks : tuple of str
        Sentences on what was not compared.
    """

    precision: float
    recall: float
    f1: float
    error: float
    bias: tuple[float, float]
    radius: float
    unit: str
    pairs: Integer = field(repr=False)
    extra: Integer = field(repr=False)
    missed: Integer = field(repr=False)
    classes: Mapping[str, ClassScore] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def score(
    atoms: Atoms,
    truth: Atoms | ArrayLike | str | Path,
    radius: float,
    *,
    unit: Literal["nm", "px"] | None = None,
    ignore: Atoms | ArrayLike | None = None,
) -> Score:
    """Compare found atoms with a truth, one to one.

    As many pairs as possible are made within the radius, and of all ways to make so many, that of
    the least sum of squared distances is taken (the Hungarian method).

    Parameters
    ----------
    atoms : Atoms
        What was found.
    truth : Atoms, array_like of shape (n, 2) or (n, 3), or path
        What is there: (y, x) or (frame, y, x) in pixels, or a file that `read_atoms` reads.
    radius : float
        Greatest distance of a pair.
    unit : {"nm", "px"}, optional
        Of the radius; nm where the atoms have a pixel size, else px.
    ignore : Atoms or array_like, optional
        Atoms that count neither way, such as those of a clump: what was found nearer to one of
        them, and within the radius, is left out.

    Returns
    -------
    Score
        With precision, recall, F1, of each class too, and the localization error.

    Raises
    ------
    InputError
        If the radius is not positive or longer than neighbors of the truth are apart, nm are asked
        for without a pixel size, or the truth seems to be in other units, or has places that are
        not known.

    Examples
    --------
    >>> found = nls.atoms.Atoms.at([10, 30], [10, 50])
    >>> told = nls.atoms.score(found, [[10.3, 10], [80, 80]], radius=2)
    >>> told.precision, told.recall, round(told.error, 2), told.unit
    (0.5, 0.5, 0.3, 'px')
    """
    measure = unit or (NANOMETER if atoms.calibrated else "px")
    if not 0 < radius < np.inf:
        raise InputError(f"The radius {radius} must be positive and finite.")
    if measure == NANOMETER and atoms.pixel_size is None:
        raise InputError(
            "The radius is in nm, and the atoms have no pixel size; give it to find_atoms, "
            "or a radius in px."
        )
    true = _as_truth(truth, atoms)
    scale = np.array(atoms.pixel_size if measure == NANOMETER else (1.0, 1.0))
    _check_units(atoms, true)
    places, others = atoms.positions * scale, true.positions * scale
    _check_radius(radius, others, true.frame, measure)
    kept = np.arange(len(atoms))
    if ignore is not None:
        left_out = _as_truth(ignore, atoms)
        kept = kept[
            ~_nearer(
                (places, atoms.frame),
                (others, true.frame),
                (left_out.positions * scale, left_out.frame),
                radius,
            )
        ]
    pairs = [
        np.stack([kept[rows][i], columns[j]], axis=1)
        for rows, columns in _of_each_frame(atoms.frame[kept], true.frame)
        for i, j in [match(places[kept[rows]], others[columns], radius)]
    ]
    matched = np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)
    apart = places[matched[:, 0]] - others[matched[:, 1]]
    precision, recall, f1 = _rates(len(matched), len(kept), len(true))
    n = len(matched)
    is_named = _is_named(atoms[kept].label, true.label)
    return Score(
        precision,
        recall,
        f1,
        float(np.sqrt(np.square(apart).sum() / n)) if n else np.nan,
        (float(apart[:, 0].mean()), float(apart[:, 1].mean())) if n else (np.nan, np.nan),
        radius,
        measure,
        matched,
        np.setdiff1d(kept, matched[:, 0]),
        np.setdiff1d(np.arange(len(true)), matched[:, 1]),
        _class_scores(atoms[kept].label, true.label, atoms.label, matched) if is_named else {},
        () if is_named else (_NOT_CLASSIFIED,),
    )


def match(found: Float, true: Float, radius: float) -> tuple[Integer, Integer]:
    """Pair points one to one within a radius.

    Parameters
    ----------
    found, true : ndarray, shape (n, 2) and (m, 2)
        Points.
    radius : float
        Greatest distance of a pair.

    Returns
    -------
    rows, columns : ndarray of int, shape (k,)
        Numbers of the points of each pair.
    """
    if not len(found) or not len(true):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    near = KDTree(found).sparse_distance_matrix(
        KDTree(true), np.nextafter(radius, np.inf), output_type="coo_matrix"
    )
    # Points far from each other decide nothing together: each cluster is matched by itself.
    n = len(found)
    links = _graph(near.row, near.col + n, n + len(true))
    cluster = connected_components(links, directed=False)[1][near.row]
    order = np.argsort(cluster, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1)
    rows, columns = [], []
    for part in parts:
        if not len(part):
            continue
        i, to_i = np.unique(near.row[part], return_inverse=True)
        j, to_j = np.unique(near.col[part], return_inverse=True)
        # A pair too many always costs more than all distances together.
        cost = np.full((len(i), len(j)), (min(len(i), len(j)) + 1) * radius**2)
        cost[to_i, to_j] = near.data[part] ** 2
        chosen_i, chosen_j = linear_sum_assignment(cost)
        allowed = cost[chosen_i, chosen_j] <= radius**2
        rows.append(i[chosen_i[allowed]])
        columns.append(j[chosen_j[allowed]])
    if not rows:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.concatenate(rows).astype(np.int64), np.concatenate(columns).astype(np.int64)


def _graph(rows: NDArray[np.integer], columns: NDArray[np.integer], n: int) -> Any:
    from scipy.sparse import coo_matrix

    return coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(n, n))


def _as_truth(truth: Atoms | ArrayLike | str | Path, atoms: Atoms) -> Atoms:
    if isinstance(truth, Atoms):
        if not np.isfinite(truth.positions).all():
            raise InputError(f"{truth.name} has atoms whose place is not known; leave them out.")
        return truth
    if isinstance(truth, str | Path):
        return read_atoms(truth, atoms.pixel_size)
    points = np.asarray(truth, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] not in (2, 3) or not np.isfinite(points).all():
        raise InputError(
            f"An array of shape {points.shape} is no truth; give finite (y, x) or (frame, y, x)."
        )
    frame = points[:, 0].astype(np.int64) if points.shape[1] == 3 else np.zeros(len(points), int)
    return Atoms.at(points[:, -2], points[:, -1], frame=frame)


def _check_units(atoms: Atoms, true: Atoms) -> None:
    if len(atoms) < 3 or len(true) < 3:
        return
    one, other = (float(np.ptp(each.positions, axis=0).max()) for each in (atoms, true))
    doubtful = _OTHER_UNITS if min(len(atoms), len(true)) >= _ENOUGH else _OF_FEW
    if one > doubtful * other or other > doubtful * one:
        raise InputError(
            f"The truth spreads over {other:.4g} px and the atoms over {one:.4g} px: it seems to "
            "be in other units; give it in pixels, or as a table with the columns y_nm and x_nm."
        )


def _check_radius(radius: float, true: Float, frame: Integer, unit: str) -> None:
    apart = nearest_neighbors(true[:, 0], true[:, 1], frame)
    if not np.isfinite(apart).any():
        return
    usual = float(np.nanmedian(apart))
    if radius > usual:
        raise InputError(
            f"Within {radius:g} {unit} almost anything pairs, as neighbors of the truth are "
            f"{usual:.3g} {unit} apart; give a radius of about a third of that, in {unit}."
        )


def _of_each_frame(found: Integer, true: Integer) -> list[tuple[Integer, Integer]]:
    return [
        (np.flatnonzero(found == number), np.flatnonzero(true == number))
        for number in np.union1d(found, true)
    ]


def _nearer(found: _Points, true: _Points, ignored: _Points, radius: float) -> NDArray[np.bool_]:
    """Return which atoms lie within the radius of an ignored one, and nearer to it than to any."""
    (places, frame), left_out = found, np.zeros(len(found[0]), bool)
    for number in np.unique(frame):
        rows = np.flatnonzero(frame == number)
        distances = []
        for points, frames in (ignored, true):
            some = points[frames == number]
            empty = np.full(len(rows), np.inf)
            distances.append(KDTree(some).query(places[rows])[0] if len(some) else empty)
        left_out[rows] = (distances[0] <= radius) & (distances[0] < distances[1])
    return left_out


def _rates(pairs: int, found: int, true: int) -> tuple[float, float, float]:
    precision = pairs / found if found else np.nan
    recall = pairs / true if true else np.nan
    f1 = 2 * pairs / (found + true) if found + true else np.nan
    return precision, recall, f1


def _is_named(found: NDArray[np.str_], true: NDArray[np.str_]) -> bool:
    """Return whether classes can be compared: not if only the truth has any."""
    return not len(found) or not (found == ATOM).all() or bool((true == ATOM).all())


def _class_scores(
    kept: NDArray[np.str_], true: NDArray[np.str_], all_found: NDArray[np.str_], pairs: Integer
) -> dict[str, ClassScore]:
    scores = {}
    for name in np.unique(true).tolist():
        right = (all_found[pairs[:, 0]] == name) & (true[pairs[:, 1]] == name)
        found, there = int((kept == name).sum()), int((true == name).sum())
        scores[name] = ClassScore(*_rates(int(right.sum()), found, there), found, there)
    return scores
