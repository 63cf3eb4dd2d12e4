"""Columns that were named in simulated focal series, against those that are there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import Atoms, FocalPicture, FocalSeries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_lattice_symmetry.atoms.focal.namer import ColumnNamer

CLASSES = ("Mo", "2S", "S")
RADIUS, BORDER = 0.06, 0.12  # nm
LEAST, DOUBTFUL = 0.5, 0.1  # confidence of a column, and of one that calibration looks at


@dataclass(frozen=True)
class Case:
    """A series, and the defoci that are told, if others than those it was recorded at."""

    series: FocalSeries
    picture: FocalPicture
    told: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Judged:
    """Columns that were found in a series, and those that are there, away from its border.

    Parameters
    ----------
    case : Case
        The series.
    found, true : Atoms
        Columns.
    partner : ndarray of int, shape (len(found),)
        Row of the true column at each, or -1.
    """

    case: Case
    found: Atoms
    true: Atoms
    partner: NDArray[np.int64]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which found columns are right in place and class."""
        named = self.true.label[self.partner] if len(self.true) else self.found.label
        return np.asarray((self.partner >= 0) & (named == self.found.label))

    def kept(self, least: float) -> Judged:
        """Leave out what is less sure."""
        found = self.found[self.found.confidence >= least]
        return Judged(self.case, found, self.true, partners(found, self.true))

    def f1(self, label: str) -> float:
        """Of one class; NaN where the series has none and none was found."""
        return Tally([self]).f1(label)


def partners(found: Atoms, true: Atoms) -> NDArray[np.int64]:
    """Give the row of the true column at each that was found, one to one, or -1."""
    rows = np.full(len(found), -1)
    if len(found) and len(true):
        pairs = nls.atoms.score(found, true, RADIUS, unit="nm").pairs
        rows[pairs[:, 0]] = pairs[:, 1]
    return rows


def judge(case: Case, network: ColumnNamer) -> Judged:
    """Name the columns of a series; the check of defoci is off."""
    picture = case.picture
    n = network.images
    found = nls.atoms.find_columns(
        picture.images[:n],
        (case.told or picture.defoci)[:n],
        picture.pixel_size,
        network=network,
        microscope=case.series.microscope,
        confidence=DOUBTFUL,
        check=False,
    )
    # The image in the middle is what places refer to: with fewer images it is another one.
    moved = picture.drift[n // 2]
    true = Atoms.at(
        picture.atoms.y + moved[0],
        picture.atoms.x + moved[1],
        label=picture.atoms.label,
        pixel_size=picture.atoms.pixel_size,
    )
    inner = away_from_border(true, picture)
    near = KDTree(true.positions[~inner]) if (~inner).any() else None
    kept = away_from_border(found, picture)
    if near is not None and len(found):
        distance, _ = near.query(found.positions)
        kept &= distance * picture.pixel_size > RADIUS
    found, true = found[kept], true[inner]
    return Judged(case, found, true, partners(found, true))


def away_from_border(atoms: Atoms, picture: FocalPicture) -> NDArray[np.bool_]:
    """Tell which columns are far enough from the border to be seen whole."""
    least = BORDER / picture.pixel_size
    most = np.array(picture.images.shape[1:]) - 1 - least
    return np.asarray(((atoms.positions >= least) & (atoms.positions <= most)).all(axis=1))


class Tally:
    """Counts over series.

    Parameters
    ----------
    series : list of Judged
        As found, with what is doubtful.
    refused : int
        How many others there were.
    """

    def __init__(self, series: list[Judged], refused: int = 0) -> None:
        self.refused = refused
        self.doubtful = series
        self.series = [each.kept(LEAST) for each in series]

    def _counts(self, label: str) -> tuple[int, int, int]:
        right = sum(int(each.right[each.found.label == label].sum()) for each in self.series)
        found = sum(int((each.found.label == label).sum()) for each in self.series)
        true = sum(int((each.true.label == label).sum()) for each in self.series)
        return right, found, true

    def precision(self, label: str) -> float:
        """Share of the columns of a name that are of that class."""
        right, found, _ = self._counts(label)
        return right / found if found else float("nan")

    def recall(self, label: str) -> float:
        """Share of the columns of a class that are found under their name."""
        right, _, true = self._counts(label)
        return right / true if true else float("nan")

    def f1(self, label: str) -> float:
        """Of a class over all series."""
        right, found, true = self._counts(label)
        return 2 * right / (found + true) if found + true else float("nan")

    def one_sided(self) -> float:
        """Mean F1 over classes where a column that is found twice counts twice."""
        scores = []
        for label in CLASSES:
            hits, found, met, true = 0, 0, 0, 0
            for each in self.series:
                ours = each.found.positions[each.found.label == label]
                theirs = each.true.positions[each.true.label == label]
                found, true = found + len(ours), true + len(theirs)
                if len(ours) and len(theirs):
                    reach = RADIUS / each.case.picture.pixel_size
                    hits += int((KDTree(theirs).query(ours)[0] <= reach).sum())
                    met += int((KDTree(ours).query(theirs)[0] <= reach).sum())
            precision, recall = hits / max(found, 1), met / max(true, 1)
            scores.append(2 * precision * recall / max(precision + recall, 1e-9))
        return float(np.mean(scores))

    def error(self) -> float:
        """Root mean square distance of found columns from true ones along both axes, in nm."""
        squares = []
        for each in self.series:
            hit = each.partner >= 0
            apart = each.found.positions[hit] - each.true.positions[each.partner[hit]]
            squares.append(np.square(apart * each.case.picture.pixel_size).sum(axis=1))
        return float(np.sqrt(np.concatenate(squares).mean()))

    def named_as(self, label: str) -> dict[str, float]:
        """Share of the columns of a class that are given each name; "" is missed."""
        count = Counter[str]()
        for each in self.series:
            names = np.full(len(each.true), "", dtype="<U8")
            hit = each.partner >= 0
            names[each.partner[hit]] = each.found.label[hit]
            count.update(names[each.true.label == label].tolist())
        total = max(count.total(), 1)
        return {name: count[name] / total for name in (*CLASSES, "")}

    def confidence(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Confidence of all columns, doubtful ones too, and which are right."""
        confidence = np.concatenate([each.found.confidence for each in self.doubtful])
        return confidence, np.concatenate([each.right for each in self.doubtful])
