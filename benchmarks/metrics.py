"""How right, and how honest, class probabilities are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

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
