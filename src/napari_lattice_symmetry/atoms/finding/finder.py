"""What finds atoms in a frame: the network at its scale, peaks, and how sure each is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from napari_lattice_symmetry.atoms.finding.engine import FinderEngine
from napari_lattice_symmetry.atoms.finding.scaling import COARSE, SPACING, Resampling, normalize
from napari_lattice_symmetry.atoms.peaks import local_maxima, vertices
from napari_lattice_symmetry.errors import ModelError
from napari_lattice_symmetry.networks.registry import NetworkFile, Registry

Float = NDArray[np.float64]

REGISTRY = Registry(Path(__file__).parents[1] / "weights")
CALIBRATION = "calibration.json"
"""Beside a network that was trained: what makes its confidence hold."""

FEATURES = 5
"""Numbers of each mark from which its confidence follows."""

_UNCLEAR = 1.3  # mean logit below which a frame is looked at more coarsely
_FAINTEST = 0.05  # height of a mark that is looked at
_EDGE = 1e-6
_CLEAR = 3  # column of the features


@dataclass(frozen=True)
class Peaks:
    """Marks of atoms in a frame.

    Parameters
    ----------
    place : ndarray, shape (n, 2)
        y and x in pixels of the frame.
    features : ndarray, shape (n, FEATURES)
        What confidence follows from: logit of the height of the mark, standard deviation of the
        logit over thinned networks, how far the next mark is, in spacings, how clear the frame is,
        which is the mean of those logits, weighted by the heights, and the product of both.
    """

    place: Float
    features: Float

    @property
    def clearness(self) -> float:
        """How clear the frame is; -inf where there is no mark."""
        return float(self.features[0, _CLEAR]) if len(self.features) else -np.inf


@dataclass(frozen=True, eq=False)
class Finder:
    """A network that finds atoms, with its calibration.

    Parameters
    ----------
    engine : FinderEngine
        Runs the network.
    weights : tuple of float
        Of each feature of `Peaks`, and a constant: their sum is the logit of the confidence.
    name : str
        For provenance.
    sha256 : str
        Of the weights.
    """

    engine: FinderEngine
    weights: tuple[float, ...] = (1.0, *[0.0] * FEATURES)
    name: str = "atoms"
    sha256: str = ""

    def peaks(self, frame: Float, spacing: float, samples: int, seed: int = 0) -> Peaks:
        """Find marks in a frame, and once more in coarser pixels where it is unclear.

        Parameters
        ----------
        frame : ndarray, shape (Y, X)
            Gray values without gaps.
        spacing : float
            Pixels between neighbors, about.
        samples, seed : int
            Of the thinned networks.
        """
        peaks = self._peaks_at(frame, spacing, SPACING, samples, seed)
        if len(peaks.place) and peaks.clearness < _UNCLEAR:
            return self._peaks_at(frame, spacing, COARSE, samples, seed)
        return peaks

    def _peaks_at(
        self, frame: Float, spacing: float, seen: float, samples: int, seed: int
    ) -> Peaks:
        """Find marks where neighbors are so many pixels apart."""
        height, width = frame.shape
        resampling = Resampling.to_spacing((height, width), spacing, seen)
        logits = self.engine.logits(normalize(resampling.resample(frame)), samples, seed)
        mark = expit(logits.astype(np.float64)).mean(axis=0)
        rows, columns = local_maxima(mark, _FAINTEST)
        offset, top = vertices(np.log(np.maximum(mark, _EDGE)), rows, columns)
        place = resampling.to_frame(np.stack([rows, columns], axis=1) + offset)
        height_of_mark = logit(np.clip(np.exp(top), _EDGE, 1 - 1e-4))
        spread = logits[:, rows, columns].std(axis=0)
        clear = _clearness(height_of_mark)
        features = np.column_stack(
            [height_of_mark, spread, _nearest(rows, columns) / seen, clear, height_of_mark * clear]
        )
        inside = ((place >= 0) & (place <= [height - 1, width - 1])).all(axis=1)
        return Peaks(place[inside], features[inside])

    def confidence(self, peaks: Peaks) -> Float:
        """Return the probability that a mark is an atom, shape (n,)."""
        *weights, constant = self.weights
        return np.asarray(expit(peaks.features @ np.array(weights) + constant))


def _clearness(heights: Float) -> Float:
    """Return the mean logit, the more of a mark the higher it is, for each of them; (n,)."""
    weight = expit(heights)
    return np.full(len(heights), (weight * heights).sum() / max(weight.sum(), _EDGE))


def _nearest(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Float:
    """Return how far the next mark is, in pixels, at most two spacings."""
    from scipy.spatial import KDTree

    if len(rows) < 2:
        return np.full(len(rows), 2 * SPACING)
    points = np.stack([rows, columns], axis=1)
    distance, _ = KDTree(points).query(points, k=2)
    return np.asarray(np.minimum(np.asarray(distance)[:, 1], 2 * SPACING), dtype=np.float64)


def load_finder(network: str | os.PathLike[str] = "atoms") -> Finder:
    """Load the shipped network by name, or any by the path of its .keras file.

    Parameters
    ----------
    network : str or path
        "atoms" or a .keras file, with ``calibration.json`` beside it.

    Returns
    -------
    Finder
        Loaded once and shared by later calls.

    Raises
    ------
    ModelError
        If there is no such network or file, the weights are not those that were shipped, or it is
        no network that finds atoms.
    """
    return _load(REGISTRY.find(os.fspath(network)))


@cache
def _load(file: NetworkFile) -> Finder:
    weights = tuple(REGISTRY.notes(file, CALIBRATION).get("calibration", Finder.weights))
    if len(weights) != FEATURES + 1:
        raise ModelError(
            f"The calibration of {file.name} has {len(weights)} weights instead of {FEATURES + 1}; "
            "train the network anew: lattice-symmetry train atoms."
        )
    return Finder(FinderEngine(file.read()), weights, file.name, file.sha256)
