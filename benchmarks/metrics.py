"""How right, and how honest, class probabilities are, and what is told of places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binomtest, rankdata

from napari_lattice_symmetry.atoms.score import match

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.floating]
    Bool = NDArray[np.bool_]


def in_first(mean: Float, labels: NDArray[np.uint8], k: int) -> Bool:
    """Tell for each window whether its true label is among the `k` most probable classes."""
    return (np.argsort(-mean, axis=1)[:, :k] + 1 == labels[:, None]).any(axis=1)


def auroc(score: Float, positive: Bool) -> float:
    """Give the area under the ROC curve of a score for what is positive (Mann-Whitney)."""
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return float("nan")
    return float((rankdata(score)[positive].sum() - n * (n + 1) / 2) / (n * m))


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """Lay out a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def inside(places: Float, size: int, edge: float) -> Bool:
    """Tell which places (n, 2) lie off the border of a square."""
    return ((places >= edge) & (places <= size - 1 - edge)).all(axis=1)


def pair_off_border(
    told: Float, true: Float, radius: float, size: int, edge: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Pair all places one to one, and only then leave out what lies at the border.

    Returns
    -------
    rows, columns : ndarray of int, shape (k,)
        Numbers of the pairs whose true place is off the border.
    false : int
        How many that were told off the border are in no pair.
    """
    rows, columns = match(told, true, radius)
    false = int(inside(np.delete(told, rows, axis=0), size, edge).sum())
    counted = inside(true, size, edge)[columns]
    return rows[counted], columns[counted], false


def share(right: Bool, level: float = 0.95) -> str:
    """Word the share of what is right with its confidence interval (Wilson)."""
    count, total = int(np.sum(right)), np.size(right)
    low, high = binomtest(count, total).proportion_ci(level, method="wilson")
    return f"{count / total:.3f} ({low:.3f} to {high:.3f})"
