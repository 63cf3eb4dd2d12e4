"""Which part of a frame each grain fills, and what lies between grains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from napari_lattice_symmetry.atoms.table import GRAIN, Atoms

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GrainPart:
    """Where a grain is: nearer to its atoms than to those of other grains.

    Parameters
    ----------
    number : int
        Of the grain.
    own : KDTree
        Its atoms.
    others : KDTree, optional
        Those of other grains, if there are any.
    """

    number: int
    own: KDTree
    others: KDTree | None

    def holds(self, places: Float, margin: float) -> NDArray[np.bool_]:
        """Return which places (..., 2) are nearer to it than to others, by a margin in pixels."""
        if self.others is None:
            return np.ones(places.shape[:-1], bool)
        to_own, to_others = (np.asarray(each.query(places)[0]) for each in (self.own, self.others))
        return np.asarray(to_others - to_own > margin)


def parts_of(atoms: Atoms) -> list[GrainPart]:
    """List the grains of a frame; none where no grains were told apart."""
    if GRAIN not in atoms.more:
        return []
    grain, places = np.asarray(atoms.more[GRAIN]), atoms.positions
    parts = []
    for number in np.unique(grain[grain > 0]).tolist():
        others = places[(grain > 0) & (grain != number)]
        tree = KDTree(others) if len(others) else None
        parts.append(GrainPart(int(number), KDTree(places[grain == number]), tree))
    return parts
