"""Making the finder's confidence hold, on pictures that no training has seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from napari_lattice_symmetry.atoms.finding.examples import random_image
from napari_lattice_symmetry.atoms.finding.finder import Finder
from napari_lattice_symmetry.atoms.score import match

Float = NDArray[np.float64]

RADIUS = 0.35
"""Spacings within which a found atom is the true one."""

_SAMPLES = 8
_RIDGE = 1e-3


@dataclass(frozen=True)
class ScoredChunk:
    """Orders the features of marks in pictures, and which of them are atoms.

    Parameters
    ----------
    finder : Finder
        The network.
    seed, stream, index : int
        Draw the pictures.
    pictures : int
        How many.
    """

    finder: Finder
    seed: int
    stream: int
    index: int
    pictures: int = 10

    def draw(self) -> tuple[Float, NDArray[np.bool_]]:
        """Draw features (n, FEATURES) and whether there is an atom (n,)."""
        rng = np.random.default_rng((self.seed, self.stream, self.index))
        parts = [score_picture(self.finder, rng) for _ in range(self.pictures)]
        features, right = zip(*parts, strict=True)
        return np.concatenate(features), np.concatenate(right)


def score_picture(finder: Finder, rng: np.random.Generator) -> tuple[Float, NDArray[np.bool_]]:
    """Draw a picture, find marks in it, and tell which of them are atoms."""
    spacing = float(np.exp(rng.uniform(*np.log((6.0, 24.0)))))
    image = random_image(rng, spacing, int(np.clip(16 * spacing, 96, 320)))
    picture = image.draw()
    told = spacing * np.exp(rng.uniform(-0.15, 0.15))  # what a user or a lattice says of it
    peaks = finder.peaks(picture.image, told, _SAMPLES)
    faint = picture.faint.positions
    radius = RADIUS * spacing
    right = np.zeros(len(peaks.place), bool)
    right[match(peaks.place, picture.atoms.positions, radius)[0]] = True
    unseen = np.zeros(len(peaks.place), bool)
    unseen[match(peaks.place, faint, radius)[0]] = True
    kept = right | ~unseen
    return peaks.features[kept], right[kept]


def fit_confidence(features: Float, right: NDArray[np.bool_]) -> tuple[float, ...]:
    """Find the weights of the features, and a constant, with the least log loss.

    Parameters
    ----------
    features : ndarray, shape (n, k)
        Of marks.
    right : ndarray of bool, shape (n,)
        Whether there is an atom.
    """
    design = np.column_stack([features, np.ones(len(features))])
    sign = np.where(right, 1.0, -1.0)
    start = np.array([1.0, *[0.0] * features.shape[1]])

    def cost(weights: Float) -> tuple[float, Float]:
        margin = sign * (design @ weights)
        loss = np.logaddexp(0, -margin).mean() + _RIDGE * np.square(weights - start).sum()
        slope = -(sign * expit(-margin)) @ design / len(design) + 2 * _RIDGE * (weights - start)
        return float(loss), slope

    return tuple(minimize(cost, start, jac=True, method="L-BFGS-B").x.round(4).tolist())
