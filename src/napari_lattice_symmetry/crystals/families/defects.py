"""What breaks a structure: vacancies, displacements, and how it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.neighbors import neighbor_distance

Float = NDArray[np.float64]

MAX_VACANCIES, MAX_DISPLACEMENT = 0.7, 0.2
"""Up to which share of atoms and of the neighbor distance networks have seen defects."""


@dataclass(frozen=True)
class Defects:
    """What is done to a cluster.

    Parameters
    ----------
    vacancies : float
        Share of the atoms that are missing, at random.
    displacement : float
        Standard deviation of every coordinate, over the distance of neighbors.
    rotation : ndarray, shape (3, 3), optional
        How it is turned, for positions in rows.
    """

    vacancies: float = 0.0
    displacement: float = 0.0
    rotation: Float | None = None

    @property
    def is_beyond_training(self) -> bool:
        """Whether networks have seen no such share of vacancies, or no such displacements."""
        return self.vacancies > MAX_VACANCIES or self.displacement > MAX_DISPLACEMENT

    def apply(
        self, positions: Float, symbols: list[str], rng: np.random.Generator
    ) -> tuple[Float, list[str]]:
        """Return what is left of a cluster, at least two atoms.

        Parameters
        ----------
        positions : ndarray, shape (n, 3)
            In any unit of length.
        symbols : list of str
            Element of each atom.
        rng : numpy.random.Generator
            Chooses the vacancies and the displacements; of a smaller share the same are missing.

        Returns
        -------
        positions : ndarray, shape (m, 3)
        symbols : list of str
        """
        order = rng.permutation(len(positions))
        moves = rng.normal(size=positions.shape)
        if self.displacement:
            scale = self.displacement * neighbor_distance(positions)
            positions = positions + scale * moves
        count = round((1 - self.vacancies) * len(positions))
        kept = np.sort(order[: max(2, count)])
        positions = positions[kept]
        if self.rotation is not None:
            center = positions.mean(axis=0)
            positions = (positions - center) @ self.rotation + center
        return positions, [symbols[index] for index in kept]


def random_rotation(rng: np.random.Generator) -> Float:
    """Return a rotation (3, 3), all being as likely."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.random(rng=rng).as_matrix())


def draw_defects(rng: np.random.Generator) -> Defects:
    """Draw what training has seen: a fifth without, the others with vacancies, moves or both.

    Vacancies are 1 to 70 %, displacements 1 to 20 % of the distance of neighbors.
    """
    kind = rng.choice(4, p=(0.2, 0.25, 0.3, 0.25))
    vacancies = rng.uniform(0.01, MAX_VACANCIES) if kind in (1, 3) else 0.0
    displacement = rng.uniform(0.01, MAX_DISPLACEMENT) if kind in (2, 3) else 0.0
    return Defects(vacancies, displacement)
