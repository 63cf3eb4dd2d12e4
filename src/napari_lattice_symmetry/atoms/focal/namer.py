"""What names the columns of a focal series: a network, peaks, and how sure each is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.special import expit, logit, softmax

from napari_lattice_symmetry.atoms.finding.finder import CALIBRATION, REGISTRY
from napari_lattice_symmetry.atoms.finding.scaling import SPACING, Resampling
from napari_lattice_symmetry.atoms.focal.microscope import Microscope
from napari_lattice_symmetry.atoms.focal.seeing import CLASSES, MARK, PIXEL, see
from napari_lattice_symmetry.atoms.focal.specimens.layer import SINGLE
from napari_lattice_symmetry.atoms.peaks import local_maxima, vertices
from napari_lattice_symmetry.errors import ModelError
from napari_lattice_symmetry.networks.archive import ForeignNetworkError
from napari_lattice_symmetry.networks.engines.image_engine import ImageEngine
from napari_lattice_symmetry.networks.registry import NetworkFile

Float = NDArray[np.float64]

DEFAULT = "msd"
"""The network that is asked unless another is named."""

SHIPPED = (DEFAULT, "unet")
"""Those that have names."""

FEATURES = 11
"""Numbers that the confidence of a mark follows from."""

_FAINTEST = 0.1  # height of a mark that is looked at
_APART = round(0.08 / PIXEL) + 1  # px: no two columns of a layer are nearer
_EDGE = 1e-4


@dataclass(frozen=True, eq=False)
class Marks:
    """Marks of columns in a focal series.

    Parameters
    ----------
    place : ndarray, shape (n, 2)
        y and x in pixels of the images.
    shares : ndarray, shape (n, 3)
        Of the classes at the mark; they add up to 1.
    features : ndarray, shape (n, FEATURES)
        What confidence follows from: logits of the height of the mark and of the share of its
        class, their spread over thinned networks, how near the next mark is, and the potential
        there beside that of other marks; then 1 for a single chalcogen, and all of these again for
        singles alone, since nothing but them is taken for a place without atoms.
    maps : ndarray, shape (4, y, x), float32
        Probability of the background and of each class in every pixel that is seen.
    """

    place: Float
    shares: Float
    features: Float
    maps: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ColumnNamer:
    """A network that names columns, with its calibration.

    Parameters
    ----------
    engine : ImageEngine
        Runs the network.
    weights : tuple of float
        Of each feature of `Marks`, and a constant: their sum is the logit of the confidence.
    name : str
        For provenance.
    sha256 : str
        Of the weights.
    """

    engine: ImageEngine
    weights: tuple[float, ...] = (1.0, *[0.0] * FEATURES)
    name: str = "msd"
    sha256: str = ""

    @property
    def images(self) -> int:
        """Images of a series."""
        return self.engine.channels - 1

    def mark(
        self,
        images: Float,
        pixel: float,
        defoci: Sequence[float],
        microscope: Microscope,
        *,
        samples: int,
        seed: int = 0,
    ) -> Marks:
        """Find marks in a series.

        Parameters
        ----------
        images : ndarray, shape (n, Y, X)
            Registered, without gaps.
        pixel : float
            In nm.
        defoci : sequence of float
            Of each image, in nm.
        microscope : Microscope
            That recorded them.
        samples, seed : int
            Of the thinned networks.
        """
        shape = (images.shape[1], images.shape[2])
        resampling = Resampling.to_spacing(shape, SPACING * PIXEL / pixel)
        resampled = np.stack([resampling.resample(image) for image in images])
        seen = see(resampled, defoci, microscope)
        marks = self.mark_seen(seen, samples, seed)
        place = resampling.to_frame(marks.place)
        inside = ((place >= 0) & (place <= np.array(shape) - 1)).all(axis=1)
        return Marks(place[inside], marks.shares[inside], marks.features[inside], marks.maps)

    def mark_seen(self, seen: NDArray[np.float32], samples: int, seed: int = 0) -> Marks:
        """Find marks in what networks see (Y, X, n), with places in its pixels.

        Parameters
        ----------
        seen : ndarray, shape (Y, X, n + 1)
            As `see` gives it.
        samples, seed : int
            Of the thinned networks.
        """
        logits = self.engine.logits(seen, samples, seed)
        thinned = softmax(logits.astype(np.float64), axis=1)
        maps = thinned.mean(axis=0)
        there = 1 - maps[0]
        rows, columns = local_maxima(gaussian_filter(there, 0.5), _FAINTEST, _APART)
        offset, _ = vertices(np.log(np.maximum(there, _EDGE)), rows, columns)
        wide = gaussian_filter(thinned[:, 1:], (0, 0, MARK / PIXEL / 2, MARK / PIXEL / 2))
        each = wide[..., rows, columns].transpose(2, 0, 1)  # marks, thinned networks, classes
        each = each / np.maximum(each.sum(axis=-1, keepdims=True), _EDGE)
        shares = each.mean(axis=1)
        best = shares.argmax(axis=1)
        spread = each.std(axis=1)[np.arange(len(best)), best]
        tall = np.clip(there[rows, columns], _EDGE, 1 - _EDGE)
        share = np.clip(shares.max(axis=1), _EDGE, 1 - _EDGE)
        potential = gaussian_filter(seen[..., -1].astype(np.float64), 1)[rows, columns]
        typical = max(float(np.median(potential)), _EDGE) if len(potential) else 1.0
        relative = np.clip(potential / typical, -2, 2)
        plain = [logit(tall), logit(share), spread, _nearest(rows, columns), relative]
        single = best == SINGLE
        features = np.stack([*plain, single, *(each * single for each in plain)], axis=1)
        place = np.stack([rows, columns], axis=1) + offset
        return Marks(place, shares, features, maps.astype(np.float32))

    def confidence(self, marks: Marks) -> Float:
        """Return the probability that there is a column of the likeliest class, (n,)."""
        *weights, constant = self.weights
        return np.asarray(expit(marks.features @ np.array(weights) + constant))


def _nearest(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Float:
    """Return how far the next mark is in nm, at most 0.3."""
    from scipy.spatial import KDTree

    if len(rows) < 2:
        return np.full(len(rows), 0.3)
    points = np.stack([rows, columns], axis=1)
    distance, _ = KDTree(points).query(points, k=2)
    return np.minimum(np.asarray(distance)[:, 1] * PIXEL, 0.3)


def load_namer(network: str | os.PathLike[str] = DEFAULT) -> ColumnNamer:
    """Load a shipped network by name, or any by the path of its .keras file.

    Parameters
    ----------
    network : str or path
        "msd", "unet", or a .keras file with ``calibration.json`` beside it.

    Returns
    -------
    ColumnNamer
        Loaded once and shared by later calls.

    Raises
    ------
    ModelError
        If there is no such network or file, the weights are not those that were shipped, or it is
        no network that names columns.
    """
    return _load(REGISTRY.find(os.fspath(network)))


@cache
def _load(file: NetworkFile) -> ColumnNamer:
    try:
        engine = ImageEngine(file.read())
        if engine.outputs != len(CLASSES):
            raise ForeignNetworkError(f"{engine.outputs} answers instead of {len(CLASSES)}")
    except ForeignNetworkError as error:
        raise ModelError(
            f"{file.path} is no network that names columns ({error}); "
            "one is made by: lattice-symmetry train msd."
        ) from error
    weights = tuple(REGISTRY.notes(file, CALIBRATION).get("calibration", ColumnNamer.weights))
    return ColumnNamer(engine, weights, file.name, file.sha256)
