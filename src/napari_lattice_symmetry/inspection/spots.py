"""Which spots of the spectrum the network names a class by.

A spot and its opposite are taken out of the amplitude, down to what lies around them, and the whole
network is asked again: by how much the log-odds of its class fall is what the spot told it. This is
occlusion (M. D. Zeiler and R. Fergus, ECCV 2014). Class activation maps, with gradients or without,
would not do: behind its convolutions the network averages over all turns, and its last maps have
cells of 15 degrees and a factor of 1.4 in radius, which hold several spots.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.bravais.classifier import Classifier
from napari_lattice_symmetry.spectrum.amplitude import half_amplitude
from napari_lattice_symmetry.spectrum.polar import MAX_RADIUS, MIN_RADIUS

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

SPOT = 2.5
"""Radius in cycles per window of what is taken out: a spot of a window with soft edges."""

MAX_PAIRS = 64
"""Pairs of spots that are tried, the strongest first."""

_PART = 32  # amplitudes at a time


def spot_evidence(
    model: Classifier,
    pixels: NDArray[np.generic],
    spots: Float64,
    label: int,
    distortion: Float64 | None = None,
) -> Float64:
    """Return by how much the log-odds of a class fall without each spot.

    Parameters
    ----------
    model : Classifier
        The network.
    pixels : ndarray, shape (w, w)
        The window.
    spots : ndarray, shape (n, 2)
        Places (x, y) in the spectrum, in cycles per window, as the image shows it.
    label : int
        Value of the class, 1 to 6.
    distortion : ndarray, shape (2, 2), optional
        What the scan did to positions, as in `Classifier.classify`.

    Returns
    -------
    ndarray, shape (n,)
        In nats: positive where the spot speaks for the class, negative where it speaks against it;
        the same for a spot and its opposite. NaN where the network does not look, and of all but
        the `MAX_PAIRS` strongest pairs.
    """
    evidence = np.full(len(spots), np.nan)
    amplitude = half_amplitude(pixels[np.newaxis])
    radius = np.hypot(*spots.T)
    seen = np.flatnonzero((radius >= MIN_RADIUS) & (radius <= MAX_RADIUS))
    if not len(seen):
        return evidence
    x, y = spots[seen].T
    upper = (x > 1e-6) | ((np.abs(x) <= 1e-6) & (y > 0))
    pairs, pair = np.unique(
        np.round(np.where(upper[:, np.newaxis], spots[seen], -spots[seen]), 6),
        axis=0,
        return_inverse=True,
    )
    strongest = np.argsort(-_strength(amplitude[0], pairs), kind="stable")[:MAX_PAIRS]
    drop = np.full(len(pairs), np.nan)
    whole = model.log_odds(amplitude, label, distortion)
    for start in range(0, len(strongest), _PART):
        some = strongest[start : start + _PART]
        drop[some] = whole - model.log_odds(without(amplitude[0], pairs[some]), label, distortion)
    evidence[seen] = drop[pair.ravel()]
    return evidence


def without(amplitude: Float32, spots: Float64) -> Float32:
    """Take each spot, and its opposite, out of an amplitude.

    Parameters
    ----------
    amplitude : ndarray, shape (w, w // 2 + 1)
        As `half_amplitude` gives it.
    spots : ndarray, shape (n, 2)
        (x, y) in cycles per window.

    Returns
    -------
    ndarray, shape (n, w, w // 2 + 1), float32
        Not higher, within `SPOT` of the spot, than the median around it.
    """
    distance = _distance(amplitude.shape, spots)
    around = (distance > SPOT) & (distance <= 2 * SPOT)
    level = np.array([np.median(amplitude[each]) for each in around], np.float32)
    lowered = np.minimum(amplitude, level[:, np.newaxis, np.newaxis])
    return np.asarray(np.where(distance <= SPOT, lowered, amplitude))


def _distance(shape: tuple[int, ...], spots: Float64) -> Float32:
    """Return how far each frequency of the half plane is from a spot or its opposite."""
    size, columns = shape
    ky = (np.fft.fftfreq(size) * size)[:, np.newaxis]
    kx = np.arange(columns)
    x, y = spots.T[:, :, np.newaxis, np.newaxis]
    nearest = np.minimum(np.hypot(kx - x, ky - y), np.hypot(kx + x, ky + y))
    return np.asarray(nearest, np.float32)


def _strength(amplitude: Float32, spots: Float64) -> Float32:
    """Return the amplitude at each spot, whose x is not negative."""
    x, y = np.rint(spots).astype(np.intp).T
    found: Float32 = amplitude[y % len(amplitude), np.minimum(x, amplitude.shape[1] - 1)]
    return found
