"""What is right to say of a window, within any tolerance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.bravais.training_images import NOISE
from napari_lattice_symmetry.lattice.basis import symmetry_distances
from napari_lattice_symmetry.lattice.classes import CLASSES, LABELS
from napari_lattice_symmetry.lattice.metric import metric_class

Float = NDArray[np.float64]

_EXACT = 1e-6
_LATTICES = NOISE  # classes 0 to 4 are lattices, the last is none


@dataclass(frozen=True, eq=False)
class Truth:
    """What may be said of a window.

    Parameters
    ----------
    bases : tuple of ndarray, shape (2, 2)
        Lattices that it shows, with drift.
    shares : tuple of float
        How much each of them deserves to be named.
    noise : float
        How much "noise" does. What is left is nobody's, and goes to all lattices alike.
    exact : bool
        Whether the lattices are as drawn, so that a class can be told at a tolerance of 0.
    """

    bases: tuple[Float, ...] = ()
    shares: tuple[float, ...] = ()
    noise: float = 0.0
    exact: bool = True

    def target(self, tolerance: float) -> Float:
        """Return the probabilities (6,) that are right within a tolerance."""
        target = np.full(len(CLASSES), (1 - sum(self.shares) - self.noise) / _LATTICES)
        target[NOISE] = self.noise
        for basis, share in zip(self.bases, self.shares, strict=True):
            name = metric_class(symmetry_distances(basis), max(tolerance, _EXACT))
            target[LABELS[name] - 1] += share
        return target


def lattice(basis: Float, exact: bool = True) -> Truth:
    """Return the truth of a window on one lattice."""
    return Truth((basis,), (1.0,), exact=exact)


NO_LATTICE = Truth(noise=1.0)
ONE_DIRECTION = Truth(noise=0.5)
"""Fringes are no lattice, but a lattice may look like them."""
NO_ONE_LATTICE = Truth()

Drawing = Callable[[np.random.Generator, int], tuple[Float, Truth]]
