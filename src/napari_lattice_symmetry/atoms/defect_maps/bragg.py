"""What is left of a frame when its periodic part is taken off, against its noise.

The mean of a frame over lattice vectors about each pixel, weighted by a Gaussian, is its Bragg
filter: a comb of lattice vectors in the image is one of Bragg spots in the spectrum, and the
Gaussian is the width of the windows around them. Other than these, it is exact up to the border.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.optimize import brentq
from scipy.spatial import KDTree

from napari_lattice_symmetry.atoms.defect_maps.peaks import FALSE_ALARMS, confidence_of, find_peaks
from napari_lattice_symmetry.atoms.defect_table import BRIGHTER, DIMMER, EXTRA, MISSING, Defects
from napari_lattice_symmetry.atoms.finding.scaling import SPACING, Resampling

Float = NDArray[np.float64]

_WIDTH, _WIDTH_OF_NOISE = 1.2, 2.5  # standard deviations of averages, in longer lattice vectors
_REACH = 2.2  # and how many of these they go
_PROBE = 0.18  # standard deviation of what a column looks like, in spacings
_CLEAR = 0.5  # spacings about a defect that are left out of the average
_SUSPICIOUS = 4.0  # noise floors from which on a pixel is
_SAME, _APART, _EDGE = 0.35, 0.7, 0.5  # spacings


def bragg_defects(frame: Float, places: Float, basis: Float, spacing: float) -> Defects:
    """List the defects of a frame by its Bragg residual.

    Parameters
    ----------
    frame : ndarray, shape (Y, X)
        Gray values without gaps.
    places : ndarray, shape (n, 2)
        y and x of atoms, which name a defect: too little of something is a dimmer atom, or a
        missing one where there is none.
    basis : ndarray, shape (2, 2)
        Lattice vectors (y, x) in pixels.
    spacing : float
        Pixels between neighbors.

    Returns
    -------
    Defects
        Of the kinds "missing", "extra", "dimmer" and "brighter".
    """
    height, width = frame.shape
    resampling = Resampling.to_spacing((height, width), spacing)
    score = noise_score(resampling.resample(frame), basis / resampling.factors)
    rate = _chance(score, len(places))
    least = float(brentq(lambda u: float(rate(np.array(u))) - FALSE_ALARMS, 1.5, 12))
    cells, heights = find_peaks(np.abs(score), least, _APART * SPACING)
    found = resampling.to_frame(cells)
    edge = _EDGE * spacing
    inside = ((found >= edge) & (found <= [height - 1 - edge, width - 1 - edge])).all(axis=1)
    found, heights, cells = found[inside], heights[inside], cells[inside]
    rows, columns = np.rint(cells).astype(np.intp).T
    more = score[rows, columns] > 0
    there = np.asarray(KDTree(places).query(found)[0]) < _SAME * spacing
    kinds = np.where(there, np.where(more, BRIGHTER, DIMMER), np.where(more, EXTRA, MISSING))
    confidence = confidence_of(heights, rate, len(places))
    return Defects.at(kinds, found[:, 0], found[:, 1], confidence)


def noise_score(image: Float, basis: Float) -> Float:
    """Return the residual of an image in units of its noise floor.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        With neighbors `SPACING` pixels apart.
    basis : ndarray, shape (2, 2)
        Lattice vectors (y, x) in pixels.

    Returns
    -------
    ndarray, shape (Y, X)
        Smoothed over a column; of variance 1 where the crystal is perfect. The variance, too, is
        an average over lattice vectors: it is higher on columns, by counts and displacements.
    """
    smooth = partial(gaussian_filter, sigma=_PROBE * SPACING, mode="nearest")
    known = np.ones(image.shape, bool)
    for _ in range(3):  # again without what was found
        residual = smooth(image - lattice_average(image, basis, known, _WIDTH))
        variance = smooth(lattice_average(np.square(residual), basis, known, _WIDTH_OF_NOISE))
        score = residual / np.sqrt(np.maximum(variance, 1e-3 * np.median(variance) + 1e-12))
        known = distance_transform_edt(np.abs(score) < _SUSPICIOUS) > _CLEAR * SPACING
        if known.mean() < 0.5:
            break
    return np.asarray(score)


def lattice_average(image: Float, basis: Float, known: NDArray[np.bool_], width: float) -> Float:
    """Return the weighted mean over lattice vectors, the pixel itself left out.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Gray values.
    basis : ndarray, shape (2, 2)
        Lattice vectors (y, x) in pixels.
    known : ndarray of bool, shape (Y, X)
        Pixels that are asked.
    width : float
        Standard deviation of the weights, in the longer lattice vector.
    """
    sigma = width * float(np.linalg.norm(basis, axis=1).max())
    most = int(2 * np.ceil(_REACH * width))
    steps = np.array([each for each in product(range(-most, most + 1), repeat=2) if any(each)])
    vectors = steps @ basis
    length = np.linalg.norm(vectors, axis=1)
    vectors, length = vectors[length < _REACH * sigma], length[length < _REACH * sigma]
    weights = np.exp(-0.5 * np.square(length / sigma))
    pad = int(np.ceil(_REACH * sigma)) + 1
    shape = tuple(scipy.fft.next_fast_len(n + pad, real=True) for n in image.shape)
    # A shift by a vector is a phase, and the phase along y times that along x: one product.
    along_y = np.exp(-2j * np.pi * np.outer(scipy.fft.fftfreq(shape[0]), vectors[:, 0]))
    along_x = np.exp(-2j * np.pi * np.outer(vectors[:, 1], scipy.fft.rfftfreq(shape[1])))
    comb = (along_y * weights) @ along_x

    def average(values: Float) -> Float:
        spectrum = scipy.fft.rfft2(values, shape)
        back = scipy.fft.irfft2(spectrum * comb, shape)
        return np.asarray(back[: image.shape[0], : image.shape[1]])

    middle = float(image[known].mean())
    share = average(known.astype(np.float64))
    total = average(np.where(known, image - middle, 0.0))
    return np.asarray(middle + total / np.maximum(share, 0.05 * weights.sum()))


def _chance(score: Float, sites: int) -> Callable[[Float], Float]:
    """Return how many peaks of noise, up or down, are so high, of 1,000 sites.

    Source: R. J. Adler, The Geometry of Random Fields (1981); K. J. Worsley et al., Human Brain
    Mapping 4, 58 (1996): the Euler characteristic of what exceeds u.
    """
    slopes = [
        float(1.4826 * np.median(np.abs(each - np.median(each)))) for each in np.gradient(score)
    ]
    density = slopes[0] * slopes[1] * (2 * np.pi) ** -1.5 * score.size / max(sites, 1)

    def rate(heights: Float) -> Float:
        return np.asarray(2000 * density * heights * np.exp(-0.5 * np.square(heights)))

    return rate
